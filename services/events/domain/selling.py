"""Rules of who came and what they sold: a day without a report is *belum lapor*, never 0; totals tell of nobody alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.events.commands import Presence, ReportSales
from services.events.domain.clock import day_in
from services.events.domain.exhibitions import check_held, of_exhibition, wave_of
from services.events.domain.models import PLACED, Application, Changed, Exhibition, S
from services.events.domain.refusals import (
    SalesAmountError,
    SalesDayError,
    SalesElsewhereError,
    SalesKnownError,
    StrangersError,
    TooFewError,
    TransitionRefusedError,
    WaveNotBegunError,
)
from shared.contracts.exhibitions import (
    LEAST_BUSINESSES,
    ApplicationNoShow,
    ApplicationTookPart,
    SalesCorrected,
    SalesReported,
    TurnoverPublished,
)
from shared.refusals import check_version


class SalesState(StrEnum):
    """How far a business has reported."""

    BELUM_LAPOR = "belum_lapor"
    SEBAGIAN = "sebagian"
    LAPOR = "lapor"


def sales_state(days: Collection[date], reported: Collection[date]) -> SalesState:
    """Return how far the days of a wave are reported."""
    if not reported:
        return SalesState.BELUM_LAPOR
    return SalesState.LAPOR if set(days) <= set(reported) else SalesState.SEBAGIAN


def record_presence(
    exhibition: Exhibition,
    presences: Sequence[Presence],
    found: Mapping[UUID, Application],
    reported: Collection[UUID],
    now: datetime,
) -> list[Changed[Application]]:
    """Return the applications of whom it is now known, or corrected, whether they came.

    ``reported`` are those with sales. Raises ``StrangersError``, ``WaveNotBegunError``, ``SalesKnownError``.
    """
    check_held(exhibition)
    ids = [presence.application_id for presence in presences]
    strangers = [item for item in ids if item not in found or found[item].state not in PLACED]
    if strangers:
        raise StrangersError(strangers, PLACED)
    doubtful = [item.application_id for item in presences if not item.present and item.application_id in reported]
    if doubtful:
        raise SalesKnownError(doubtful)
    changes = []
    for presence in presences:
        before = found[presence.application_id]
        wave = wave_of(exhibition, before.wave or 0)
        if now < wave.starts_at:
            raise WaveNotBegunError(exhibition.zone, wave.number, wave.starts_at)
        state = S.IKUT if presence.present else S.TIDAK_HADIR
        if before.state is not state:
            after = replace(before, version=before.version + 1, state=state, confirm_by=None)
            fact = ApplicationTookPart if presence.present else ApplicationNoShow
            changes.append(Changed(after, (fact(**before.fact_fields()),)))
    return changes


def report_sales(
    exhibition: Exhibition, application: Application, command: ReportSales, previous: int | None, now: datetime
) -> Changed[Application]:
    """Return the application with a day's report; ``previous``: what was reported of that day before.

    Raises ``SalesAmountError``, ``SalesDayError``, ``SalesElsewhereError``, ``TransitionRefusedError``.
    """
    check_version(application.version, command.expected_version)
    if command.amount < 0:
        raise SalesAmountError(command.amount)
    today = day_in(exhibition.zone, now)
    if command.day > today:
        raise SalesDayError(command.day, today)
    if application.state is not S.IKUT:
        raise TransitionRefusedError("dilaporkan penjualannya", application.state, [S.IKUT])
    wave = wave_of(exhibition, application.wave or 0)
    days = exhibition.days(wave)
    if command.day not in days:
        raise SalesElsewhereError(command.day, wave.number, days[0], days[-1])
    if previous == command.amount:
        return Changed(application)
    after = replace(application, version=application.version + 1)
    said = {**application.fact_fields(), "day": command.day, "amount": command.amount}
    fact = SalesReported(**said) if previous is None else SalesCorrected(**said, previous=previous)
    return Changed(after, (fact,))


def publish_turnover(
    exhibition: Exhibition, participants: int, sums: Mapping[UUID, int], published: Mapping[UUID, int]
) -> Changed[Exhibition]:
    """Publish what all who reported sold together: ``sums`` by application, and as they were in the last total.

    A total of fewer than five tells of one who knows the others, and so do two totals that differ by fewer than five.
    """
    changed = sum(1 for application_id, amount in sums.items() if published.get(application_id) != amount)
    if len(sums) < LEAST_BUSINESSES or changed < LEAST_BUSINESSES:
        raise TooFewError(len(sums), changed, LEAST_BUSINESSES)
    fact = TurnoverPublished(
        exhibition_id=exhibition.id, participants=participants, reported=len(sums), total=sum(sums.values())
    )
    return of_exhibition(exhibition, fact)
