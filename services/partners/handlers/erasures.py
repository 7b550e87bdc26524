"""Notices of erasure: found from the disclosure log, read and acknowledged by agencies, told by officers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.partners.domain import erasures as rules
from services.partners.domain.erasures import Notice, Outcome, Subject, Wanted
from services.partners.handlers import owned_by
from services.partners.handlers.reporting import report_owner
from services.partners.store import erasures as store
from services.partners.store.erasures import Erasure, Unanswered
from shared.database import Connection, Pool
from shared.identifiers import new_id

MOST_AGENCIES = 200
NOTICE = "Pemberitahuan penghapusan"


@dataclass(frozen=True, slots=True)
class AnswerNotice:
    """Acknowledge a notice. ``agency`` is whose notice it must be; ``None``: an officer answers by the agency's letter."""

    notice_id: UUID
    agency: str | None
    outcome: Outcome
    reference: str | None


async def find_receivers(pool: Pool, now: datetime) -> int:
    """Make the notices of one owner who was erased, if the log is to be looked at for one now; return how many were looked at."""
    async with pool.acquire() as connection, connection.transaction():
        erasure = await store.hold_erasure(connection, now)
        if erasure is None:
            return 0
        for agency, subjects in sorted((await receivers_of(pool, erasure)).items()):
            await store.save_notice(connection, rules.new_notice(new_id(), agency, erasure.owner_id, subjects, now))
        await store.looked_at(connection, erasure.owner_id, rules.next_look(erasure.recorded_at, now))
    return 1


async def receivers_of(pool: Pool, erasure: Erasure) -> dict[str, set[Subject]]:
    """Return each agency that was given anything of an owner before they were erased, with what of."""
    found: dict[str, set[Subject]] = {}
    for receipt in await report_owner(pool, erasure.owner_id):
        if receipt.given_at <= erasure.recorded_at + rules.ON_ITS_WAY:
            event = receipt.disclosed.event
            found.setdefault(receipt.agency, set()).add(Subject(event.stream, event.subject))
    return found


async def list_notices(pool: Pool, after: UUID, wanted: Wanted, limit: int) -> list[Notice]:
    """Return notices after an id."""
    return await store.list_notices(pool, after, wanted, limit)


async def show_notice(pool: Pool, notice_id: UUID, agency: str | None) -> Notice:
    """Return a notice of an agency, or any for ``None``, else ``NotFoundError``."""
    return owned_by(agency, await store.find_notice(pool, notice_id), NOTICE, notice_id)


async def count_by_agency(pool: Pool, now: datetime) -> list[Unanswered]:
    """Return which agencies have something to acknowledge, those that are late first."""
    return await store.count_by_agency(pool, now, MOST_AGENCIES)


async def note_read(pool: Pool, agency: str, notices: Sequence[Notice], now: datetime) -> list[Notice]:
    """Note that an agency was shown its notices, so that it has been told; return them as they are now."""
    after = [rules.read(notice, now) for notice in notices]
    if unread := [item.id for item, before in zip(after, notices, strict=True) if item is not before]:
        await store.read_by_agency(pool, agency, unread, now)
    return after


async def _lock(connection: Connection, notice_id: UUID, agency: str | None) -> Notice:
    return owned_by(agency, await store.lock_notice(connection, notice_id), NOTICE, notice_id)


async def answer(connection: Connection, command: AnswerNotice, actor: str, now: datetime) -> Notice:
    """Acknowledge a notice. Raises ``NotFoundError`` also for another agency's, and as the rule."""
    notice = await _lock(connection, command.notice_id, command.agency)
    officer = command.agency is None
    after = rules.answer(notice, command.outcome, command.reference, actor, now, officer=officer)
    if after is not notice:
        await store.acknowledge(connection, after)
    return after


async def tell_by_letter(connection: Connection, notice_id: UUID, letter: str, actor: str, now: datetime) -> Notice:
    """Note that an officer told an agency. Raises ``NotFoundError`` and as the rule."""
    after = rules.tell_by_letter(await _lock(connection, notice_id, None), letter, actor, now)
    await store.tell_by_letter(connection, after, now)
    return after


async def count_open(pool: Pool, agency: str) -> int:
    """Return how many notices an agency has not acknowledged."""
    return await store.count_open(pool, agency)
