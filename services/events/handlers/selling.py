"""Commands on who came and what they sold, and what is seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.events.commands import RecordPresence, ReportSales
from services.events.domain import selling as rules
from services.events.domain.exhibitions import wave_of
from services.events.domain.models import Application, Places, Turnover
from services.events.domain.selling import SalesState
from services.events.handlers import Saved, publish
from services.events.handlers.holding import lock_exhibition, save_places, share_exhibition, visible
from services.events.store import applications as store
from services.events.store import exhibitions
from shared.database import Connection, Pool
from shared.outbox import Cause
from shared.refusals import NotFoundError, check_version


@dataclass(frozen=True, slots=True)
class Report:
    """What one participant has reported: ``None`` for a day that is not."""

    application: Application
    state: SalesState
    days: Mapping[date, int | None]


async def record_presence(connection: Connection, command: RecordPresence, cause: Cause) -> list[Saved]:
    """Store who came, and return the applications that changed."""
    exhibition = await lock_exhibition(connection, command.exhibition_id)
    ids = [presence.application_id for presence in command.presences]
    found = await store.lock_applications(connection, exhibition.id, ids)
    reported = await store.with_sales(connection, ids)
    changes = rules.record_presence(exhibition, command.presences, found, reported, cause.now)
    await save_places(connection, Places((), tuple(changes)), cause)
    return [Saved(change.after.id, change.after.version) for change in changes]


async def report_sales(connection: Connection, command: ReportSales, cause: Cause, kelurahan: str | None) -> Saved:
    """Store what was sold on a day, or correct it. Raises ``SalesAmountError``, ``SalesDayError`` and the like."""
    seen = visible(await store.find_application(connection, command.application_id), command.application_id, kelurahan)
    exhibition = await share_exhibition(connection, seen.exhibition_id)
    found = await store.lock_applications(connection, exhibition.id, [seen.id])
    previous = await store.find_sales(connection, seen.id, command.day)
    change = rules.report_sales(exhibition, found[seen.id], command, previous, cause.now)
    if change.facts:
        await store.save_sales(connection, change.after, command.day, command.amount, cause.actor, cause.now)
        await publish(connection, [change], cause)
    return Saved(change.after.id, change.after.version)


async def publish_turnover(connection: Connection, exhibition_id: UUID, expected_version: int, cause: Cause) -> Saved:
    """Let anybody see the total, as it is now. Raises ``TooFewError``."""
    exhibition = await lock_exhibition(connection, exhibition_id)
    check_version(exhibition.version, expected_version)
    sums, published = await exhibitions.load_sums(connection, exhibition.id)
    participants = await exhibitions.count_participants(connection, exhibition.id)
    change = rules.publish_turnover(exhibition, participants, sums, published)
    turnover = Turnover(participants, len(sums), sum(sums.values()), cause.now)
    await exhibitions.save_turnover(connection, exhibition.id, sums, turnover)
    await publish(connection, [change], cause, exhibitions.saved_exhibition(change.after))
    return Saved(exhibition.id, change.after.version)


async def find_turnover(pool: Pool, exhibition_id: UUID) -> Turnover | None:
    """Return the total that anybody may see, if one was published. Raises ``NotFoundError`` for no exhibition."""
    if await exhibitions.find_exhibition(pool, exhibition_id) is None:
        raise NotFoundError("Pameran", exhibition_id)
    return await exhibitions.find_turnover(pool, exhibition_id)


async def list_reports(pool: Pool, exhibition_id: UUID, after: UUID, kelurahan: str | None, limit: int) -> list[Report]:
    """Return who took part with every day of their wave; a day without a report has no amount."""
    exhibition = await exhibitions.find_exhibition(pool, exhibition_id)
    if exhibition is None:
        raise NotFoundError("Pameran", exhibition_id)
    reports = []
    for application, sales in await store.list_sales(pool, exhibition_id, after, kelurahan, limit):
        days = exhibition.days(wave_of(exhibition, application.wave or 0))
        reports.append(Report(application, rules.sales_state(days, sales), {day: sales.get(day) for day in days}))
    return reports
