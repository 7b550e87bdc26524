"""Rows that stand for one stream as it is now: each is made of the facts of that stream alone.

Facts of different streams have no order between them. So no row depends on two streams: what belongs together is joined
when it is read, and the rows are the same whatever order the streams arrived in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec.structs import replace

from services.projections.domain.trusted import AnyEvent
from shared.envelope import Event


class Kept(Protocol):
    """What every such row ends with."""

    facts: int
    """Facts folded into this row; equal to ``version`` unless the row was lost or tampered with."""
    version: int
    """Sequence of the last fact folded."""
    changed_at: datetime | None


Row = TypeVar("Row")
Evolve = Callable[[Row | None, AnyEvent], Row]
Step = Callable[[Any, Any], dict[str, Any]]
"""Row before and fact to the columns that change."""


def stream_of(fact: Any) -> UUID:
    """Return the id of the stream that a fact belongs to, of a contract's model or of what is read in its place."""
    found: UUID = getattr(fact, fact.AGGREGATE)
    return found


def evolver(first: Callable[[UUID, str], Any], steps: Mapping[str, Step]) -> Evolve[Any]:
    """Return the rule that folds a fact into a row; ``first`` makes the row of a stream that is new, from id and topic.

    A fact without a step changes no column and still counts; one that the row already holds changes nothing at all.
    """

    def evolve(row: Any, event: AnyEvent) -> Any:
        meta, fact = event.meta, event.fact
        if row is None:
            row = first(stream_of(fact), fact.TOPIC)
        elif meta.sequence <= row.version:
            return row
        step = steps.get(fact.NAME)
        changes = step(row, fact) if step is not None else {}
        return replace(row, version=meta.sequence, facts=row.facts + 1, changed_at=meta.time, **changes)

    return evolve


def fold(rows: Mapping[str, Row], events: Iterable[Event], evolve: Evolve[Row]) -> dict[str, Row]:
    """Return the rows that ``events`` change, folded onto ``rows``; both by the id of the stream as text."""
    folded: dict[str, Row] = {}
    for event in events:
        key = event.meta.subject
        before = folded.get(key) or rows.get(key)
        after = evolve(before, event)
        if after is not before:
            folded[key] = after
    return folded
