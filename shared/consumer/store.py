"""The tables of the consumer layer: positions, parked events, counters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from shared.consumer.records import Item, dump_headers, load_headers
from shared.envelope import EnvelopeError, headers_of, read_address

_LOCK = """
SELECT aggregate_id::text, position FROM stream_position
WHERE consumer = $1 AND aggregate_id = ANY ($2::uuid[]) ORDER BY aggregate_id FOR UPDATE
"""
_MOVE = """
UPDATE stream_position SET position = moved.position
FROM unnest($2::uuid[], $3::bigint[]) AS moved(aggregate_id, position)
WHERE stream_position.consumer = $1 AND stream_position.aggregate_id = moved.aggregate_id
"""
_OPEN = """
INSERT INTO stream_position (consumer, aggregate_id, topic, position)
SELECT $1, a, t, p FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS n(a, t, p) ORDER BY a
"""
_FENCE = """
INSERT INTO stream_position (consumer, aggregate_id, topic, position)
SELECT $1, a, t, 0 FROM unnest($2::uuid[], $3::text[]) AS n(a, t) ORDER BY a
"""
_UNFENCE = """
DELETE FROM stream_position WHERE consumer = $1 AND aggregate_id = ANY ($2::uuid[]) AND position = 0
"""
# Whoever has an aggregate has a sequence (`park`); saying so lets the index of their order be used, which holds no others.
_PARKED = """
SELECT id, topic, partition, "offset", kind, headers::text, key, value FROM parked_event
WHERE consumer = $1 AND aggregate_id = ANY ($2::uuid[]) AND sequence IS NOT NULL ORDER BY aggregate_id, sequence
"""
_PARK = """
INSERT INTO parked_event (consumer, topic, partition, "offset", aggregate_id, sequence, type, kind, reason, attempts,
                          headers, key, value)
SELECT $1, t, p, o, a, s, y, k, r, n, h::json, b, v
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[],
            $10::int[], $11::text[], $12::bytea[], $13::bytea[]) AS u(t, p, o, a, s, y, k, r, n, h, b, v)
ON CONFLICT DO NOTHING
"""
_COUNT = """
INSERT INTO consumer_counter (consumer, name, value) SELECT $1, n, v FROM unnest($2::text[], $3::bigint[]) AS c(n, v)
ORDER BY n
ON CONFLICT (consumer, name) DO UPDATE SET value = consumer_counter.value + EXCLUDED.value
"""


@dataclass(frozen=True, slots=True)
class Parking:
    """A record to park, with the kind (as in ``parked_event.kind``) and a reason without personal data."""

    item: Item
    kind: str
    reason: str
    attempts: int = 0


async def lock_positions(connection: asyncpg.Connection, consumer: str, subjects: Iterable[str]) -> dict[str, int]:
    """Lock and return the stored positions, in key order so that two owners of a partition cannot deadlock."""
    rows = await connection.fetch(_LOCK, consumer, list(subjects))
    return {row[0]: row[1] for row in rows}


async def load_parked(
    connection: asyncpg.Connection, consumer: str, subjects: Sequence[str]
) -> list[tuple[Item, bool]]:
    """Return what is parked for these aggregates in order, each with whether it is poison."""
    rows = await connection.fetch(_PARKED, consumer, subjects)
    return [(item_of(row), row["kind"] == "poison") for row in rows]


def item_of(row: asyncpg.Record) -> Item:
    """Return the record that a row of ``parked_event`` keeps."""
    raw = load_headers(row["headers"])
    headers = headers_of(raw)
    try:
        address, fault = read_address(headers), None
    except EnvelopeError as error:
        address, fault = None, str(error)
    return Item(
        row["topic"],
        row["partition"],
        row["offset"],
        row["key"],
        row["value"],
        raw,
        headers,
        address,
        fault,
        row["id"],
    )


async def move_positions(
    connection: asyncpg.Connection,
    consumer: str,
    stored: dict[str, int],
    moved: dict[str, int],
    topics: dict[str, str],
) -> None:
    """Write the positions of aggregates that advanced.

    A new aggregate is inserted, not upserted: if a second owner of the partition was faster, the whole batch fails
    with a unique violation and is read again, instead of being applied twice.
    """
    known = [subject for subject in moved if subject in stored]
    fresh = [subject for subject in moved if subject not in stored]
    if known:
        await connection.execute(_MOVE, consumer, known, [moved[subject] for subject in known])
    if fresh:
        await connection.execute(
            _OPEN, consumer, fresh, [topics[subject] for subject in fresh], [moved[subject] for subject in fresh]
        )


async def fence(connection: asyncpg.Connection, consumer: str, topics: dict[str, str]) -> None:
    """Keep other owners away from aggregates that have no position to lock, each with its topic.

    Raises ``UniqueViolationError`` of ``stream_position`` if another owner stored a position meanwhile.
    """
    subjects = sorted(topics)
    await connection.execute(_FENCE, consumer, subjects, [topics[subject] for subject in subjects])


async def unfence(connection: asyncpg.Connection, consumer: str, subjects: Sequence[str]) -> None:
    """Take away the fences that became no position, before the transaction ends: 0 says nothing."""
    await connection.execute(_UNFENCE, consumer, list(subjects))


async def park(connection: asyncpg.Connection, consumer: str, parkings: Sequence[Parking]) -> None:
    """Store records that cannot be applied now; one that is parked already stays as it is."""
    items = [parking.item for parking in parkings]
    addresses = [item.address for item in items]
    await connection.execute(
        _PARK,
        consumer,
        [item.topic for item in items],
        [item.partition for item in items],
        [item.offset for item in items],
        [address.subject if address else None for address in addresses],
        [address.sequence if address else None for address in addresses],
        [address.type if address else None for address in addresses],
        [parking.kind for parking in parkings],
        [parking.reason for parking in parkings],
        [parking.attempts for parking in parkings],
        [dump_headers(item.raw_headers) for item in items],
        [item.key for item in items],
        [item.value for item in items],
    )


async def count(connection: asyncpg.Connection, consumer: str, counts: dict[str, int]) -> None:
    """Add to the consumer's counters; zero adds nothing."""
    moved = {name: value for name, value in counts.items() if value}
    if moved:
        await connection.execute(_COUNT, consumer, list(moved), list(moved.values()))


async def count_parked(connection: asyncpg.Connection | asyncpg.Pool, consumer: str) -> dict[str, int]:
    """Return how many events of this consumer are parked, by kind; kinds without any are left out."""
    rows = await connection.fetch("SELECT kind, count(*) FROM parked_event WHERE consumer = $1 GROUP BY kind", consumer)
    return {row[0]: row[1] for row in rows}


async def unpark(connection: asyncpg.Connection, consumer: str, ids: Sequence[int], action: str) -> None:
    """Remove parked records that were applied, leaving a trace in ``parked_history``."""
    await connection.execute(
        "WITH gone AS (DELETE FROM parked_event WHERE id = ANY ($2::bigint[]) RETURNING aggregate_id, sequence) "
        "INSERT INTO parked_history (consumer, aggregate_id, sequence, action) "
        "SELECT $1, aggregate_id, sequence, $3 FROM gone",
        consumer,
        ids,
        action,
    )
