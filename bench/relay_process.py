"""A relay in a process of its own, as it runs in operation: told by the environment, ended by SIGTERM.

It notes when the broker has acknowledged each fact and how long its statements took, and writes that down at its end.
The ways of waking other than the product's own are for comparison, and exist here only.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from asyncpg.connection import LoggedQuery

from shared.broker import KafkaSettings
from shared.process import run_process
from shared.relay import Relay
from shared.relay.publishing import Publisher
from shared.relay.reading import POLL

VARIABLE = "BENCH_RELAY"
POLL_SECONDS = 1.0
UNTOLD_SECONDS = 2.0
"""So long a relay that only listens goes without looking whether it should stop."""


@dataclass(slots=True)
class Notes:
    """What a relay noted."""

    acknowledged: list[tuple[str, int, float]] = field(default_factory=list)
    """Aggregate, sequence, and when the broker had acknowledged it (``perf_counter``, one clock for all processes)."""
    statements: list[tuple[str, float, float]] = field(default_factory=list)
    """``poll`` or ``store``; when it was over; and how long it took, seconds."""

    def write(self, path: Path) -> None:
        """Write them down."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def read(self, path: Path) -> None:
        """Take up what another process wrote down."""
        told = json.loads(path.read_text(encoding="utf-8"))
        self.acknowledged = [tuple(item) for item in told["acknowledged"]]
        self.statements = [tuple(item) for item in told["statements"]]


class _TimedPublisher(Publisher):
    acknowledged_at = 0.0

    async def send(self, *arguments: Any) -> None:
        """Send, and note when the last acknowledgement was in."""
        await super().send(*arguments)
        self.acknowledged_at = perf_counter()


class WatchedRelay(Relay):
    """The product's relay, watched."""

    def __init__(self, dsn: str, kafka: KafkaSettings) -> None:
        super().__init__(dsn, kafka, "bench")
        self._publisher: _TimedPublisher = _TimedPublisher(kafka, client_id="relay-bench")
        self.notes = Notes()

    async def _publish(self, leadership: Any, shards: Any, item: Any, *rest: Any) -> None:
        await super()._publish(leadership, shards, item, *rest)
        at = self._publisher.acknowledged_at
        self.notes.acknowledged += [(row["key"], row["sequence"], at) for row in item.rows]

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[tuple[Any, Any]]:
        async with super()._connections() as (locks, reading):
            locks.add_query_logger(self._note)
            reading.add_query_logger(self._note)
            yield locks, reading

    def _note(self, query: LoggedQuery) -> None:
        kind = "poll" if query.query == POLL else "store" if "UPDATE relay_cursor" in query.query else ""
        if kind and query.exception is None:
            self.notes.statements.append((kind, perf_counter(), query.elapsed))


class ListeningRelay(WatchedRelay):
    """Woken by ``NOTIFY`` alone."""

    async def _rest(self, *_: Any) -> None:
        try:
            async with asyncio.timeout(UNTOLD_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()


class PollingRelay(WatchedRelay):
    """Looks once a second, whatever it hears."""

    async def _rest(self, *_: Any) -> None:
        await asyncio.sleep(POLL_SECONDS)


WAKING: dict[str, type[WatchedRelay]] = {"hint": WatchedRelay, "notify": ListeningRelay, "poll": PollingRelay}


def environment(dsn: str, kafka: KafkaSettings, *, waking: str = "", notes: Path | None = None) -> dict[str, str]:
    """Return what the process has to be told. Without ``notes`` it is the bare product."""
    told = {"dsn": dsn, "kafka": asdict(kafka), "waking": waking, "notes": str(notes or "")}
    return os.environ | {VARIABLE: json.dumps(told)}


def main() -> int:
    """Relay until a signal comes."""
    told = json.loads(os.environ[VARIABLE])
    dsn, kafka = told["dsn"], KafkaSettings(**told["kafka"])
    if not told["notes"]:
        return run_process(Relay(dsn, kafka, "bench").run)
    relay = WAKING[told["waking"]](dsn, kafka)
    code = run_process(relay.run)
    relay.notes.write(Path(told["notes"]))
    return code


if __name__ == "__main__":
    sys.exit(main())
