"""Health of a process: named checks, each bounded in time; what is unknown is unhealthy.

``/health/ready`` says whether this copy can do its work now, and names each cause. ``/health/live`` holds only the
checks that a restart would mend (a loop that stopped turning), never those of a database or a broker that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg
from starlette.responses import JSONResponse, Response

from shared.masking import mask_text
from shared.metrics import Metrics
from shared.metrics.looking import process_metrics

if TYPE_CHECKING:  # a worker knows no tokens
    from shared.auth import KeySource

TIMEOUT_SECONDS = 2.0
CACHE_SECONDS = 0.5
"""Probes that come faster than this get the last report, so that they cannot load what they watch."""
STUCK_SECONDS = 120.0
"""A consumer that lags and has neither applied nor waited for a server in this time hangs."""

Check = Callable[[], Awaitable[str | None]]
"""Returns None if all is well, else the cause in a few words. An exception or no answer in 2 s is a cause too."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of all checks of one kind."""

    service: str
    instance: str
    causes: dict[str, str | None]

    @property
    def healthy(self) -> bool:
        """Whether no check found a cause."""
        return not any(self.causes.values())

    def response(self) -> Response:
        """Return 200 or 503, with each check and its cause."""
        checks = {
            name: {"ok": True} if cause is None else {"ok": False, "cause": cause}
            for name, cause in self.causes.items()
        }
        body: dict[str, Any] = {"status": "ok" if self.healthy else "failing"}
        body |= {"service": self.service, "instance": self.instance, "checks": checks}
        return JSONResponse(body, status_code=200 if self.healthy else 503)


@dataclass(slots=True)
class Pulse:
    """A heartbeat: a loop calls ``beat`` each time it turns, and the check fails when the last one is too old."""

    max_age: float
    """Seconds."""
    clock: Callable[[], float] = monotonic
    _last: float | None = None

    def beat(self) -> None:
        """Say that the loop turned."""
        self._last = self.clock()

    async def check(self) -> str | None:
        """Return the cause if there never was a beat, or the last one is too old."""
        if self._last is None:
            return "no sign of life yet"
        age = self.clock() - self._last
        return None if age <= self.max_age else f"last sign of life {age:.0f} s ago"


@dataclass(slots=True)
class Health:
    """The checks of one process, and what it counts."""

    service: str
    instance: str = ""
    timeout: float = TIMEOUT_SECONDS
    metrics: Metrics = field(default_factory=process_metrics)
    _ready: dict[str, Check] = field(default_factory=dict)
    _live: dict[str, Check] = field(default_factory=dict)
    _last: dict[str, tuple[float, Report]] = field(default_factory=dict)
    _stopping: bool = False

    def add(self, name: str, check: Check, *, live: bool = False) -> None:
        """Add a check to readiness, and with ``live`` also to liveness: only where a restart is the cure."""
        if name in self._ready:
            raise ValueError(f"health check {name} is there already")
        self._ready[name] = check
        if live:
            self._live[name] = check

    def stopping(self) -> None:
        """Say not ready from now on: this copy drains and takes no new work."""
        self._stopping = True
        self._last.clear()

    async def ready(self) -> Report:
        """Return whether this copy can work now."""
        report = await self._report("ready", self._ready)
        if self._stopping:
            return Report(self.service, self.instance, {**report.causes, "process": "stopping"})
        if not report.causes:
            return Report(self.service, self.instance, {"process": "no check is declared"})
        return report

    async def live(self) -> Report:
        """Return whether a restart is not needed."""
        return await self._report("live", self._live)

    async def _report(self, kind: str, checks: dict[str, Check]) -> Report:
        known = self._last.get(kind)
        if known is not None and monotonic() - known[0] < CACHE_SECONDS:
            return known[1]
        causes = await asyncio.gather(*(self._run(check) for check in checks.values()), return_exceptions=True)
        report = Report(self.service, self.instance, dict(zip(checks, map(_cause, causes), strict=True)))
        self._last[kind] = (monotonic(), report)
        return report

    async def _run(self, check: Check) -> str | None:
        async with asyncio.timeout(self.timeout):
            return await check()


def _cause(outcome: str | BaseException | None) -> str | None:
    if isinstance(outcome, TimeoutError):
        return "no answer in time"
    if isinstance(outcome, BaseException):
        return mask_text(f"{type(outcome).__name__}: {outcome}"[:200])
    return None if outcome is None else mask_text(outcome)


def database_check(pool: asyncpg.Pool) -> Check:
    """Return the check that the database answers a statement."""

    async def check() -> str | None:
        return None if await pool.fetchval("SELECT 1", timeout=TIMEOUT_SECONDS) == 1 else "unexpected answer"

    return check


def keys_check(keys: KeySource) -> Check:
    """Return the check that the token issuer's public keys are at hand."""
    return keys.problem


class WatchedConsumer(Protocol):
    """What health asks of a consumer (``shared.consumer.Consumer`` has it)."""

    problem: str | None
    redrive_problem: str | None
    joined: bool

    @property
    def progress_at(self) -> float: ...

    def tasks_alive(self) -> bool: ...
    def positions_lag(self) -> int | None: ...
    async def broker_cause(self) -> str | None: ...
    def measure(self, metrics: Metrics) -> None: ...


def watch_consumer(health: Health, consumer: WatchedConsumer) -> None:
    """Add a consumer's checks and metrics: ready tells what is away, live only what a restart mends."""

    async def cause() -> str | None:
        if not consumer.joined:
            return "has not joined its group"
        if consumer.problem is not None:
            return f"{consumer.problem} away"
        return None if consumer.redrive_problem is None else f"cannot redrive ({consumer.redrive_problem})"

    async def died() -> str | None:
        return None if consumer.tasks_alive() else "the consuming task ended"

    async def stuck() -> str | None:
        silent = monotonic() - consumer.progress_at
        if silent < STUCK_SECONDS or not consumer.positions_lag():
            return None
        return f"lags, and has applied nothing for {silent:.0f} s"

    consumer.measure(health.metrics)
    health.add("consumer", cause)
    health.add("broker", consumer.broker_cause)
    health.add("consumer_tasks", died, live=True)
    health.add("consumer_progress", stuck, live=True)
