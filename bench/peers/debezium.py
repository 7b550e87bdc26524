"""Debezium's outbox event router on Kafka Connect: its jars, its configuration, its process."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import jgo

from bench.peers.environments import PeerMissingError
from ops.stack.errors import StackError
from ops.stack.java import Say, cache_folder, find_java
from shared.broker import KafkaSettings

CONNECT = "org.apache.kafka:connect-runtime:4.4.0"
CONNECTOR = "io.debezium:debezium-connector-postgres:3.7.0.Final"
# slf4j writes nothing without a binding; the version is that of slf4j-api in Connect.
LOGGING = "org.slf4j:slf4j-simple:1.7.36"
OF_CONNECT = {"connect-api", "kafka-clients", "slf4j-api"}
"""What a connector's folder must not hold: it comes from Connect itself."""
NAME = "outbox"
MEMORY = ("-Xms64m", "-Xmx512m")


@dataclass(frozen=True, slots=True)
class Parts:
    """What is needed to run it."""

    java: Path
    class_path: list[Path]
    plugins: Path


def fetch(say: Say) -> Parts:
    """Return Java and the jars; fetched at the first call of this user. Raises ``PeerMissingError``."""
    folder = cache_folder() / "peers" / "debezium-3.7.0.Final"
    record = folder / "classpath.json"
    try:
        java = find_java().path
        if not record.exists():
            say("fetching Kafka Connect and Debezium (once, some 60 MB)")
            jars = _fetch(folder)
            record.write_text(json.dumps([str(jar) for jar in jars], indent=1), encoding="utf-8")
        jars = [Path(jar) for jar in json.loads(record.read_text(encoding="utf-8"))]
        if missing := [jar.name for jar in jars if not jar.exists()]:
            record.unlink()
            raise PeerMissingError(f"{missing[0]} is gone from the cache of jars: start again, and it is fetched anew.")
    except StackError as error:
        raise PeerMissingError(str(error)) from error
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, PeerMissingError):
            raise
        raise PeerMissingError(
            f"The jars of Debezium cannot be fetched ({type(error).__name__}): connect to the network and try again."
        ) from error
    return Parts(java, jars, folder / "plugins")


def _fetch(folder: Path) -> list[Path]:
    connector = folder / "plugins" / "debezium-connector-postgres"
    shutil.rmtree(folder, ignore_errors=True)
    connector.mkdir(parents=True)
    for item in jgo.resolve(CONNECTOR):
        if item.artifactId not in OF_CONNECT:
            jar = Path(item.resolve())
            shutil.copyfile(jar, connector / jar.name)
    return sorted({Path(item.resolve()) for name in (CONNECT, LOGGING) for item in jgo.resolve(name)})


def command(parts: Parts, worker: Path, connector: Path) -> list[str | Path]:
    """Return the command of a standalone worker with the one connector."""
    path = os.pathsep.join(str(jar) for jar in parts.class_path)
    options = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.awt.headless=true")
    return [
        parts.java,
        *MEMORY,
        *options,
        "-cp",
        path,
        "org.apache.kafka.connect.cli.ConnectStandalone",
        worker,
        connector,
    ]


def worker_settings(parts: Parts, kafka: KafkaSettings, offsets: Path, port: int) -> dict[str, str]:
    """Return the worker's configuration: the defaults of Connect, our broker's login, String converters."""
    login = {
        "security.protocol": kafka.security_protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="{kafka.username}" password="{kafka.password}";',
    }
    return {
        "bootstrap.servers": kafka.bootstrap,
        **login,
        **{f"producer.{name}": value for name, value in login.items()},
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "offset.storage.file.filename": str(offsets),
        "plugin.path": str(parts.plugins),
        "listeners": f"http://127.0.0.1:{port}",
    }


def connector_settings(dsn: str, slot: str) -> dict[str, str]:
    """Return the connector's configuration, as Debezium's page of the outbox event router sets it up."""
    server = urlsplit(dsn)
    return {
        "name": NAME,
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "plugin.name": "pgoutput",
        "database.hostname": server.hostname or "",
        "database.port": str(server.port),
        "database.user": unquote(server.username or ""),
        "database.password": unquote(server.password or ""),
        "database.dbname": server.path.lstrip("/"),
        "topic.prefix": "bench",
        "slot.name": slot,
        "publication.name": slot,
        "publication.autocreate.mode": "filtered",
        "table.include.list": "public.outboxevent",
        "snapshot.mode": "no_data",
        "tombstones.on.delete": "false",
        "transforms": "outbox",
        "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
        "transforms.outbox.route.topic.replacement": "outbox.${routedByValue}",
    }


def write_properties(path: Path, settings: dict[str, str]) -> Path:
    """Write a file of Java properties that only its owner can read, and return its path."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    return path


def has_task(port: int) -> bool:
    """Tell whether the worker has taken up the connector's task."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/connectors/{NAME}/status", timeout=2) as answer:
            return bool(json.load(answer)["tasks"])
    except (OSError, ValueError):
        return False
