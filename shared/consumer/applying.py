"""One batch, one transaction: effects, positions and parked records together or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import asyncpg
import structlog

from shared.consumer import store
from shared.consumer.ordering import Streams
from shared.consumer.planning import Plan, Spot, make_plan
from shared.consumer.records import Item, KafkaRecord, read_item
from shared.consumer.tracing import begin_steps, end_steps
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.envelope import Event, Read, read_fact
from shared.tracing import read_traceparent, trace_id_of

ATTEMPTS = 3
TWO_LANES_FROM = 200
SLICE = 100
"""Records that are applied at a time after a batch was cut off for having taken too long."""
SLOW_SECONDS = 20.0
"""A batch that failed after so long may have been cut off by the bound of its transaction, and would be again."""

Apply = Callable[[asyncpg.Connection, Sequence[Event]], Awaitable[None]]
"""Writes the effects of events, in order, on the given connection, inside the caller's transaction."""

Settled = Callable[[Plan, Sequence[Item]], None]
"""Is told of each batch after its commit: what it came to, and its records."""

log = structlog.get_logger(__name__)


class StaleOwnerError(ConnectionError):
    """Another process applied these events first; read the batch again."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What one consumer is: its name, the types it applies, how, and how it reads their facts."""

    name: str
    types: frozenset[str]
    apply: Apply
    read: Read = read_fact


async def apply_records(
    pool: asyncpg.Pool, definition: Definition, records: Sequence[KafkaRecord], settled: Settled | None = None
) -> int:
    """Apply records, those of an aggregate in order, and return how many were next in their streams.

    Many records go in two lanes, each with every record of its aggregates, each in a transaction of its own: the
    database works for one lane while the other reads and plans. Raises as ``apply_batch`` does, after both lanes have
    ended; what one of them stored is a duplicate when the records are read again.
    """
    items = [read_item(record) for record in records]
    if len(items) < TWO_LANES_FROM:
        return await _apply_lane(pool, definition, items, settled)
    lanes: tuple[list[Item], list[Item]] = ([], [])
    for item in items:
        lanes[hash(item.address.subject) & 1 if item.address is not None else 0].append(item)
    ended = await asyncio.gather(
        *(_apply_lane(pool, definition, lane, settled) for lane in lanes), return_exceptions=True
    )
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    return sum(count for count in ended if isinstance(count, int))


async def _apply_lane(
    pool: asyncpg.Pool, definition: Definition, items: Sequence[Item], settled: Settled | None
) -> int:
    began = monotonic()
    try:
        async with pool.acquire(timeout=10) as connection:
            plan = await apply_batch(connection, definition, items)
    except SERVER_ERRORS as error:
        if len(items) <= SLICE or monotonic() - began < SLOW_SECONDS or not is_infrastructure_error(error):
            raise
        # Mostly poison: found by halving, it took longer than a transaction may. Smaller ones come to an end.
        log.warning("batch_sliced", consumer=definition.name, records=len(items), error=type(error).__name__)
        slices = [items[place : place + SLICE] for place in range(0, len(items), SLICE)]
        return sum([await _apply_lane(pool, definition, part, settled) for part in slices])
    if settled is not None:
        settled(plan, items)
    return len(plan.steps)


async def apply_batch(connection: asyncpg.Connection, definition: Definition, items: Sequence[Item]) -> Plan:
    """Apply a batch in one transaction and return what it came to.

    Raises infrastructure errors (nothing is stored then; read the batch again), never for what a record holds.
    """
    subjects = sorted({item.address.subject for item in items if item.address is not None})
    try:
        async with connection.transaction():
            streams = Streams(await store.lock_positions(connection, definition.name, subjects))
            streams.load_parked(await store.load_parked(connection, definition.name, subjects))
            plan = make_plan(definition.types, streams, items, definition.read)
            told = begin_steps(definition.name, plan)
            await carry_out(connection, definition, streams, plan)
    except asyncpg.UniqueViolationError as error:
        if error.table_name != "stream_position":
            raise
        raise StaleOwnerError("another owner of the partition was faster") from error
    end_steps(told, plan)
    _report(definition.name, plan)
    return plan


async def carry_out(connection: asyncpg.Connection, definition: Definition, streams: Streams, plan: Plan) -> None:
    """Apply the plan's events, then write positions, parked records and counters."""
    plan.settle(await _apply_isolated(connection, definition.apply, plan.events))
    await store.move_positions(connection, definition.name, streams.stored, plan.moved, plan.topics)
    if plan.released:
        await store.unpark(connection, definition.name, plan.released, "released")
    if plan.reparked:
        await store.unpark(connection, definition.name, plan.reparked, "failed_again")
    if parkings := plan.parkings:
        # Where no position is locked, another owner may have applied just these; then the effects fail here, as if poison.
        if unfenced := plan.unfenced:
            await store.fence(connection, definition.name, unfenced)
            await store.unfence(connection, definition.name, list(unfenced))
        await store.park(connection, definition.name, parkings)
    await store.count(connection, definition.name, plan.counts)


def _report(consumer: str, plan: Plan) -> None:
    for parking in plan.parkings:
        log.warning(
            "event_parked",
            consumer=consumer,
            kind=parking.kind,
            reason=parking.reason,
            topic=parking.item.topic,
            partition=parking.item.partition,
            offset=parking.item.offset,
            **_trace_of(parking.item),
        )


def _trace_of(item: Item) -> dict[str, str]:
    """Return the trace that the record belongs to, for a line of the log."""
    traceparent = read_traceparent(item.headers.get("ce_traceparent", b"").decode("ascii", "replace"))
    return {} if traceparent is None else {"trace_id": trace_id_of(traceparent)}


async def _apply_isolated(
    connection: asyncpg.Connection, apply: Apply, events: Sequence[Event]
) -> dict[Spot, tuple[str, int]]:
    """Apply all events; if some fail, find them by halving. Return reason and attempts of each that failed.

    After a failure the later events of the same aggregate are not tried. Order is kept throughout.
    """
    failures: dict[Spot, tuple[str, int]] = {}
    stopped: set[str] = set()
    pending: list[Sequence[Event]] = [events]
    while pending:
        part = [event for event in pending.pop() if event.meta.subject not in stopped]
        if not part:
            continue
        error = await _attempt(connection, apply, part, ATTEMPTS if len(part) == 1 else 1)
        if error is None:
            continue
        if len(part) == 1:
            meta = part[0].meta
            stopped.add(meta.subject)
            failures[meta.subject, meta.sequence] = (reason_of(error), ATTEMPTS)
        else:
            middle = len(part) // 2
            pending += [part[middle:], part[:middle]]
    return failures


async def _attempt(
    connection: asyncpg.Connection, apply: Apply, events: Sequence[Event], attempts: int
) -> Exception | None:
    for attempt in range(1, attempts + 1):
        try:
            async with connection.transaction():
                await apply(connection, events)
            return None
        except Exception as error:
            if is_infrastructure_error(error):
                raise
            if attempt == attempts:
                return error
    return None


def reason_of(error: Exception) -> str:
    """Return why an event failed, without any value of it: class, SQL state and constraint."""
    parts = [type(error).__name__]
    if isinstance(error, asyncpg.PostgresError):
        parts += [str(part) for part in (error.sqlstate, error.table_name, error.constraint_name) if part]
    return " ".join(parts)
