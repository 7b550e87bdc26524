"""One token asks ten times as much as it may: what another waits meanwhile, and what the first is given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from bench.commanding import register_owners
from bench.harness import Result, Size, VoidRunError, by_turns, percentile
from bench.http_load import Connection, apart, connect, obey
from bench.rig import Rig
from services.registry.store import migrations
from shared.auth import Role
from shared.web.rates import WINDOW_SECONDS

CLIENT = "bench.flooding"
MOST = 100
"""Requests a second that a token may make."""
FLOOD = 10 * MOST
FLOODING_CONNECTIONS = 16
SECONDS = 15
OTHERS_RATE = 50
"""What the other asks a second."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    p95: float
    """Milliseconds that the other waits."""
    given: float = 0.0
    """Answers a second that the flooding one was given."""


def _request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def _ask(told: dict[str, Any]) -> dict[str, Any]:
    """Ask at a pace, each request at its own moment whatever became of the others; return waits and answers by status."""
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connect(told["port"], told["connections"]):
        idle.put_nowait(connection)
    data, waits, statuses = _request(told["path"], told["token"]), list[float](), dict[str, int]()

    async def one(due: float) -> None:
        connection = await idle.get()
        answer = await connection.request(data)
        idle.put_nowait(connection)
        waits.append(perf_counter() - due)
        status = answer[9:12].decode()
        statuses[status] = statuses.get(status, 0) + 1

    began = perf_counter()
    async with asyncio.TaskGroup() as asking:
        for number in range(told["requests"]):
            due = began + number / told["pace"]
            await asyncio.sleep(max(0.0, due - perf_counter()))
            asking.create_task(one(due))
    return {"waits": waits, "statuses": statuses, "seconds": perf_counter() - began}


async def _measure(rig: Rig, seconds: int, *, flood: bool) -> Run:
    async with rig.database("registry", migrations()) as (dsn, pool):
        (owner,) = await register_owners(pool, 1, rig.ring())
        async with rig.process("registry", dsn, "bench.api_process", REQUESTS_PER_SECOND=str(MOST)) as (port, _):

            def told(subject: str, pace: int, connections: int) -> dict[str, Any]:
                token = rig.token([Role.PETUGAS_DINAS], subject=subject)
                path = f"/owners/{owner}"
                return {
                    "port": port, "path": path, "token": token, "pace": pace, "requests": pace * seconds, "connections": connections,
                }  # fmt: skip

            other = told("petugas-b", OTHERS_RATE, 8)
            await apart(CLIENT, other | {"requests": OTHERS_RATE})  # to warm up
            works = [apart(CLIENT, other)]
            if flood:
                works.append(apart(CLIENT, told("petugas-a", FLOOD, FLOODING_CONNECTIONS)))
            found = await asyncio.gather(*works)
    if found[0]["statuses"] != {"200": OTHERS_RATE * seconds}:
        raise VoidRunError(f"the other was answered {found[0]['statuses']}")
    p95 = 1000 * percentile(found[0]["waits"], 95)
    if not flood:
        return Run(p95)
    statuses, took = found[1]["statuses"], found[1]["seconds"]
    # A window that began before the flood is another one's: so many windows may have their share of it.
    if statuses.keys() != {"200", "429"} or statuses["200"] > MOST * (took + WINDOW_SECONDS):
        raise VoidRunError(f"the flooding one was answered {statuses} in {took:.1f} s")
    return Run(p95, statuses["200"] / took)


async def beside_a_flood(rig: Rig, size: Size) -> list[Result]:
    """What an officer waits, at 50 requests a second, while another token asks ten times as much as it may."""
    seconds = max(3, round(SECONDS * size.scale))
    kept = await by_turns(
        size,
        {"alone": partial(_measure, rig, seconds, flood=False), "beside": partial(_measure, rig, seconds, flood=True)},
    )
    return [
        Result(
            f"an officer's request beside a token that asks {FLOOD:,} times a second, p95 ÷ alone",
            "ms",
            "≤ 2.0",
            [run.p95 for run in kept["beside"]],
            [run.p95 for run in kept["alone"]],
        ),
        Result(
            f"answers a second to that token, of {FLOOD:,} that it asks for",
            "answers/s",
            f"≤ {MOST * (seconds + WINDOW_SECONDS) // seconds}",
            [run.given for run in kept["beside"]],
        ),
    ]


if __name__ == "__main__":
    obey(_ask)
