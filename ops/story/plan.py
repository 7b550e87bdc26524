"""How much happens in the story: whole numbers that every chapter plans with and checks against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from shared.wita import WITA

WHOLE_CITY = 5_000
"""From so many businesses on the whole story is played; a smaller city plays a small one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of the story. Seats, places and people are counts; ``window`` is in seconds."""

    members: int = 660
    """Businesses that take part in anything."""
    partner_batches: int = 8
    partner_quota: int = 45
    partner_waiting: int = 5
    office_quota: int = 50
    office_waiting: int = 20
    withdrawals: int = 8
    """Seats that are given up in the office's batch before it begins."""
    declined: int = 2
    """Offers that are turned down, so that they go on to the next."""
    booths: int = 20
    bazaar_waves: int = 5
    wave_places: int = 50
    """Places of all booths together, in each wave."""
    applicants: int = 300
    bazaar_withdrawals: int = 10
    no_shows: int = 5
    never_reported: int = 25
    half_reported: int = 20
    """Businesses that report one of the two days of their wave."""
    fair_applicants: int = 60
    fair_places: int = 20
    rises: int = 300
    """Businesses that move up a class."""
    jobs: int = 200
    """Businesses whose workers are counted twice."""
    licensed: int = 60
    brands: int = 20
    mentored: int = 45
    export: int = 30
    """Businesses whose readiness for export is gone through; every second is ready."""
    outlet_members: int = 10
    stalls: int = 4
    turns: int = 6
    """Weeks of the outlet's rota; in each as many members as there are stalls."""
    window: int = 30
    """How long the office's own deadlines are open."""
    gap: int = 15
    """Between the deadline and the first session or wave, for what happens there."""

    @property
    def placed(self) -> int:
        """Places of the bazaar in all waves together."""
        return self.bazaar_waves * self.wave_places

    @classmethod
    def small(cls) -> Self:
        """Return a story that is told in a minute."""
        return cls(
            members=90,
            partner_batches=2,
            partner_quota=12,
            partner_waiting=3,
            office_quota=8,
            office_waiting=5,
            withdrawals=3,
            declined=1,
            booths=4,
            bazaar_waves=2,
            wave_places=10,
            applicants=28,
            bazaar_withdrawals=2,
            no_shows=1,
            never_reported=3,
            half_reported=2,
            fair_applicants=12,
            fair_places=6,
            rises=20,
            jobs=15,
            licensed=6,
            brands=3,
            mentored=7,
            export=6,
            outlet_members=5,
            stalls=2,
            turns=4,
            window=20,
            gap=8,
        )

    @classmethod
    def for_city(cls, businesses: int) -> Self:
        """Return the plan that a city of this size can play."""
        return cls() if businesses >= WHOLE_CITY else cls.small()


def story_year(now: datetime) -> int:
    """Return the year that is told: this one (WITA), in January the one before, of which there is more to tell."""
    today = now.astimezone(WITA).date()
    return today.year if today.month > 1 else today.year - 1


def past_days(now: datetime, count: int) -> list[date]:
    """Return ``count`` days of the year that is told, evenly spread, all over by a week; the first is in January."""
    first = date(story_year(now), 1, 8)
    last = min(now.astimezone(WITA).date() - timedelta(days=7), date(first.year, 12, 10))
    step = max(0, (last - first).days) // max(1, count)
    return [first + timedelta(days=step * number) for number in range(count)]
