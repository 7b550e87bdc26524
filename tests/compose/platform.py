"""The compose project of a run: its settings and secrets, and the commands of ``docker compose`` on it."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from ops.stack.processes import free_port
from shared.auth import Role
from shared.auth.tokens import new_signing_key, public_jwks, sign_token
from tests.containers.servers import DEPLOY, engine, example

PROJECT = "naikkelas-compose-test"
"""Compose puts it as a label on all that it makes; by it a run finds what is left of one that was killed."""
LABEL = f"com.docker.compose.project={PROJECT}"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
SCALABLE = tuple(name for name in SERVICES if name.endswith(("-api", "-worker", "-relay")))
BROKERS = ("kafka", "kafka-2", "kafka-3")
WAIT_SECONDS = 600
ISSUER, AUDIENCE = "https://issuer.test", "naikkelas"
EMPTY = ("smtp_password", "whatsapp_token", "whatsapp_app_secret", "sms_token")
TOKENS = {"service_token": "notifications", "training_service_token": "training", "partners_service_token": "partners"}


class BrokenError(Exception):
    """The platform is not what it should be; the text says what was found."""


class Platform:
    """The deployment's own compose file, run under a project name, ports and secrets of its own; ``cluster``: three brokers, TLS.

    ``url`` is the proxy's address, ``mail_url`` that of the mail catcher's API.
    """

    def __init__(self, folder: Path, *, cluster: bool = False) -> None:
        self._folder, self.deploy = folder, DEPLOY
        self.brokers = BROKERS if cluster else BROKERS[:1]
        self._key = new_signing_key()
        proxy, mail = free_port(0), free_port(0)
        self.url, self.mail_url = f"http://127.0.0.1:{proxy}", f"http://127.0.0.1:{mail}"
        self._write_secrets(folder / "secrets")
        self._write_settings(proxy)
        # The only thing that differs from the deployment: where the mail catcher's page is reached.
        ports = {"services": {"mailpit": {"ports": [f"127.0.0.1:{mail}:8025"]}}}
        text = yaml.safe_dump(ports).replace("ports:", "ports: !override")
        (folder / "override.yaml").write_text(text, encoding="utf-8")

    def token(self, *roles: Role, subject: str = "compose-test", **claims: Any) -> str:
        """Return an access token for these roles."""
        return sign_token(
            self._key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=subject,
            roles=roles,
            lifetime=timedelta(hours=6),
            **claims,
        )

    def _write_secrets(self, folder: Path) -> None:
        subprocess.run(["sh", DEPLOY / "make-secrets", folder], check=True, capture_output=True)
        given = dict.fromkeys(EMPTY, "")
        given |= {name: self.token(Role.LAYANAN, subject=service) for name, service in TOKENS.items()}
        given |= {"jwks.json": json.dumps(public_jwks(self._key))}
        for name, text in given.items():
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o444)

    def _write_settings(self, port: int) -> None:
        settings = example() | {
            "SECRETS_DIR": str(self._folder / "secrets"),
            "JWKS_FILE": str(self._folder / "secrets" / "jwks.json"),
            "CLUSTER_ID": urlsafe_b64encode(uuid4().bytes).decode().rstrip("="),
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "TRAINING_URL": f"{self.url}/training",
            "SCHEMAS_URL": f"{self.url}/registry/schemas/",
            "NOTIFICATIONS_URL": "https://naikkelas.test/notifications",
            "SMTP_HOST": "mailpit",
            "SMTP_PORT": "1025",
            "SMTP_STARTTLS": "false",
            "MAIL_FROM": "DKUMKMP Balikpapan <naikkelas@umkm.example>",
            "QUIET_HOURS": "",
            "PUBLISH": f"127.0.0.1:{port}",
        }
        if len(self.brokers) > 1:
            settings |= {"REPLICATION": "3", "MIN_INSYNC": "2", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
            settings |= {"KAFKA_BOOTSTRAP": ",".join(f"{name}:9092" for name in self.brokers)}
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self._folder / "env").write_text(text, encoding="utf-8")

    # -- commands --------------------------------------------------------------------------------------------------

    def compose(self, *words: str, seconds: float = 1200.0, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``docker compose`` in ``deploy/``. Raises ``BrokenError`` with what it said last."""
        command = ["docker", "compose", "--project-name", PROJECT, "--file", "compose.yaml"]
        command += ["--file", str(self._folder / "override.yaml"), "--env-file", str(self._folder / "env")]
        # The classic builder: the other one is a plugin that an engine need not have.
        environment = os.environ | {"DOCKER_BUILDKIT": "0", "COMPOSE_BAKE": "false", "COMPOSE_PROGRESS": "plain"}
        profiles = ["--profile", "dev", *(["--profile", "cluster"] if len(self.brokers) > 1 else [])]
        done = subprocess.run(
            [*command, *profiles, *words],
            cwd=DEPLOY, env=environment, check=False, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip
        if check and done.returncode:
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise BrokenError(
                f"docker compose {' '.join(words[:3])} ended with {done.returncode}: {said}\n{self.troubles()}"
            )
        return done

    def build(self) -> None:
        """Build every image of the file, one after another: they share the layers with the packages."""
        for service in ("ops", "backup", *(name for name in SERVICES if name.endswith("-migrate"))):
            self.compose("--profile", "tools", "build", service, seconds=1800)

    def up(self, copies: dict[str, int] | None = None) -> None:
        """Bring the platform to this number of copies (default: one each), and wait until all are healthy."""
        scaled = [word for name, number in (copies or {}).items() for word in ("--scale", f"{name}={number}")]
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(WAIT_SECONDS), *scaled)

    def ops(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator in the image ``naikkelas/ops``."""
        return self.tool("ops", *words, check=False)

    def tool(self, service: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the container of a tool. Raises ``BrokenError`` if it fails and ``check`` is set."""
        return self.compose("--profile", "tools", "run", "--rm", "--no-deps", "-T", service, *words, check=check)

    def empty(self, *volumes: str) -> None:
        """Stop the platform, and take these volumes away."""
        self.compose("down")
        with engine() as client:
            for name in volumes:
                client.volumes.get(f"{PROJECT}_{name}").remove()

    def audit(self) -> dict[str, Any]:
        """Return the audit's report. Raises ``BrokenError`` unless it is green."""
        done = self.ops("audit", "--wait", "120", "--json")
        if done.returncode:
            raise BrokenError(f"the audit ended with {done.returncode}: {done.stdout[-3000:]}{done.stderr[-1500:]}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """Return what the engine says of each container of the project, or of one service: lasting ones and ended ones."""
        with engine() as client:
            labels = [LABEL] + ([f"com.docker.compose.service={service}"] if service else [])
            found = client.containers.list(all=True, filters={"label": labels})
            return sorted((dict(one.attrs) for one in found), key=lambda one: str(one["Name"]))

    def troubles(self) -> str:
        """Return a line for each container that is not well, with the end of its log."""
        lines = []
        for one in self.containers():
            state = one["State"]
            health = state.get("Health", {}).get("Status", "")
            if health == "healthy" or (not health and state["ExitCode"] == 0):
                continue
            with engine() as client:
                log = client.containers.get(one["Id"]).logs(tail=8).decode(errors="replace")
            lines.append(f"{one['Name']}: {state['Status']} {health} (exit code {state['ExitCode']})\n{log}")
        return "\n".join(lines)

    # -- the end ---------------------------------------------------------------------------------------------------

    @staticmethod
    def clean() -> int:
        """Remove all that has the project's label, also of a run that was killed. Return how many containers there were."""
        with engine() as client:
            containers = client.containers.list(all=True, filters={"label": LABEL})
            with ExitStack() as rest:
                for kind in (client.networks, client.volumes):
                    rest.callback(lambda kind=kind: [one.remove() for one in kind.list(filters={"label": LABEL})])
                for one in containers:
                    one.remove(force=True, v=True)
            return len(containers)
