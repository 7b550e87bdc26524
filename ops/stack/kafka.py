"""Apache Kafka on this machine: one node in KRaft mode, or several, that let nobody in without a password."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from confluent_kafka.admin import AdminClient
from confluent_kafka.error import KafkaException

from ops.kafka_admin.client import operator_client
from ops.stack.errors import StackError
from ops.stack.home import Home, write_private
from ops.stack.java import Java, Say, class_path, find_java
from ops.stack.processes import HOST, Started, start, stop, tail, wait_until
from shared.broker import KafkaSettings

NAME = "kafka"
CLIENT_PORT = 19_092
START_SECONDS = 90.0
STOP_SECONDS = 30.0
CLUSTER_ID = "bmFpay1rZWxhcy1sb2NhbA"
MEMORY = ("-Xms160m", "-Xmx320m", "-XX:MaxDirectMemorySize=96m", "-Djdk.nio.maxCachedBufferSize=262144")
"""With these the process stays near 500 MB also under the benchmarks."""
COMPILER = ("-XX:TieredStopAtLevel=1",)
"""The quick compiler alone: it saves half of a start (1.6 s of processor time instead of 3.4) and 25 MB, and what the other one compiles
later for speed is paid by the services on the same cores. Relay and raw sends were as fast (`python -m bench --quick --only relay`)."""
COLLECTOR = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")


NODES = (1, 3)
"""How many nodes a cluster may have. With three, each fact is on all of them, and two must have it before it counts."""


def name_of(node: int) -> str:
    """Return the name of a node, as the record has it: ``kafka``, ``kafka-2``, ``kafka-3``."""
    return NAME if node == 1 else f"{NAME}-{node}"


def node_of(name: str) -> int | None:
    """Return the number of the node with this name; ``None``: it is none."""
    return next((node for node in range(1, max(NODES) + 1) if name_of(node) == name), None)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the node listens: for clients, for itself as broker, for itself as controller."""

    client: int
    broker: int
    controller: int


class KafkaServer:
    """A node of a stack's home."""

    def __init__(self, home: Home, say: Say, node: int = 1) -> None:
        self._home = home
        self._say = say
        self._node = node
        self._folder = folder_of(home, node)
        self._data = self._folder / "data"
        self._config = self._folder / "server.properties"
        self._aot = self._folder / "learned.aot"
        self.log = home.logs / f"{name_of(node)}.log"
        self._out = home.logs / f"{name_of(node)}.out"

    @property
    def has_data(self) -> bool:
        """Whether it was ever started here."""
        return (self._data / "meta.properties").exists()

    def start(self, cluster: Mapping[int, Ports]) -> Started:
        """Format the data folder if it is new, and start the node; it is not ready yet. Raises ``StackError``.

        ``cluster``: the ports of all nodes, this one's among them, by number.
        """
        java, jars = find_java(), class_path(self._say)
        self._folder.mkdir(exist_ok=True)
        self._configure(cluster)
        if not self.has_data:
            self._format(java, jars)
        command: list[str | Path] = [
            java.path,
            *MEMORY,
            *COMPILER,
            *COLLECTOR,
            *java.options(jars, self._aot),
            *self._common(jars),
        ]
        command += ["kafka.Kafka", self._config]
        return start(command, log=self._out, port=cluster[self._node].client, env=_environment())

    def wait(self, started: Started, settings: KafkaSettings) -> None:
        """Wait until the node answers its operator. Raises ``StackError`` with the end of its log."""
        admin = operator_client(settings)
        if not wait_until(lambda: not started.alive or _answers(admin), START_SECONDS) or not started.alive:
            said = tail(self.log) or tail(self._out)
            raise StackError(f"Kafka did not start; its log ({self.log}) ends with:\n{said}")

    def stop(self, started: Started) -> bool:
        """Stop the node in order; ``False`` if it had to be killed."""
        in_order = stop(started, seconds=STOP_SECONDS)
        if in_order and self._aot.exists():
            find_java().keep(class_path(self._say), self._aot)
        return in_order

    def operator(self, *ports: int) -> KafkaSettings:
        """Return how the operator reaches the nodes that listen on these ports."""
        bootstrap = ",".join(f"{HOST}:{port}" for port in ports)
        return KafkaSettings(bootstrap, "operator", self._password("operator"))

    def _password(self, principal: str) -> str:
        return self._home.secret(f"kafka.{principal}")

    def _common(self, jars: list[Path]) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        return ["-Djava.awt.headless=true", log4j, "-cp", os.pathsep.join(str(jar) for jar in jars)]

    def _configure(self, cluster: Mapping[int, Ports]) -> None:
        ports, nodes = cluster[self._node], len(cluster)
        values = {
            "node": self._node,
            "voters": ",".join(f"{node}@{HOST}:{its.controller}" for node, its in cluster.items()),
            "replication": nodes,
            "in_sync": nodes // 2 + 1,
            "client_port": ports.client,
            "broker_port": ports.broker,
            "controller_port": ports.controller,
            "broker_password": self._password("broker"),
            "controller_password": self._password("controller"),
            "data": self._data,
            "log": self.log,
        }
        for name in (self._config.name, "log4j2.properties"):
            text = files("ops.stack").joinpath(name).read_text(encoding="utf-8")
            write_private(self._folder / name, Template(text).substitute(values))

    def _format(self, java: Java, jars: list[Path]) -> None:
        """Make the data folder, with the users that must be there before any can be made by a client."""
        self._say("formatting Kafka's data folder")
        words = ["--cluster-id", CLUSTER_ID, "--config", str(self._config)]
        for name in ("broker", "operator"):
            words += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={self._password(name)}]"]
        # By a file, since every user of the machine can read the arguments of a process.
        arguments = self._folder / "format.arguments"
        write_private(arguments, "\n".join(words) + "\n")
        command: list[str | Path] = [
            java.path,
            "-Xmx128m",
            *COMPILER,
            *self._common(jars),
            "kafka.tools.StorageTool",
            "format",
            f"@{arguments}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
        arguments.unlink()
        if done.returncode != 0:
            raise StackError(f"Kafka's data folder could not be formatted: {done.stderr.strip()[-500:]}")


def folder_of(home: Home, node: int) -> Path:
    """Return the folder of a node."""
    return home.kafka if node == 1 else home.path / name_of(node)


def _environment() -> dict[str, str]:
    """Return the environment without options that somebody set for other Java programs."""
    foreign = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
    return {name: value for name, value in os.environ.items() if name not in foreign}


def _answers(admin: AdminClient) -> bool:
    try:
        return bool(admin.list_topics(timeout=1.0).brokers)
    except KafkaException:
        return False
