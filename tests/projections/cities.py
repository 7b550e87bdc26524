"""A city whose businesses live for two years, and what must be counted of it, worked out fact by fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.dashboard import DashboardRow, evolve
from services.projections.domain.standing import GONE
from shared.contracts.fact import Fact
from shared.contracts.registry import (
    BusinessChanged,
    BusinessClosed,
    BusinessReactivated,
    BusinessRegistered,
    BusinessStatus,
    BusinessWorkersRecorded,
    Workers,
)
from shared.envelope import Event
from shared.wita import WITA
from tests.projections.stories import KELURAHAN, interleaved, random_story, registered, sealed, story

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


def counted_city(businesses: int, seed: int = 1) -> list[Event]:
    """Return the facts of businesses whose workers are counted often, some of whom move, close and come back."""
    dice = Random(seed)
    lives = [over_time(_counted_life(dice), seed * 1000 + n) for n in range(businesses)]
    return list(interleaved(lives, seed))


def _counted_life(dice: Random) -> list[Event]:
    business_id = UUID(int=dice.getrandbits(128), version=4)
    only, reason = {"business_id": business_id}, sealed(business_id, "reason")
    first = registered(business_id, kelurahan=dice.choice(KELURAHAN), workers=dice.choice([None, _count(dice)]))
    profile = first.model_dump(exclude={"status", "kelas", "workers"})
    facts: list[Fact] = [first]
    for _ in range(dice.randrange(9)):
        day = BEGIN.date() + timedelta(days=dice.randrange(-60, 900))
        other = profile | {"kelurahan": dice.choice(KELURAHAN)}
        facts.append(
            dice.choice(
                [
                    *[BusinessWorkersRecorded(**only, workers=_count(dice), as_of=day)] * 5,
                    BusinessChanged(**other, changed=("kelurahan",)),
                    BusinessClosed(**only, personal=reason, closed_on=day),
                    BusinessReactivated(**only, status=BusinessStatus.TERVERIFIKASI),
                ]
            )
        )
    return story(*facts)


def _count(dice: Random) -> Workers:
    """Return a count of which parts may not be known."""
    return Workers(**{name: dice.choice([None, *range(5)]) for name in Workers.model_fields})


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
    return Standing(row.kelurahan, row.kecamatan, str(row.kelas), _newest(life, on))


def _newest(life: Sequence[Event], on: date) -> Workers | None:
    """Return the newest count that speaks of a day or an earlier one; of two of one day, the one told last."""
    spoken = [(counted_on, number) for counted_on, number in _counts(life) if counted_on <= on]
    return max(reversed(spoken), key=lambda count: count[0], default=(on, None))[1]


GROWTH = ("bertambah", "berkurang", "bertambah_sejak_didata", "berkurang_sejak_didata")


def growth(life: Sequence[Event], start: date, end: date, column: str) -> dict[str, int]:
    """Return what a business gained or lost between two days, by the word for it; empty if neither is known."""
    before, after = standing(life, start), standing(life, end)
    last = None if after is None else after.number(column)
    first = None if before is None else before.number(column)
    word = "" if first is not None else "_sejak_didata"
    if first is None:
        first = _first_number(life, start, end, column)
    if last is None or first is None or first == last:
        return {}
    return {f"{'bertambah' if last > first else 'berkurang'}{word}": abs(last - first)}


def _first_number(life: Sequence[Event], start: date, end: date, column: str) -> int | None:
    """Return what is known by now of the first day; else what was told of the first day after it."""
    early = Standing("", "", "", _newest(life, start)).number(column)
    if early is not None:
        return early
    known = [(on, Standing("", "", "", workers).number(column)) for on, workers in _counts(life) if on <= end]
    later = [(on, number) for on, number in known if on > start and number is not None]
    first = min((on for on, _ in later), default=None)
    return [number for on, number in later if on == first][-1] if later else None


def _counts(life: Sequence[Event]) -> Iterator[tuple[date, Workers]]:
    for each in life:
        fact: Any = each.fact
        told = isinstance(fact, BusinessRegistered | BusinessWorkersRecorded) and fact.workers is not None
        if told:
            yield min(fact.as_of, day_of(each)), fact.workers
