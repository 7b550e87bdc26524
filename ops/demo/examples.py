"""The programs of ``examples/agency`` as processes: what each needs, how it is started as it stands there, what it kept.

A program that this machine lacks is told with the reason (``lacks``); nobody stands in for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ops.stack.errors import StackError
from ops.stack.java import Say, cache_folder, install_console_consumer
from ops.stack.processes import Started, send, start, stop, tail, wait_until
from ops.stack.services import ROOT

FOLDER = ROOT / "examples" / "agency"
NPM_PACKAGES = ("standardwebhooks", "cloudevents")
OLDEST_LIBRDKAFKA = (2, 6, 1)
"""Before it librdkafka repeats the nonce in SCRAM, which Kafka 4 refuses."""
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that an example kept."""

    id: str
    subject: str
    sequence: int
    type: str
    data: Mapping[str, Any]


Read = Callable[[Path], Iterator[Seen]]


@dataclass(slots=True)
class Example:
    """One program. ``kept`` is the file or folder of what it keeps; ``env`` what it is told."""

    name: str
    way: str
    client: str
    command: tuple[str, ...]
    kept: Path
    env: Mapping[str, str]
    read: Read
    started: Started | None = field(default=None)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.kept.with_name(f"{self.name}.log")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.started is not None and self.started.alive

    def start(self) -> None:
        """Start it where its files are. Raises ``StackError``."""
        env = {**os.environ, "KEEP_IN": str(self.kept), **self.env}
        self.started = start(self.command, log=self.log, env=env, cwd=self.kept.parent)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and what it started: with SIGKILL as a power cut would."""
        if self.started is not None:
            send(self.started, number)  # to the whole session: a shell does not tell its children
            wait_until(lambda: not self.alive, STOP_SECONDS)
            stop(self.started)

    def seen(self) -> list[Seen]:
        """Return what it kept, in its order."""
        return list(self.read(self.kept)) if self.kept.exists() else []

    def said(self) -> str:
        """Return the end of what it printed."""
        return tail(self.log, 5)


# -- what they kept ------------------------------------------------------------------------------------------------------


def _of_event(event: Mapping[str, Any]) -> Seen:
    sequence = int(event.get("sequence", 0))
    return Seen(event["id"], event["subject"], sequence, event["type"], event["data"])


def _whole_lines(path: Path) -> list[str]:
    """Return the lines that are written to their end; a program may be writing one now."""
    return path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()


def read_json_lines(path: Path) -> Iterator[Seen]:
    """Give the events of a file with one CloudEvent a line."""
    for line in _whole_lines(path):
        yield _of_event(json.loads(line))


def read_columns(path: Path) -> Iterator[Seen]:
    """Give the events of a file that ``keep.sh`` writes."""
    for line in _whole_lines(path):
        event_id, subject, sequence, type_name, data = line.split("\t", 4)
        yield Seen(event_id, subject, int(sequence), type_name, json.loads(data))


def read_pages(folder: Path) -> Iterator[Seen]:
    """Give the events of the pages up to the cursor that ``feed.sh`` keeps beside them."""
    following = folder / "next"
    count = int(following.read_text(encoding="ascii").split(" ", 1)[0]) - 1 if following.exists() else 0
    for number in range(1, count + 1):
        for event in json.loads((folder / f"{number:08d}.json").read_text(encoding="utf-8")):
            yield _of_event(event)


# -- what they need ------------------------------------------------------------------------------------------------------


def npm_modules() -> Path | None:
    """Return the folder of the packages of the example in JavaScript: beside it, or in the user's cache."""
    folders = (FOLDER / "node_modules", cache_folder() / "npm" / "node_modules")
    return next((path for path in folders if all((path / name).is_dir() for name in NPM_PACKAGES)), None)


def newer_librdkafka(folder: Path) -> dict[str, str]:
    """Return variables with which a program runs on the librdkafka of the wheel confluent-kafka; none if it brings none."""
    spec = find_spec("confluent_kafka")
    origin = Path(spec.origin) if spec is not None and spec.origin is not None else Path()
    found = next((origin.parents[1] / "confluent_kafka.libs").glob("librdkafka*.so*"), None)
    if found is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "librdkafka.so.1"
    link.unlink(missing_ok=True)
    link.symlink_to(found)
    return {"LD_LIBRARY_PATH": str(folder)}


def librdkafka_of_kcat() -> tuple[int, ...] | None:
    """Return the version of the librdkafka that kcat runs on by itself; ``None``: no kcat."""
    if shutil.which("kcat") is None:
        return None
    said = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


# -- the programs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """What an agency has: its code, the addresses and secrets that it was given, a folder for what its programs keep."""

    agency: str
    folder: Path
    url: str = ""
    token: str = ""
    secret: str = ""
    port: int = 0


Made = Example | str
"""An example, or why it cannot be tried."""


def python_receiver(access: Access, _: Say) -> Made:
    """Webhooks by Python."""
    env = {"WEBHOOK_SECRET": access.secret, "PORT": str(access.port)}
    command = (sys.executable, str(FOLDER / "webhook_receiver.py"))
    kept = access.folder / "webhook-python.jsonl"
    return Example(
        "webhook-python", "webhook", "Python: standardwebhooks, cloudevents", command, kept, env, read_json_lines
    )


def node_receiver(access: Access, _: Say) -> Made:
    """Webhooks by Node."""
    modules = npm_modules()
    if shutil.which("node") is None or modules is None:
        return "needs node, and `npm install` in examples/agency"
    env = {"WEBHOOK_SECRET": access.secret, "PORT": str(access.port), "NODE_PATH": str(modules)}
    command = ("node", str(FOLDER / "webhook_receiver.js"))
    kept = access.folder / "webhook-node.jsonl"
    return Example(
        "webhook-node", "webhook", "Node: standardwebhooks, cloudevents", command, kept, env, read_json_lines
    )


def kcat_reader(access: Access, _: Say) -> Made:
    """Kafka by kcat."""
    version = librdkafka_of_kcat()
    if version is None:
        return "needs kcat"
    env = {} if version >= OLDEST_LIBRDKAFKA else newer_librdkafka(access.folder / "librdkafka")
    if version < OLDEST_LIBRDKAFKA and not env:
        return "needs kcat on a librdkafka of 2.6.1 or newer"
    command = (str(FOLDER / "kafka.sh"), access.agency)
    return Example("kafka-kcat", "kafka", "kcat", command, access.folder / "kafka-kcat.tsv", env, read_columns)


def java_reader(access: Access, say: Say) -> Made:
    """Kafka by the console consumer of Kafka itself."""
    try:
        program = install_console_consumer(access.folder, say)
    except StackError as error:
        return f"needs Java and Kafka's tools: {error}"
    env = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    command = (str(FOLDER / "kafka_java.sh"), access.agency)
    return Example(
        "kafka-java", "kafka", "Java: console consumer", command, access.folder / "kafka-java.tsv", env, read_columns
    )


def python_reader(access: Access, _: Say) -> Made:
    """Kafka by confluent-kafka."""
    command = (sys.executable, str(FOLDER / "kafka_reader.py"), access.agency)
    kept = access.folder / "kafka-python.jsonl"
    return Example("kafka-python", "kafka", "Python: confluent-kafka, cloudevents", command, kept, {}, read_json_lines)


def curl_feed(access: Access, _: Say) -> Made:
    """The feed by curl."""
    if missing := [name for name in ("curl", "jq") if shutil.which(name) is None]:
        return f"needs {' and '.join(missing)}"
    env = {"PARTNERS": access.url, "TOKEN": access.token}
    command = (str(FOLDER / "feed.sh"), "business")
    return Example("feed-curl", "feed", "curl", command, access.folder / "feed-business", env, read_pages)


RECEIVERS: Mapping[str, Callable[[Access, Say], Made]] = {
    "webhook-python": python_receiver,
    "webhook-node": node_receiver,
}
READERS: Mapping[str, Callable[[Access, Say], Made]] = {
    "kafka-kcat": kcat_reader,
    "kafka-java": java_reader,
    "kafka-python": python_reader,
    "feed-curl": curl_feed,
}
