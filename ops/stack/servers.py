"""The two servers of a stack, embedded or given, and how to reach them as whom."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from confluent_kafka.error import KafkaException

from ops.kafka_admin.client import operator_client
from ops.kafka_admin.plan import TopologyError, apply_plan, make_plan
from ops.stack import databases, kafka, postgres
from ops.stack.errors import StackError
from ops.stack.home import Home
from ops.stack.java import Say
from ops.stack.processes import Started, free_port
from shared.broker import KafkaSettings
from shared.topology import DECLARED_TOPICS, PRINCIPALS

SECRET = ("KAFKA_PASSWORD", "POSTGRES_DSN")
"""Variables that hold a secret: each may also be given as a file, named by ``<variable>_FILE``."""


class Servers:
    """Kafka and PostgreSQL. ``KAFKA_BOOTSTRAP`` and ``POSTGRES_DSN`` name running ones and win over the embedded.

    With ``KAFKA_BOOTSTRAP`` the operator's ``KAFKA_USERNAME``, ``KAFKA_PASSWORD``, ``KAFKA_SECURITY_PROTOCOL`` and
    ``KAFKA_CA_FILE`` count too; ``POSTGRES_DSN`` is a superuser's, or for who only looks, that of ``audit``.
    """

    def __init__(self, home: Home, say: Say, environment: Mapping[str, str]) -> None:
        self._home = home
        self._say = say
        self._given = with_secrets(environment)
        self.kafka = kafka.KafkaServer(home, say)
        self.postgres = postgres.PostgresServer(home, say)

    @property
    def embedded(self) -> list[str]:
        """The names of the servers that this stack runs itself."""
        given = {kafka.NAME: "KAFKA_BOOTSTRAP", postgres.NAME: "POSTGRES_DSN"}
        return [name for name, variable in given.items() if not self._given.get(variable)]

    def start(self) -> None:
        """Start the embedded servers side by side and record them at once. Raises ``StackError``."""
        with ThreadPoolExecutor(2) as pool:
            started = {name: pool.submit(self.start_one, name) for name in self.embedded}
            for future in started.values():
                future.result()

    def start_one(self, name: str) -> None:
        """Start one embedded server, as after a power cut; its port is the one it had. Raises ``StackError``."""
        if name == kafka.NAME:
            client = self.port("kafka", kafka.CLIENT_PORT)
            ports = kafka.Ports(
                client,
                self.port("kafka-broker", kafka.CLIENT_PORT + 1),
                self.port("kafka-controller", kafka.CLIENT_PORT + 2),
            )
            started = self.kafka.start(ports)
            self._record(name, started)
            self.kafka.wait(started, self.kafka.operator(client))
        else:
            started = self.postgres.start(self.port("postgres", postgres.PORT))
            self._record(name, started)
            self.postgres.wait(started)
        self._say(f"{name} is up on port {started.port}")

    def _record(self, name: str, started: Started) -> None:
        self._home.change(lambda record: record.processes.update({name: started}))

    def port(self, purpose: str, preferred: int) -> int:
        """Return a free port for a purpose: the one it had last time, the usual one, or any.

        With ``NAIKKELAS_PORTS=any`` the usual ones are left alone: stacks that start at the same moment would find the
        same one free.
        """
        chosen: list[int] = []
        if self._given.get("NAIKKELAS_PORTS") == "any":
            preferred = free_port(0)

        def choose(record: object) -> None:
            ports: dict[str, int] = record.ports  # type: ignore[attr-defined]
            others = [port for name, port in ports.items() if name != purpose]
            ports[purpose] = free_port(ports.get(purpose, preferred), others)
            chosen.append(ports[purpose])

        self._home.change(choose)
        if chosen[0] != preferred and self._given.get("NAIKKELAS_PORTS") != "any":
            self._say(f"port {preferred} is taken or was given away: {purpose} listens on {chosen[0]}")
        return chosen[0]

    def stop(self, name: str, started: Started) -> bool:
        """Stop an embedded server; ``False`` if it had to be killed."""
        return self.kafka.stop(started) if name == kafka.NAME else self.postgres.stop(started)

    def operator(self) -> KafkaSettings:
        """Return how the operator reaches Kafka."""
        bootstrap = self._given.get("KAFKA_BOOTSTRAP")
        if not bootstrap:
            return self.kafka.operator(self._home.read().ports.get("kafka", kafka.CLIENT_PORT))
        return KafkaSettings(
            bootstrap=bootstrap,
            username=self._given.get("KAFKA_USERNAME", "operator"),
            password=self._given.get("KAFKA_PASSWORD", ""),
            security_protocol=self._given.get("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
            ca_file=self._given.get("KAFKA_CA_FILE"),
        )

    def kafka_password(self, principal: str) -> str:
        """Return the password of a principal, the operator's as it was given."""
        operator = self.operator()
        return operator.password if principal == operator.username else self._home.secret(f"kafka.{principal}")

    def credentials(self, principal: str) -> KafkaSettings:
        """Return how a principal reaches Kafka."""
        operator = self.operator()
        return KafkaSettings(
            operator.bootstrap,
            principal,
            self.kafka_password(principal),
            operator.security_protocol,
            operator.ca_file,
        )

    def superuser_dsn(self) -> str:
        """Return the DSN of PostgreSQL's superuser."""
        given = self._given.get("POSTGRES_DSN")
        return given or self.postgres.superuser_dsn(self._home.read().ports.get("postgres", postgres.PORT))

    def database_password(self, login: str) -> str:
        """Return the password of a login; the one that ``POSTGRES_DSN`` names is known from there."""
        given = urlsplit(self._given.get("POSTGRES_DSN", ""))
        if given.password and unquote(given.username or "") == login:
            return unquote(given.password)
        return self._home.secret(f"postgres.{login}")

    def dsn(self, database: str, login: str) -> str:
        """Return the DSN of a database for a login."""
        return databases.dsn_for(self.superuser_dsn(), database, login, self.database_password(login))

    def prepare(self) -> None:
        """Make databases, logins, topics, users and rights match their declarations. Raises ``StackError``."""
        with ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(databases.prepare_server, self.superuser_dsn(), self.database_password),
                pool.submit(self._prepare_kafka),
            ]
            for future in both:
                future.result()

    def _prepare_kafka(self) -> None:
        admin = operator_client(self.operator())
        declared = [principal for principal in PRINCIPALS if principal.name != self.operator().username]
        try:
            plan = make_plan(admin, DECLARED_TOPICS, declared, passwords=not self._passwords_known())
            apply_plan(admin, plan, self.kafka_password)
        except (KafkaException, TopologyError) as error:
            raise StackError(
                f"Kafka cannot be prepared ({error}): check KAFKA_BOOTSTRAP and the operator's password."
            ) from error
        (self._home.run / "kafka-users").write_text(self.operator().bootstrap, encoding="ascii")

    def _passwords_known(self) -> bool:
        """Tell whether this broker has this home's passwords: an embedded one always has, once they were set."""
        mark = self._home.run / "kafka-users"
        return kafka.NAME in self.embedded and mark.exists()


def with_secrets(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables with the secrets that stand in files. Raises ``StackError`` for a file that cannot be read."""
    found = dict(environment)
    try:
        for name in SECRET:
            if path := environment.get(f"{name}_FILE"):
                found[name] = Path(path).read_text(encoding="utf-8").strip()
        return found
    except OSError as error:
        raise StackError(f"{error.filename} cannot be read ({error.strerror}).") from error
