"""Answer questions about the ledgers: the funnel of a year, workers on a day, and what changed between two."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime

from services.projections.domain.addresses import Address
from services.projections.domain.employing import ChangeBucket, JobsBucket, JobsBy, changed, employed, on_days
from services.projections.domain.jobs import Kind
from services.projections.domain.moving import PlaceFunnel, funnel
from services.projections.reference import Places
from services.projections.store import ledgers
from shared.database import Pool
from shared.wita import WITA


class Reports:
    """The ledgers, summed up. Days and years are those of WITA."""

    def __init__(self, pool: Pool, places: Places, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._places = places
        self._now = now

    def today(self) -> date:
        """Return the day it is."""
        return self._now().astimezone(WITA).date()

    async def funnel(self, year: int) -> list[PlaceFunnel]:
        """Return the whole city, every kecamatan, and the unknown ones. Raises ``CountMismatchError``."""
        start, moves, end = await ledgers.funnel(self._pool, year)
        return funnel(start, moves, end, self._places)

    async def jobs(self, on: date, by: JobsBy) -> list[JobsBucket]:
        """Return the whole city, then each bucket. Raises ``CountMismatchError``."""
        return employed(await ledgers.jobs(self._pool, on, by.value), by, self._places)

    async def jobs_by_month(self, year: int, where: Address) -> list[JobsBucket]:
        """Return workers at the end of each month of a year up to today, of the place and class of an address."""
        last = min(date(year, 12, 31), self.today())
        ends = [min(date(year, month, monthrange(year, month)[1]), last) for month in range(1, 13)]
        days = [day for month, day in enumerate(ends, 1) if date(year, month, 1) <= last]
        kelas = where.values.get("kelas")
        return on_days(await ledgers.jobs_by_day(self._pool, days, where.kelurahan, where.kecamatan, kelas))

    async def job_changes(self, start: date, end: date, by: JobsBy, kind: Kind) -> list[ChangeBucket]:
        """Return the whole city, then each bucket. Raises ``CountMismatchError``."""
        rows = await ledgers.job_changes(self._pool, start, end, by.value, kind.column)
        return changed(rows, by, self._places)
