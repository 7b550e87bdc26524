"""``POST /businesses`` over 32 connections: as it is, and the same route without a database behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from bench.api_process import WITHOUT_DATABASE
from bench.commanding import register_owners
from bench.harness import Result, Size, VoidRunError, by_turns, percentile
from bench.http_load import apart
from bench.rig import Rig
from services.registry.reference.places import all_places
from services.registry.store import migrations
from shared.auth import Role
from shared.database import Pool

CONNECTIONS = 32
OWNERS = 64
PLACE = next(iter(all_places()))


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    rate: float
    """Requests a second."""
    p99: float
    """Milliseconds."""


def _body(owner: UUID) -> dict[str, Any]:
    return {
        "owner_ids": [str(owner)],
        "name": "Warung Siti Aminah",
        "address": "Jalan Soekarno Hatta km 4, RT 12",
        "kelurahan": PLACE,
        "sector": "kuliner",
        "capital": 5_000_000,
        "sales": 36_000_000,
        "founded_year": 2019,
        "workers": {"paid_men": 1, "paid_women": 2},
    }


async def _load(rig: Rig, port: int, owners: list[UUID], requests: int) -> dict[str, Any]:
    told = {
        "port": port,
        "path": "/businesses",
        "token": rig.token([Role.PETUGAS_DINAS]),
        "bodies": [_body(owner) for owner in owners],
        "connections": CONNECTIONS,
        "warm_up": requests // 10,
        "requests": requests,
    }
    return await apart("bench.http_load", told)


async def _check(pool: Pool, expected: int, owners: int) -> None:
    """Void the run unless each request left its business, its fact and its stored answer."""
    for query, stored in (
        ("SELECT count(*) FROM business", expected),
        ("SELECT count(*) FROM outbox", expected + owners),
        ("SELECT count(*) FROM idempotency_key WHERE status = 201", expected),
    ):
        if (found := await pool.fetchval(query)) != stored:
            raise VoidRunError(f"{query}: {found}, expected {stored}")


async def _measure(rig: Rig, requests: int, *, database: bool) -> Run:
    async with rig.database("registry", migrations()) as (dsn, pool):
        owners = await register_owners(pool, OWNERS, rig.ring())
        words = () if database else (WITHOUT_DATABASE,)
        async with rig.process("registry", dsn, "bench.api_process", *words) as (port, _):
            found = await _load(rig, port, owners, requests)
        if found["ids"] != requests:
            raise VoidRunError(f"{found['ids']} ids were answered to {requests} requests")
        await _check(pool, (requests + requests // 10) * database, OWNERS)
    return Run(requests / found["seconds"], 1000 * percentile(found["waits"], 99))


async def posts(rig: Rig, size: Size) -> list[Result]:
    """Businesses registered over HTTP a second, 32 connections: durable, and answered without a database."""
    requests = max(400, size.of(6_000))
    kept = await by_turns(
        size,
        {
            "without": partial(_measure, rig, requests, database=False),
            "durable": partial(_measure, rig, requests, database=True),
        },
    )
    durable, without = kept["durable"], kept["without"]
    return [
        Result(
            "durable POST /businesses ÷ the same route without a database",
            "requests/s",
            "≥ 0.7",
            [run.rate for run in durable],
            [run.rate for run in without],
        ),
        Result("durable POST /businesses, p99", "ms", "≤ 30", [run.p99 for run in durable], [r.p99 for r in without]),
    ]
