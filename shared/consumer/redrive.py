"""Bringing parked events back: one aggregate at a time, in order, into one consumer only.

An operator asks (``shared.parked``); the consumer's own process does it within about a second, because only it has
the code that applies the events.
"""

from __future__ import annotations

from random import shuffle

import asyncpg
import structlog

from shared.consumer import store
from shared.consumer.applying import Definition, carry_out
from shared.consumer.ordering import Streams
from shared.consumer.planning import Plan, make_plan
from shared.consumer.records import Item
from shared.database import is_infrastructure_error

log = structlog.get_logger(__name__)

_REQUESTED = """
SELECT DISTINCT aggregate_id FROM parked_event
WHERE consumer = $1 AND redrive_requested_at IS NOT NULL AND aggregate_id IS NOT NULL ORDER BY aggregate_id LIMIT 500
"""
_ROWS = """
SELECT id, topic, partition, "offset", kind, headers::text, key, value FROM parked_event
WHERE consumer = $1 AND aggregate_id = $2::uuid AND sequence IS NOT NULL ORDER BY sequence FOR UPDATE
"""
_TOPIC = """
SELECT topic FROM parked_event WHERE consumer = $1 AND aggregate_id = $2::uuid AND sequence IS NOT NULL LIMIT 1
"""
_HOMELESS = """
SELECT id, topic, partition, "offset", kind, headers::text, key, value FROM parked_event
WHERE consumer = $1 AND aggregate_id IS NULL AND redrive_requested_at IS NOT NULL ORDER BY id LIMIT 500 FOR UPDATE
"""


async def redrive_requested(pool: asyncpg.Pool, definition: Definition) -> int:
    """Do what was asked for and return how many events were applied.

    Raises infrastructure errors, and ``UniqueViolationError`` if an owner of the partition was faster: ask again. Raises what else one
    aggregate failed of once all were tried; in another order each time, so that one that takes the database with it holds up no other.
    """
    failed: Exception | None = None
    async with pool.acquire() as connection:
        subjects = [str(row[0]) for row in await connection.fetch(_REQUESTED, definition.name)]
        shuffle(subjects)
        applied = await _redrive_homeless(connection, definition)
        for subject in subjects:
            try:
                applied += await _redrive_aggregate(connection, definition, subject)
            except Exception as error:
                if is_infrastructure_error(error):
                    raise
                failed = failed or error
    if failed is not None:
        raise failed
    return applied


async def _redrive_aggregate(connection: asyncpg.Connection, definition: Definition, subject: str) -> int:
    async with connection.transaction():
        stored = await store.lock_positions(connection, definition.name, [subject])
        fenced = not stored and await _fence(connection, definition.name, subject)
        items = [store.item_of(row) for row in await connection.fetch(_ROWS, definition.name, subject)]
        applied = await _replay(connection, definition, Streams({subject: 0} if fenced else stored), items)
        if fenced:
            await store.unfence(connection, definition.name, [subject])
    return applied


async def _fence(connection: asyncpg.Connection, consumer: str, subject: str) -> bool:
    """Keep an aggregate that has no position to lock for ourselves, before what is parked of it is read.

    Whoever parks or applies more of it meanwhile waits for us, and looks again. ``False`` if nothing is parked any more.
    """
    topic = await connection.fetchval(_TOPIC, consumer, subject)
    if topic is not None:
        await store.fence(connection, consumer, {subject: topic})
    return topic is not None


async def _redrive_homeless(connection: asyncpg.Connection, definition: Definition) -> int:
    """Try records whose address could not be read again: newer code may read it."""
    async with connection.transaction():
        items = [store.item_of(row) for row in await connection.fetch(_HOMELESS, definition.name)]
        subjects = sorted({item.address.subject for item in items if item.address is not None})
        stored = await store.lock_positions(connection, definition.name, subjects)
        return await _replay(connection, definition, Streams(stored), items)


async def _replay(connection: asyncpg.Connection, definition: Definition, streams: Streams, items: list[Item]) -> int:
    if not items:
        return 0
    ids = [item.parked_id for item in items if item.parked_id is not None]
    await connection.execute("DELETE FROM parked_event WHERE id = ANY ($1::bigint[])", ids)
    for item in items:
        item.parked_id = None
    plan = make_plan(definition.types, streams, items, definition.read)
    await carry_out(connection, definition, streams, plan)
    applied = await _trace(connection, definition.name, plan)
    log.info("redriven", consumer=definition.name, applied=applied, parked_again=len(plan.parkings))
    return applied


async def _trace(connection: asyncpg.Connection, consumer: str, plan: Plan) -> int:
    """Write into ``parked_history`` what became of each event and return how many were applied."""
    parked = {(p.item.topic, p.item.partition, p.item.offset) for p in plan.parkings}
    done = [
        step.address for step in plan.steps if (step.item.topic, step.item.partition, step.item.offset) not in parked
    ]
    failed = [p.item.address for p in plan.parkings if p.kind == "poison" and p.item.address is not None]
    await connection.execute(
        "INSERT INTO parked_history (consumer, aggregate_id, sequence, action) "
        "SELECT $1, a, s, x FROM unnest($2::uuid[], $3::bigint[], $4::text[]) AS h(a, s, x)",
        consumer,
        [address.subject for address in [*done, *failed]],
        [address.sequence for address in [*done, *failed]],
        ["redriven"] * len(done) + ["failed_again"] * len(failed),
    )
    return len(done)
