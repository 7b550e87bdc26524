"""A city whose businesses live for two years, and what must be counted of it, worked out fact by fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from services.projections.domain.dashboard import DashboardRow, evolve
from services.projections.domain.standing import GONE
from shared.contracts.registry import BusinessRegistered, BusinessWorkersRecorded, Workers
from shared.envelope import Event
from shared.wita import WITA
from tests.projections.stories import interleaved, random_story

YEARS = (2024, 2025, 2026)
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)


def over_time(life: Sequence[Event], seed: int) -> list[Event]:
    """Return the life with its facts spread over two and a half years."""
    dice = Random(seed)
    moments = sorted(BEGIN + timedelta(minutes=dice.randrange(1_300_000)) for _ in life)
    return [each._replace(meta=each.meta._replace(time=at)) for each, at in zip(life, moments, strict=True)]


def city(businesses: int, seed: int = 1) -> list[Event]:
    """Return the facts of some businesses, those of each in order."""
    lengths = Random(seed)
    lives = [over_time(random_story(seed * 1000 + n, lengths.randrange(1, 12)), n) for n in range(businesses)]
    return list(interleaved(lives, seed))


def lives_of(events: Iterable[Event]) -> list[list[Event]]:
    """Return the facts by business."""
    found: dict[str, list[Event]] = {}
    for each in events:
        found.setdefault(each.meta.subject, []).append(each)
    return list(found.values())


def day_of(event: Event) -> date:
    return event.meta.time.astimezone(WITA).date()


class Standing(NamedTuple):
    """A business on a day, as somebody who reads its facts one by one would put it."""

    kelurahan: str
    kecamatan: str
    kelas: str
    workers: Workers | None

    def number(self, column: str) -> int | None:
        """Return workers of a column of the table ``jobs``."""
        if self.workers is None:
            return None
        if column != "workers":
            number: int | None = getattr(self.workers, column)
            return number
        known = [number for number in self.workers.model_dump().values() if number is not None]
        return sum(known) if known else None


def standing(life: Sequence[Event], on: date) -> Standing | None:
    """Return where a business stands at the end of a day; ``None`` if it is not counted then."""
    row: DashboardRow | None = None
    for each in life:
        if day_of(each) <= on:
            row = evolve(row, each)
    if row is None or row.status in GONE:
        return None
    workers = None
    for counted_on, number in _counts(life):
        if counted_on <= on:
            workers = number
    return Standing(row.kelurahan, row.kecamatan, str(row.kelas), workers)


def _counts(life: Sequence[Event]) -> Iterator[tuple[date, Workers]]:
    for each in life:
        fact: Any = each.fact
        told = isinstance(fact, BusinessRegistered | BusinessWorkersRecorded) and fact.workers is not None
        if told:
            yield min(fact.as_of, day_of(each)), fact.workers
