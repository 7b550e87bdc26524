"""Where a peer is put to the test: the servers of the run, and for each scenario a database, a topic and its processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from aiokafka import TopicPartition
from confluent_kafka.admin import NewTopic

from bench import relay_process
from bench.peers import debezium
from bench.peers.environments import PeerMissingError, clean_environment, python_of
from bench.peers.peers import OURS, Peer
from bench.peers.verdict import Address, Tally, tally
from bench.rig import PARTITIONS, Rig
from ops.kafka_admin.client import operator_client
from ops.stack import Stack, processes
from ops.stack.databases import in_database, owner_of
from ops.stack.home import Record
from ops.stack.java import Say
from ops.stack.services import ROOT
from proof.evidence import record_of, records_to_end
from shared.broker import make_reader
from shared.database import connected

PROGRAMS = Path(__file__).parent / "programs"
SERVICE = "registry"
WARM_SECONDS = 240.0
STOP_SECONDS = 60.0
STANDBY_SECONDS = 2.0
CALM_SECONDS = 1.5
WORKERS = 16
FELT = """
CREATE TABLE felt (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing uuid NOT NULL, sequence bigint NOT NULL);
GRANT ALL ON felt TO registry
"""
_MARK = re.compile(rb"([0-9a-f-]{36})#(\d+)#")


class ScenarioFailedError(RuntimeError):
    """A peer could not be brought to work, so nothing was measured; its log says why."""


@dataclass(slots=True)
class Stage:
    """The servers of one run, and what was fetched for the peers."""

    stack: Stack
    rig: Rig
    folder: Path
    say: Say
    parts: debezium.Parts | None = None
    pythons: dict[str | None, Path] = field(default_factory=dict)

    def prepare(self, peer: Peer) -> None:
        """Fetch what a peer needs. Raises ``PeerMissingError``."""
        if peer.environment not in self.pythons:
            self.pythons[peer.environment] = python_of(peer.environment, self.say)
        if peer.relay == "debezium" and self.parts is None:
            self.parts = debezium.fetch(self.say)

    def launch(self, name: str, command: list[str | Path], env: dict[str, str]) -> processes.Started:
        """Start a process that ends with the stack, however this program ends."""
        env = env | {"NAIKKELAS_HOME": str(self.stack.home.path), "NAIKKELAS_PROCESS": name}
        started = processes.start(command, log=self.stack.home.logs / f"{name}.log", env=env, cwd=ROOT)
        self.stack.home.change(lambda record: record.processes.update({name: started}))
        return started

    def forget(self, name: str) -> None:
        """Take a process that ended off the record."""

        def without(record: Record) -> None:
            record.processes.pop(name, None)

        self.stack.home.change(without)


@contextmanager
def stage(say: Say) -> Iterator[Stage]:
    """Start Kafka, and PostgreSQL with ``wal_level=logical``, for one run; take them and all processes away at its end."""
    with TemporaryDirectory(prefix="naikkelas-peers-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        stack = Stack(folder / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
        stack.start_servers(owned=True)
        try:
            asyncio.run(_log_logically(stack.servers.superuser_dsn()))
            stack.stop("postgres")
            stack.start("postgres")
            yield Stage(stack, Rig(stack), folder, say)
        finally:
            stack.down(wipe=True)


async def _log_logically(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER SYSTEM SET wal_level = 'logical'")
    await connection.close()


class Ground:
    """A peer's database, topic and processes for one scenario."""

    def __init__(self, stage: Stage, peer: Peer, dsn: str, keys: int) -> None:
        self.stage = stage
        self.peer = peer
        self.keys = [str(uuid4()) for _ in range(keys)]
        self.mark = uuid4().hex[:8]
        self.topic = f"outbox.{self.mark}"
        self.journal = stage.folder / f"{self.mark}.journal"
        self.dsn = dsn
        database = urlsplit(dsn).path.lstrip("/")
        self.owner_dsn = stage.stack.dsn(database, owner_of(SERVICE))
        self.superuser_dsn = in_database(stage.stack.servers.superuser_dsn(), database)
        self.running: dict[str, processes.Started] = {}
        self.schema_registry = ""
        self._connect_ports: dict[str, int] = {}
        self._reader = make_reader(stage.rig.kafka, "bench-peers")

    async def open(self) -> None:
        """Make topic, tables and things, and start what only stands by."""
        admin = operator_client(self.stage.rig.kafka)
        admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])[self.topic].result(15)
        owner = await asyncpg.connect(self.owner_dsn)
        await owner.execute(FELT + (f";{self.peer.tables}" if self.peer.tables else ""))
        await owner.executemany("INSERT INTO thing (id) VALUES ($1)", [(key,) for key in self.keys])
        await owner.close()
        await self._reader.start()
        if self.peer.environment == "edx":
            port = processes.free_port(0)
            self.schema_registry = f"http://127.0.0.1:{port}"
            self.start("registry-of-schemas", "schema_registry.py", {"port": port})
            await self._until(lambda: _now(processes.accepts(port)), 10, "the registry of schemas did not start")
        if self.peer.setup is not None:
            self.start("setup", self.peer.setup)
            await self.ended("setup", 60)

    async def close(self) -> None:
        """Kill what runs, and give back what keeps the database from being dropped."""
        for name in list(self.running):
            self.kill(name)
        await self._reader.stop()
        superuser = await asyncpg.connect(self.superuser_dsn)
        slots = "FROM pg_replication_slots WHERE database = current_database()"
        while await superuser.fetchval(f"SELECT count(*) {slots}"):
            await superuser.execute(f"SELECT pg_drop_replication_slot(slot_name) {slots} AND NOT active")
            await asyncio.sleep(0.05)
        await superuser.close()

    # -- processes -----------------------------------------------------------------------------------------------

    def told(self, **more: Any) -> dict[str, Any]:
        """Return what a program is told."""
        return {
            "dsn": self.dsn if self.peer is OURS else self.owner_dsn,
            "kafka": asdict(self.stage.rig.kafka),
            "topic": self.topic,
            "group": f"projections-{self.mark}",
            "keys": self.keys,
            "workers": WORKERS,
            "pace": 0,
            "count": 0,
            "pad": 0,
            "journal": str(self.journal),
            "poison": "",
            "transient": 0,
            "schema_registry": self.schema_registry,
            **dict(self.peer.options),
            **more,
        }

    def start(self, name: str, program: str, more: dict[str, Any] | None = None) -> None:
        """Start a program of the peer."""
        python = self.stage.pythons[self.peer.environment]
        told = {"PEER_TOLD": json.dumps(self.told(**(more or {})))}
        # Only what is ours may import the project; a peer's script finds nothing but the scripts beside it.
        env = dict(os.environ) | {"PYTHONPATH": str(ROOT)} if self.peer is OURS else clean_environment()
        self._launch(name, [python, PROGRAMS / program], env | told)

    def _launch(self, name: str, command: list[str | Path], env: dict[str, str]) -> None:
        self.running[name] = self.stage.launch(f"{name}-{self.mark}", command, env)

    def start_commands(self, name: str = "commands", **more: Any) -> None:
        """Start giving commands."""
        self.start(name, self.peer.commands, more)

    def start_consumer(self, **more: Any) -> None:
        """Start the consumer."""
        self.start("consumer", str(self.peer.consumer), more)

    def start_relay(self, number: int = 1) -> None:
        """Start a relay, where the peer has one."""
        name = f"relay-{number}"
        if self.peer.relay == "debezium":
            self._start_connect(name)
        elif self.peer is OURS:
            env = relay_process.environment(self.dsn, self.stage.rig.kafka) | {"PYTHONPATH": str(ROOT)}
            self._launch(name, [sys.executable, "-m", "bench.relay_process"], env)
        elif self.peer.relay is not None:
            self.start(name, self.peer.relay)

    def _start_connect(self, name: str) -> None:
        parts = self.stage.parts
        if parts is None:
            raise PeerMissingError("The jars of Debezium were not fetched.")
        base = self.stage.folder / f"{self.mark}-{name}"
        kafka, port = self.stage.rig.kafka, processes.free_port(0)
        self._connect_ports[name] = port
        worker = debezium.worker_settings(parts, kafka, base.with_suffix(".offsets"), port)
        connector = debezium.connector_settings(self.superuser_dsn, f"bench_{self.mark}") | dict(self.peer.connector)
        files = (
            debezium.write_properties(base.with_suffix(".worker"), worker),
            debezium.write_properties(base.with_suffix(".connector"), connector),
        )
        self._launch(name, debezium.command(parts, *files), dict(os.environ))

    async def relay_up(self, number: int) -> None:
        """Wait until a relay beside another one stands by."""
        port = self._connect_ports.get(f"relay-{number}")
        if port is not None:
            await self._until(lambda: _now(debezium.has_task(port)), 60, "the second worker of Connect did not start")
        elif self.peer.relay is not None:
            await asyncio.sleep(STANDBY_SECONDS)  # nothing tells it from outside

    def relays(self) -> list[str]:
        """Return the names of the relays that were started."""
        return [name for name in self.running if name.startswith("relay-")]

    def kill(self, name: str) -> None:
        """SIGKILL a process; it stays dead."""
        processes.kill(self.running.pop(name))
        self.stage.forget(f"{name}-{self.mark}")

    async def stop(self, name: str) -> None:
        """Ask a process to end, and wait for it: commands in hand end first."""
        started = self.running.pop(name)
        await asyncio.to_thread(processes.stop, started, seconds=STOP_SECONDS)
        self.stage.forget(f"{name}-{self.mark}")

    async def ended(self, name: str, seconds: float) -> None:
        """Wait until a process has ended by itself. Raises ``ScenarioFailedError``."""
        await self._until(lambda: _now(not self.running[name].alive), seconds, f"{name} did not end in {seconds:g} s")
        self.running.pop(name)
        self.stage.forget(f"{name}-{self.mark}")

    # -- what came of it -----------------------------------------------------------------------------------------

    async def versions(self) -> dict[str, int]:
        """Return the committed version of each thing."""
        return {str(row[0]): row[1] for row in await self.fetch("SELECT id, version FROM thing")}

    async def fetch(self, statement: str) -> list[asyncpg.Record]:
        """Ask the database."""
        async with connected(self.owner_dsn) as connection:
            return list(await connection.fetch(statement))

    async def log(self) -> list[Address]:
        """Return the events of the topic from the first, in the order of each partition."""
        places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        return [address_of(raw) async for raw in records_to_end(self._reader, places)]

    async def records(self) -> int:
        """Return how many records the topic holds."""
        places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        return int(sum((await self._reader.end_offsets(places)).values()))

    async def felt(self) -> list[Address]:
        """Return the effects in the order in which they were written."""
        return [(str(row[0]), row[1]) for row in await self.fetch("SELECT thing, sequence FROM felt ORDER BY id")]

    def steps(self, kind: str) -> list[list[str]]:
        """Return the journal's lines of one kind, without that word."""
        if not self.journal.exists():
            return []
        lines = (line.split() for line in self.journal.read_text(encoding="ascii").splitlines())
        return [words[1:] for words in lines if words and words[0] == kind]

    async def warm(self, seen: Callable[[], Awaitable[list[Address]]]) -> dict[str, int]:
        """Give commands until each key was seen to come through; return the versions up to which that went."""
        deadline = monotonic() + WARM_SECONDS
        while {key for key, _ in await seen()} < set(self.keys):
            if monotonic() > deadline:
                raise ScenarioFailedError(
                    f"{self.peer.name} did not begin to work in {WARM_SECONDS:g} s; {self.tails()}"
                )
            self.start_commands("warming", count=len(self.keys), pace=200)
            await self.ended("warming", WARM_SECONDS)
            await asyncio.sleep(0.5)
        self.journal.unlink(missing_ok=True)
        await self.settle(seen, {})
        return await self.versions()

    async def settle(self, seen: Callable[[], Awaitable[list[Address]]], since: dict[str, int]) -> Tally:
        """Wait until all is seen, or nothing new came for the peer's patience; return what is there then."""
        latest, size = monotonic(), -1
        while True:
            found = await seen()
            result = tally(await self.versions(), found, since)
            if len(found) != size:
                latest, size = monotonic(), len(found)
            # A moment longer, for what comes twice.
            if monotonic() - latest > (CALM_SECONDS if result.lost == 0 else self.peer.patience):
                return result
            await asyncio.sleep(0.3)

    async def _until(self, condition: Callable[[], Awaitable[bool]], seconds: float, otherwise: str) -> None:
        deadline = monotonic() + seconds
        while not await condition():
            if monotonic() > deadline:
                raise ScenarioFailedError(f"{otherwise}; {self.tails()}")
            await asyncio.sleep(0.02)

    def tails(self) -> str:
        """Return the last line of what each program of this ground said."""
        logs = sorted(self.stage.stack.home.logs.glob(f"*-{self.mark}.log"))
        last = [f"{log.name}: {said.splitlines()[-1][:300]}" for log in logs if (said := processes.tail(log, 1))]
        return "; ".join(last) or "its programs said nothing"


async def _now(answer: bool) -> bool:
    return answer


def address_of(raw: Any) -> Address:
    """Return key and sequence of a record: from our headers, or from the mark that the peers' events carry."""
    if (record := record_of(raw)) is not None:
        return record.key, record.sequence
    found = _MARK.search(raw.value or b"")
    return (found[1].decode(), int(found[2])) if found else ("?", 0)


@asynccontextmanager
async def ground(stage: Stage, peer: Peer, keys: int = 24) -> AsyncIterator[Ground]:
    """Give a peer a fresh database and topic for the time of the block; its processes are gone after it."""
    async with stage.rig.database(SERVICE) as (dsn, _):
        made = Ground(stage, peer, dsn, keys)
        try:
            await made.open()
            yield made
        finally:
            await made.close()
