"""The start script of the deployed Kafka, run on the real jars: it lets in who has a password, and nobody else."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import pytest
import yaml
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from cryptography import x509

from ops.cli.agency import CA_FILE, lines_of
from ops.doctor.local import look_at_broker_certificates
from ops.kafka_admin.__main__ import MissingSettingError, apply
from ops.kafka_admin.agencies import create_user
from ops.kafka_admin.client import kcat_config, operator_client
from ops.stack.java import class_path, find_java
from shared.broker import KafkaSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAMS = {"kafka-storage.sh": "kafka.tools.StorageTool", "kafka-server-start.sh": "-Xmx400m kafka.Kafka"}
START_SECONDS = 60
NO_OPENSSL = "openssl is not on the PATH: it makes the certificates of a TLS listener"


@dataclass(frozen=True)
class Node:
    """A running node: where clients reach it, and its secrets."""

    port: int
    secrets: Path
    protocol: str

    @property
    def ca_file(self) -> str:
        return str(self.secrets / "kafka_ca")

    def settings(self, user: str, password: str | None = None) -> KafkaSettings:
        known = self.secrets / f"kafka_{user}_password"
        return KafkaSettings(
            bootstrap=f"127.0.0.1:{self.port}",
            username=user,
            password=password or known.read_text(encoding="utf-8"),
            security_protocol=self.protocol,
            ca_file=self.ca_file,
        )


def _free_ports(count: int) -> list[int]:
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def _programs(home: Path) -> Path:
    """Make what the image has in its ``bin``, around the jars and the Java that the local stack uses."""
    jars = ":".join(str(jar) for jar in class_path(lambda _text: None))
    (home / "bin").mkdir(parents=True)
    for name, main in PROGRAMS.items():
        path = home / "bin" / name
        path.write_text(f'#!/bin/sh\nexec {find_java().path} -cp {shlex.quote(jars)} {main} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return home


def _can_ask(admin: AdminClient, seconds: float) -> bool:
    try:
        admin.list_topics(timeout=seconds)
    except KafkaException:
        return False
    return True


@pytest.fixture(scope="module", params=["SASL_PLAINTEXT", "SASL_SSL"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    protocol = str(request.param)
    if protocol == "SASL_SSL" and shutil.which("openssl") is None:
        pytest.skip(NO_OPENSSL)
    work = tmp_path_factory.mktemp("kafka")
    shutil.copy(DEPLOY / "make-secrets", work)
    subprocess.run(["sh", work / "make-secrets"], check=True, capture_output=True)
    client, controller, broker = _free_ports(3)
    settings = os.environ | {
        "SECRETS": str(work / "secrets"),
        "DATA": str(work / "data"),
        "CONFIG": str(work / "server.properties"),
        "ARGUMENTS": str(work / "arguments"),
        "KAFKA_HOME": str(_programs(work / "kafka")),
        "LISTEN": "127.0.0.1",
        "NODE_ID": "1",
        "NODE_NAME": "127.0.0.1",
        "BOOTSTRAP": f"127.0.0.1:{controller}",
        "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
        "REPLICATION": "1",
        "MIN_INSYNC": "1",
        "PROTOCOL": protocol,
        "CLIENT_PORT": str(client),
        "CONTROLLER_PORT": str(controller),
        "BROKER_PORT": str(broker),
    }
    log = work / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(["sh", DEPLOY / "kafka" / "start.sh"], env=settings, stdout=out, stderr=out)
    try:
        running = Node(client, work / "secrets", protocol)
        admin = operator_client(running.settings("operator"))
        deadline = monotonic() + START_SECONDS
        while not _can_ask(admin, seconds=1.0):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert monotonic() < deadline, log.read_text(encoding="utf-8")
        yield running
        assert "password" not in log.read_text(encoding="utf-8")
        assert "storedKey" not in log.read_text(encoding="utf-8")
    finally:
        process.terminate()
        process.wait(30)


def test_the_operator_gets_in_and_may_make_topics(node: Node) -> None:
    admin = operator_client(node.settings("operator"))
    made = admin.create_topics([NewTopic("umkm.try", num_partitions=6, replication_factor=-1)])
    assert made["umkm.try"].result(15) is None
    assert len(admin.list_topics(timeout=15).topics["umkm.try"].partitions) == 6


@pytest.mark.parametrize(("user", "password"), [("operator", "wrong"), ("controller", None), ("nobody", "nothing")])
@pytest.mark.security(line="S4")
def test_a_wrong_password_and_an_unknown_user_stay_outside(node: Node, user: str, password: str | None) -> None:
    assert not _can_ask(operator_client(node.settings(user, password)), seconds=2.0)


def _job(node: Node) -> dict[str, str]:
    """Return the environment of the job ``topics`` of the compose file, with our files."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    told = {k: str(v).replace("/run/secrets", str(node.secrets)) for k, v in services["topics"]["environment"].items()}
    return told | {"KAFKA_BOOTSTRAP": f"127.0.0.1:{node.port}", "KAFKA_SECURITY_PROTOCOL": node.protocol}


@pytest.fixture(scope="module")
def first(node: Node) -> list[str]:
    """Run the deployment's job on the empty node; return what it did."""
    return apply(_job(node))


def test_the_deployments_job_makes_topics_users_and_rights_and_may_run_again(node: Node, first: list[str]) -> None:
    assert "create topic umkm.business (6 partitions)" in first
    deadline = monotonic() + START_SECONDS
    while again := [line for line in apply(_job(node)) if not line.startswith("create user")]:
        assert monotonic() < deadline, again  # the broker may learn of a change a moment after the controller
    seen = operator_client(node.settings("projections")).list_topics(timeout=15).topics
    assert "umkm.business" in seen
    assert "umkm.owner" not in seen


def test_a_missing_password_stops_the_job(node: Node) -> None:
    told = _job(node)
    del told["KAFKA_REGISTRY_PASSWORD_FILE"]
    with pytest.raises(MissingSettingError, match="KAFKA_REGISTRY_PASSWORD"):
        apply(told)


@pytest.mark.security(line="S4")
def test_a_client_without_a_password_stays_outside(node: Node) -> None:
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{node.port}", "log_level": 0, "error_cb": lambda _: None})
    assert not _can_ask(client, seconds=2.0)


@pytest.mark.security(line="S4")
async def test_a_service_gets_in_by_the_certificate_and_nobody_who_trusts_another_or_speaks_plain(
    node: Node, first: list[str], tmp_path: Path
) -> None:
    assert first
    known = node.settings("registry")
    await _dial(known)
    if node.protocol == "SASL_PLAINTEXT":
        return
    assert not _can_ask(operator_client(replace(node.settings("operator"), security_protocol="SASL_PLAINTEXT")), 2.0)
    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    subprocess.run(["sh", tmp_path / "make-secrets"], check=True, capture_output=True)
    with pytest.raises(KafkaConnectionError):
        await _dial(replace(known, ca_file=str(tmp_path / "secrets" / "kafka_ca")))


@pytest.mark.security(line="S4")
def test_what_an_agency_is_handed_names_the_authority_and_lets_it_in(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = node.settings("operator")
    access = create_user(operator_client(operator), "uji-tangan")
    text = "\n".join(lines_of(access, operator))
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    monkeypatch.chdir(tmp_path)
    if node.protocol == "SASL_SSL":
        assert told["ssl.ca.location"] == CA_FILE
        assert f"# {CA_FILE}: " in text
        shutil.copy(node.ca_file, CA_FILE)
    else:
        assert "ssl" not in text.replace("SSL", "")
    assert str(node.secrets) not in text
    quiet = {"log_level": 0, "error_cb": lambda _: None}
    deadline = monotonic() + START_SECONDS
    while not _can_ask(
        AdminClient(told | quiet), seconds=5.0
    ):  # the broker may learn of a user a moment after the controller
        assert monotonic() < deadline
    assert kcat_config(operator).get("ssl.ca.location") == (node.ca_file if node.protocol == "SASL_SSL" else None)


def test_the_end_of_the_certificate_that_a_broker_shows_is_known(node: Node) -> None:
    address = node.settings("operator").bootstrap
    found = look_at_broker_certificates(f"{address},127.0.0.1:{_free_ports(1)[0]}")  # one is away
    if node.protocol == "SASL_PLAINTEXT":
        assert found == []
        return
    (ending,) = found
    served = x509.load_pem_x509_certificates((node.secrets / "kafka_server").read_bytes())
    assert (ending.name, ending.ends) == (
        f"The certificate of the broker at {address}",
        served[0].not_valid_after_utc,
    )


async def _dial(settings: KafkaSettings) -> None:
    """Connect as a service does, and ask for topics."""
    client = AIOKafkaClient(**settings.client())
    try:
        await client.bootstrap()
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("protocol", "says"), [("SASL_SSL", "kafka_server, which is empty or not there"), ("TLS", "PROTOCOL is 'TLS'")]
)
def test_a_node_without_its_certificate_or_with_another_word_says_so(tmp_path: Path, protocol: str, says: str) -> None:
    for user in ("broker", "controller", "operator"):
        (tmp_path / f"kafka_{user}_password").write_text("geheim", encoding="ascii")
    given = os.environ | {"SECRETS": str(tmp_path), "PROTOCOL": protocol, "CONFIG": str(tmp_path / "server.properties")}
    done = subprocess.run(["sh", DEPLOY / "kafka" / "start.sh"], check=False, env=given, capture_output=True, text=True)
    assert (done.returncode, says in done.stderr) == (78, True)


def test_the_passwords_are_not_in_a_file_that_others_read(node: Node) -> None:
    properties = node.secrets.parent / "server.properties"
    assert properties.stat().st_mode & 0o077 == 0
    assert not (node.secrets.parent / "arguments").exists()
    assert sys.platform != "linux" or (node.secrets.stat().st_mode & 0o077) == 0
