"""What must hold after every step, whatever happened: asked of the broker's log and of the database."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

Spot = tuple[UUID, int]
"""Aggregate and sequence."""

InLog = dict[UUID, list[tuple[int, UUID]]]
"""Sequence and event id of each record in the log, in order, by aggregate."""

# What the cursors call published, as outbox_pending() sees it.
_PASSED = """
SELECT o.event_id FROM relay_cursor c JOIN outbox o ON o.shard = c.shard
WHERE NOT (o.xid >= pg_snapshot_xmax(c.base) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(c.base))))
   OR (c.target IS NOT NULL AND pg_visible_in_snapshot(o.xid, c.target) AND o.id <= c.last_id)
"""


class ViolationError(AssertionError):
    """Something that must always hold does not."""


def must(holds: bool, told: str) -> None:
    """Raise ``ViolationError`` with ``told`` unless it holds."""
    if not holds:
        raise ViolationError(told)


def check_log(in_log: InLog, facts: dict[Spot, UUID]) -> None:
    """Of each aggregate the first appearances are in order and without a gap, and all of them were committed."""
    for thing, rows in in_log.items():
        first = list(dict.fromkeys(rows))
        must([n for n, _ in first] == list(range(1, len(first) + 1)), f"{thing}: the log holds {rows}")
        for number, event in first:
            must(facts.get((thing, number)) == event, f"{thing} {number}: published, and never committed")


async def check_cursors(connection: Any, before: set[UUID], in_log: set[UUID]) -> set[UUID]:
    """No cursor is past what is not in the log, and none goes back; return the events that they are past."""
    passed = {row[0] for row in await connection.fetch(_PASSED)}
    must(passed <= in_log, f"a cursor is past what is not in the log: {passed - in_log}")
    must(before <= passed, f"a cursor went back: {before - passed}")
    return passed


async def check_effects(connection: Any, facts: dict[Spot, UUID]) -> dict[UUID, int]:
    """Each effect is there once, in order, of a committed fact, and the position says so; return the positions."""
    done: dict[UUID, list[int]] = defaultdict(list)
    for thing, number, event in await connection.fetch(
        "SELECT aggregate_id, sequence, event_id FROM effect ORDER BY n"
    ):
        done[thing].append(number)
        must(facts.get((thing, number)) == event, f"{thing} {number}: an effect of what was never committed")
    for thing, numbers in done.items():
        must(numbers == list(range(1, len(numbers) + 1)), f"{thing}: effects came as {numbers}")
    totals = dict(await connection.fetch("SELECT aggregate_id, total FROM tally"))
    must(totals == {thing: len(numbers) for thing, numbers in done.items()}, f"applied twice: {totals}")
    positions = dict(await connection.fetch("SELECT aggregate_id, position FROM stream_position"))
    must(positions == totals, f"positions {positions}, effects {totals}")
    versions = dict(await connection.fetch("SELECT id, version FROM thing"))
    must(all(position <= versions[thing] for thing, position in positions.items()), "a position beyond the source")
    return positions


async def check_parked(connection: Any, positions: dict[UUID, int], poisoned: set[tuple[str, int]]) -> None:
    """What is parked is not applied, what is parked as poison was poison, and nothing waits that is next."""
    for thing, number, kind in await connection.fetch("SELECT aggregate_id, sequence, kind FROM parked_event"):
        position = positions.get(thing, 0)
        must(number > position, f"{thing} {number}: applied and still parked ({kind}), position {position}")
        if kind == "poison":
            must((str(thing), number) in poisoned, f"{thing} {number}: parked as poison without a cause")
        else:
            must(number > position + 1, f"{thing} {number}: waits ({kind}) and is next, position {position}")
