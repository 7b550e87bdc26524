"""Kafka and PostgreSQL in containers, set up as the compose file of the deployment sets them up.

The engine must run on this machine: every port is published on 127.0.0.1 and nowhere else. ``NAIKKELAS_KAFKA_IMAGE`` and
``NAIKKELAS_POSTGRES_IMAGE`` name other images than those of ``deploy/.env.example``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from socket import AF_UNIX, gethostname, socket
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import docker
import psutil
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import get_docker_host

from ops.kafka_admin.client import operator_client
from ops.stack.processes import HOST, Started, free_port, wait_until
from shared.broker import KafkaSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
OWNER = "naikkelas.owner"
"""The label that says which process a container belongs to."""
START_SECONDS = 240.0
ENGINE_SECONDS = 60
CLUSTER_ID = "bmFpay1rZWxhcy10ZXN0cw"
FENCES = ("init", "cap_drop", "security_opt", "mem_limit", "pids_limit", "user", "shm_size", "entrypoint")
"""What of a compose service a container takes over word for word; ``docker`` has the same names."""


class ContainersUnavailableError(Exception):
    """The container engine does not answer, or cannot get an image."""


def example() -> dict[str, str]:
    """Return the variables of ``deploy/.env.example``."""
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def image(server: str) -> str:
    """Return the name of the image of ``kafka`` or ``postgres``."""
    variable = f"{server.upper()}_IMAGE"
    return os.environ.get(f"NAIKKELAS_{variable}") or example()[variable]


@contextmanager
def engine() -> Iterator[docker.DockerClient]:
    """Give a client of the engine. Raises ``ContainersUnavailableError``."""
    host = get_docker_host() or "unix:///var/run/docker.sock"
    try:
        _knock(urlsplit(host))
        client = docker.from_env(timeout=ENGINE_SECONDS, environment=os.environ | {"DOCKER_HOST": host})
    except (OSError, DockerException) as error:
        raise ContainersUnavailableError("no container engine answers; DOCKER_HOST may name one") from error
    try:
        yield client
    finally:
        client.close()


def _knock(host: SplitResult) -> None:
    """Connect to the engine's socket: ``docker`` leaves one open that it could not connect. Raises ``OSError``."""
    if host.scheme == "unix":
        with socket(AF_UNIX) as probe:
            probe.connect(host.path)


def missing_images() -> list[str]:
    """Return the images that the engine does not have. Raises ``ContainersUnavailableError``."""
    with engine() as client:
        return [name for name in map(image, ("kafka", "postgres")) if not client.images.list(name)]


def fetch_images() -> None:
    """Let the engine get the images that it does not have. Raises ``ContainersUnavailableError``."""
    for name in missing_images():
        with engine() as client:
            try:
                client.images.pull(name)
            except DockerException as error:
                raise ContainersUnavailableError(f"the container engine cannot get {name}: {error}") from error


def owner() -> str:
    """Return the label of containers of this process."""
    return f"{gethostname()}/{os.getpid()}/{psutil.Process().create_time()}"


def remove_leftovers(client: docker.DockerClient) -> None:
    """Remove the containers of runs on this machine that were killed before they could do it themselves."""
    for container in client.containers.list(all=True, filters={"label": OWNER}):
        host, pid, began = container.labels[OWNER].split("/")
        if host == gethostname() and not Started(int(pid), float(began), "pytest").alive:
            container.remove(force=True, v=True)


def deployed(server: str) -> dict[str, Any]:
    """Return what the compose file says of a server."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    service: dict[str, Any] = compose["services"][server]
    return service


def fences(service: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a container: the deployment's, and whose it is."""
    return {name: service[name] for name in FENCES if name in service} | {"labels": {OWNER: owner()}}


class DeployedKafka(DockerContainer):
    """One node, started by the script of the deployment. Clients find it at the port that it has on this machine."""

    def __init__(self) -> None:
        service, port = deployed("kafka"), free_port(0)
        super().__init__(image("kafka"))
        self.with_kwargs(**fences(service))
        self.settings = KafkaSettings(f"{HOST}:{port}", "operator", token_urlsafe(24))
        # What the node advertises must be what clients dial, so it listens on the same number inside.
        self.ports = {f"{port}/tcp": (HOST, port)}  # type: ignore[dict-item]
        self.with_envs(
            NODE_ID="1",
            NODE_NAME=HOST,
            BOOTSTRAP=f"{HOST}:9093",
            CLIENT_PORT=str(port),
            CLUSTER_ID=CLUSTER_ID,
            REPLICATION="1",
            MIN_INSYNC="1",
            KAFKA_HEAP_OPTS=service["environment"]["KAFKA_HEAP_OPTS"],
        )
        self.with_copy_into_container(DEPLOY / "kafka" / "start.sh", "/naikkelas/start.sh")
        for user in ("broker", "controller", "operator"):
            password = self.settings.password if user == "operator" else token_urlsafe(24)
            self.with_copy_into_container(password.encode(), f"/run/secrets/kafka_{user}_password", 0o444)

    def start(self) -> Self:
        """Start it, and wait until it answers the operator at the advertised address. Raises ``RuntimeError``."""
        super().start()
        admin = operator_client(self.settings)
        if not wait_until(lambda: self._ended() or _answers(admin), START_SECONDS) or self._ended():
            raise RuntimeError(f"Kafka did not start: {self.get_logs()[0][-2000:].decode()}")
        return self

    def _ended(self) -> bool:
        self.reload()
        return self.status != "running"


def _answers(admin: AdminClient) -> bool:
    try:
        return bool(admin.list_topics(timeout=1.0).brokers)
    except KafkaException:
        return False


class DeployedPostgres(PostgresContainer):
    """PostgreSQL with the settings of the deployment."""

    def __init__(self) -> None:
        service = deployed("postgres")
        super().__init__(
            image("postgres"),
            username="postgres",
            password=token_urlsafe(24),
            dbname="postgres",
            driver=None,
            command=service["command"],
        )
        self.with_kwargs(**fences(service))
        port = free_port(0)
        self.ports = {"5432/tcp": (HOST, port)}
        self.with_env("POSTGRES_INITDB_ARGS", service["environment"]["POSTGRES_INITDB_ARGS"])
        self.superuser_dsn = f"postgresql://postgres:{self.password}@{HOST}:{port}/postgres"


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Run both for the time of the block; give the variables by which a stack reaches them.

    Raises ``ContainersUnavailableError``.
    """
    # testcontainers' own reaper would be given the engine's socket and listen on every address.
    testcontainers_config.ryuk_disabled = True
    with engine() as client:
        remove_leftovers(client)
    with ExitStack() as ends:
        kafka, postgres = DeployedKafka(), DeployedPostgres()
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(ends.enter_context, server) for server in (kafka, postgres)]:
                started.result()
        yield {
            "KAFKA_BOOTSTRAP": kafka.settings.bootstrap,
            "KAFKA_USERNAME": kafka.settings.username,
            "KAFKA_PASSWORD": kafka.settings.password,
            "KAFKA_SECURITY_PROTOCOL": kafka.settings.security_protocol,
            "POSTGRES_DSN": postgres.superuser_dsn,
        }
