"""Kafka and PostgreSQL of a stack, embedded or given, and how to reach them as whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
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
        self.postgres = postgres.PostgresServer(home, say)

    @property
    def embedded(self) -> list[str]:
        """The names of the servers that this stack runs itself."""
        own = [] if self._given.get("KAFKA_BOOTSTRAP") else [kafka.name_of(node) for node in self._nodes()]
        return own if self._given.get("POSTGRES_DSN") else [*own, postgres.NAME]

    @staticmethod
    def is_one(name: str) -> bool:
        """Tell whether a process of this name is a server."""
        return name == postgres.NAME or kafka.node_of(name) is not None

    def folders(self) -> list[Path]:
        """Return the folders of the nodes of Kafka."""
        return [kafka.folder_of(self._home, node) for node in self._nodes()]

    def fallen(self, alive: Set[str]) -> list[str]:
        """Return the nodes that died of a cluster whose others go on with all that is beside them: they alone are started again."""
        missing = [name for name in self.embedded if name not in alive]
        nodes = len(self._nodes())
        goes_on = all(kafka.node_of(name) for name in missing) and len(missing) <= nodes // 2
        return missing if goes_on and nodes > 1 else []

    def set_brokers(self, brokers: int) -> None:
        """Let Kafka have so many nodes from its first start on. Raises ``StackError``: it has been started with another number."""
        if brokers not in kafka.NODES:
            raise StackError(f"Kafka has {' or '.join(map(str, kafka.NODES))} brokers here, not {brokers}.")
        now = len(self._nodes())
        if brokers != now and self._node(1).has_data:
            raise StackError(
                f"Kafka in {self._home.path} was started with {now} broker{'s' * (now > 1)}, not {brokers}: "
                "`naikkelas down --wipe` removes what it holds, or name another folder in NAIKKELAS_HOME."
            )
        self._home.change(lambda record: setattr(record, "brokers", brokers))

    def _nodes(self) -> range:
        # Whatever became of the record: a node of a cluster that is started alone would take the others for gone.
        grown = (kafka.folder_of(self._home, 2) / "data").exists()
        return range(1, max(self._home.read().brokers, max(kafka.NODES) if grown else 1) + 1)

    def _node(self, node: int) -> kafka.KafkaServer:
        return kafka.KafkaServer(self._home, self._say, node)

    def start(self) -> None:
        """Start the embedded servers side by side and record them at once. Raises ``StackError``."""
        if kafka.NAME in self.embedded:
            self._cluster(anew=self._nodes())  # all ports are given away before the first node is told of them
        with ThreadPoolExecutor(max(1, len(self.embedded))) as pool:
            started = {name: pool.submit(self.start_one, name) for name in self.embedded}
            for future in started.values():
                future.result()

    def start_one(self, name: str) -> None:
        """Start one embedded server, as after a power cut; its port is the one it had. Raises ``StackError``."""
        node = kafka.node_of(name)
        if node is not None:
            server, cluster = self._node(node), self._cluster(anew=[node])
            started = server.start(cluster)
            self._record(name, started)
            server.wait(started, server.operator(cluster[node].client))
        else:
            started = self.postgres.start(self.port("postgres", postgres.PORT))
            self._record(name, started)
            self.postgres.wait(started)
        self._say(f"{name} is up on port {started.port}")

    def _cluster(self, anew: Iterable[int]) -> dict[int, kafka.Ports]:
        """Return where the nodes listen; ``anew``: of these it is looked whether their ports are free."""
        looked, known = set(anew), self._home.read().ports

        def pick(node: int) -> Callable[[str, int], int]:
            return (
                self.port if node in looked else lambda purpose, usual: known.get(purpose) or self.port(purpose, usual)
            )

        return {node: _ports_of(node, pick(node)) for node in self._nodes()}

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
        node = kafka.node_of(name)
        return self.postgres.stop(started) if node is None else self._node(node).stop(started)

    def operator(self) -> KafkaSettings:
        """Return how the operator reaches Kafka."""
        bootstrap = self._given.get("KAFKA_BOOTSTRAP")
        if not bootstrap:
            known = self._home.read().ports  # or where they would listen: nothing is given away by a question
            return self._node(1).operator(*(_ports_of(node, known.get).client for node in self._nodes()))
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


def _ports_of(node: int, pick: Callable[[str, int], int]) -> kafka.Ports:
    """Return the ports of a node of Kafka; ``pick`` chooses one for a purpose, and is told the usual one."""
    name, first = kafka.name_of(node), kafka.CLIENT_PORT + 10 * (node - 1)
    return kafka.Ports(pick(name, first), pick(f"{name}-broker", first + 1), pick(f"{name}-controller", first + 2))


def with_secrets(environment: Mapping[str, str], names: Iterable[str] = SECRET) -> Mapping[str, str]:
    """Return the variables with the secrets that stand in files. Raises ``StackError`` for a file that cannot be read."""
    found = dict(environment)
    try:
        for name in names:
            if path := environment.get(f"{name}_FILE"):
                found[name] = Path(path).read_text(encoding="utf-8").strip()
        return found
    except OSError as error:
        raise StackError(f"{error.filename} cannot be read ({error.strerror}).") from error
