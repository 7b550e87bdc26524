"""A command of the registry through its own handler: without its fact, with it, and with a relay that publishes beside it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, date, datetime
from functools import partial
from time import perf_counter
from typing import Any
from unittest.mock import patch
from uuid import UUID

from bench.delivery import relaying_apart
from bench.harness import Result, Size, VoidRunError, by_turns
from bench.rig import Rig
from services.registry.commands import Profile, RecordWorkers, RegisterBusiness, RegisterOwner
from services.registry.domain import businesses as rules
from services.registry.handlers import businesses, owners
from services.registry.reference.places import all_places
from services.registry.store import migrations
from shared.contracts.registry import Consents, Workers
from shared.database import Connection, Pool
from shared.identifiers import new_id
from shared.outbox import Cause, Change
from shared.sealing import KeyRing

CONNECTIONS = 16
BUSINESSES = 64
RING_KEY = base64.b64encode(bytes(range(32))).decode()
RING = KeyRing(RING_KEY)
DAY = date(2026, 11, 25)


def _cause() -> Cause:
    return Cause("bench", None, "bench", "command", None, datetime.now(UTC))


async def register_owners(pool: Pool, number: int, ring: KeyRing = RING) -> list[UUID]:
    """Register owners and return their ids."""
    place, made = next(iter(all_places())), [new_id() for _ in range(number)]
    async with pool.acquire() as connection, connection.transaction():
        for owner in made:
            who = RegisterOwner(owner, "Siti", None, None, (), None, "id", None, Consents(), place)
            await owners.register_owner(connection, ring, who, _cause())
    return made


async def _register(pool: Pool) -> list[UUID]:
    """Register one owner with the businesses that the commands go to."""
    place, made = next(iter(all_places())), [new_id() for _ in range(BUSINESSES)]
    (owner,) = await register_owners(pool, 1)
    async with pool.acquire() as connection, connection.transaction():
        for business in made:
            profile = Profile((owner,), "Warung", None, None, place, "kuliner", None, None, 36_000_000, None)
            command = RegisterBusiness(business, profile, None, None)
            await businesses.register_business(connection, RING, command, _cause(), None)
    return made


async def _record_workers(connection: Connection, business: UUID, version: int) -> int:
    command = RecordWorkers(business, version, Workers(paid_men=version), DAY)
    async with connection.transaction():
        saved = await businesses.act_on_business(
            connection, RING, command, lambda found: rules.record_workers(found, command), _cause(), None
        )
    return saved.version


async def _change_alone(connection: Connection, *rest: Any) -> None:
    """Stand in for ``publish``: the baseline changes the business and tells nobody."""
    change: Change | None = rest[-1]
    if change is not None:
        await connection.execute(change.statement, *change.arguments)


@asynccontextmanager
async def _without_outbox(*_: object) -> AsyncIterator[None]:
    with patch.object(businesses, "publish", _change_alone):
        yield


async def commands(rig: Rig, size: Size) -> list[Result]:
    """Workers recorded, commands per second over 16 connections: load and lock, rule, save, and the fact in the outbox.

    The relay has the same two cores, so it is measured both ways: what the outbox costs a command, and what publishing costs it.
    """
    rig.declared_topics()
    share = size.of(20_000) // CONNECTIONS

    async def worker(pool: Pool, mine: list[UUID]) -> None:
        versions = dict.fromkeys(mine, 1)
        async with pool.acquire() as connection:
            for number in range(share):
                business = mine[number % len(mine)]
                versions[business] = await _record_workers(connection, business, versions[business])

    async def measure(*, outbox: bool, relay: bool) -> float:
        async with rig.database("registry", migrations()) as (dsn, pool):
            made = await _register(pool)
            async with (
                nullcontext() if outbox else _without_outbox(),
                relaying_apart(dsn, rig) if relay else nullcontext(),
            ):
                started = perf_counter()
                await asyncio.gather(*(worker(pool, made[n::CONNECTIONS]) for n in range(CONNECTIONS)))
                seconds = perf_counter() - started
            facts = await pool.fetchval("SELECT count(*) FROM outbox")
            if facts != 1 + BUSINESSES + share * CONNECTIONS * outbox:
                raise VoidRunError(f"the outbox holds {facts} facts")
        return share * CONNECTIONS / seconds

    ways = {"": (True, False), " and live relay": (True, True), "without": (False, False)}
    kept = await by_turns(
        size, {name: partial(measure, outbox=outbox, relay=relay) for name, (outbox, relay) in ways.items()}
    )
    return [
        Result(f"registry commands with outbox{way} ÷ without", "commands/s", "≥ 0.85", kept[way], kept["without"])
        for way in ("", " and live relay")
    ]
