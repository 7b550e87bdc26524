"""Health tells the truth: each fault, what every process says of it, and that it says so only as long as it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import httpx2

from ops.stack.services import PROCESSES
from proof.history import now
from proof.rig import FOLLOWERS, Rig, Size

TELL_SECONDS = 30.0
PROBE_SECONDS = 5.0

DATABASE = tuple(process.name for process in PROCESSES)
BROKER = tuple(p.name for p in PROCESSES if p.role == "relay" or (p.role == "worker" and p.service in FOLLOWERS))
"""Who cannot do its work without Kafka: an API can, its outbox grows, and so can who takes in the registry's files."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a process says of itself. 0: no answer."""

    live: int
    ready: int
    causes: str


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the table."""

    fault: str
    process: str
    expected: str
    found: Probe
    seconds: float
    """From the fault until the process said what was expected."""
    ok: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One fault: ``away`` say that they are not ready and name the cause, all others go on; nobody asks for a restart."""

    name: str
    strike: Callable[[Rig], Awaitable[None]]
    heal: Callable[[Rig], Awaitable[None]]
    away: tuple[str, ...]
    cause: str
    frozen: str | None = None
    """A process that answers nobody: only the outside can see that."""


CASES = (
    Case("PostgreSQL killed", lambda r: r.kill("postgres"), lambda r: r.start("postgres"), DATABASE, "database"),
    Case("Kafka killed", lambda r: r.kill("kafka"), lambda r: r.start("kafka"), BROKER, "broker"),
    Case("Kafka frozen", lambda r: r.freeze("kafka"), lambda r: r.thaw("kafka"), BROKER, "broker"),
    Case(
        "a worker frozen", lambda r: r.freeze("projections-worker"), lambda r: r.thaw("projections-worker"), (), "",
        frozen="projections-worker",
    ),
)  # fmt: skip


async def ask(rig: Rig, process: str) -> Probe:
    """Probe a process as an orchestrator does."""
    base = f"http://127.0.0.1:{rig.stack.record().ports[process]}/health"
    async with httpx2.AsyncClient(timeout=PROBE_SECONDS) as client:
        try:
            live, ready = await asyncio.gather(client.get(f"{base}/live"), client.get(f"{base}/ready"))
        except httpx2.TransportError:
            return Probe(0, 0, "no answer")
    checks = ready.json()["checks"]
    causes = "; ".join(f"{name}: {check['cause']}" for name, check in checks.items() if not check["ok"])
    return Probe(live.status_code, ready.status_code, causes)


async def _until_told(rig: Rig, fault: str, process: str, expected: str, right: Callable[[Probe], bool]) -> Told:
    """Ask until the process says what is expected, for at most 30 s."""
    began = now()
    while True:
        found = await ask(rig, process)
        if right(found) or now() > began + TELL_SECONDS:
            return Told(fault, process, expected, found, now() - began, right(found))
        await asyncio.sleep(0.2)


def _expectation(case: Case, process: str) -> tuple[str, Callable[[Probe], bool]]:
    if process == case.frozen:
        return "no answer", lambda found: found.live == 0
    if process in case.away:
        return f"live, not ready: {case.cause}", lambda f: (f.live, f.ready) == (200, 503) and case.cause in f.causes
    return "live, ready", lambda found: (found.live, found.ready) == (200, 200)


async def tell_the_truth(rig: Rig, _: Size, __: Random) -> None:
    """Strike with each fault, note what every process says, heal, and wait until all say that they are well."""
    for case in CASES:
        async with rig.fault():
            await case.strike(rig)
            rig.told += await asyncio.gather(
                *(_until_told(rig, case.name, process, *_expectation(case, process)) for process in DATABASE)
            )
            await case.heal(rig)
            rig.told += await asyncio.gather(
                *(
                    _until_told(rig, f"{case.name}, mended", p, "live, ready", lambda f: f.ready == 200)
                    for p in DATABASE
                )
            )
