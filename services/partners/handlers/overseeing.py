"""What agencies and operators look at: agencies with their agreements, endpoints with what is behind, and the lanes of Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.partners.commands import Terms
from services.partners.domain.agreements import LIVE, in_force, state_now
from services.partners.domain.lanes import Lane
from services.partners.domain.models import Agreement
from services.partners.domain.refusals import NoAgreementError, RefusalError
from services.partners.domain.showing import granted_streams
from services.partners.domain.standings import Standing, of_endpoint, of_topic
from services.partners.domain.webhooks import Webhook, WebhookState
from services.partners.handlers import owned_by
from services.partners.handlers.webhooks import Shown, show_webhook
from services.partners.store import agreements, erasures, events, positions, webhooks
from services.partners.store.agreements import Agency
from shared.contracts.partnership import AgreementState, DeliveryWay
from shared.database import Pool
from shared.identifiers import FIRST
from shared.refusals import NotFoundError

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """An agency in the list, with the state that its agreement has now."""

    agency: Agency
    state: AgreementState


@dataclass(frozen=True, slots=True)
class Dated:
    """An agreement, with the state that it has now."""

    agreement: Agreement
    state: AgreementState


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a stream of which something is granted has come, and since when the first event after that has been there."""

    stream: str
    position: int
    last: int
    waiting_since: datetime | None
    """``None``: nothing waits."""
    moved_at: datetime | None = None
    tries: int = 0
    """That failed since the last success."""
    failing_since: datetime | None = None
    due_at: datetime | None = None
    """When what failed is tried again."""
    standing: Standing = Standing.TERKINI
    lane: Lane | None = None
    """Of a topic: what was written of the stream; ``None``: nothing yet."""


@dataclass(frozen=True, slots=True)
class Overview:
    """An agency: its agreements, newest first; its endpoints; and how far its topic is, where its agreement names Kafka."""

    code: str
    agreements: list[Dated]
    webhooks: list[Webhook]
    kafka: list[Behind] | None
    feed: Standing
    closed: dict[DeliveryWay, RefusalError]
    """Why nothing may leave by a way now, whatever the way's own state."""
    erasures: int
    """So many notices of erasure are not acknowledged."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint with all that is told of it."""

    shown: Shown
    behind: list[Behind]
    secrets: list[datetime | None]
    """When each valid secret ends, the newest first; ``None``: it does not."""
    stopped: RefusalError | None
    """Why nothing may be posted to it now, whatever its own state; ``None``: its agreement allows it."""


async def list_agencies(pool: Pool, after: str, limit: int) -> list[Listed]:
    """Return agencies after a code."""
    now = await agreements.clock(pool)
    return [Listed(item, state_now(item.agreement, now)) for item in await agreements.list_agencies(pool, after, limit)]


async def show_agency(pool: Pool, code: str, *, known: bool) -> Overview:
    """Return an agency. Without any agreement: ``NotFoundError``, unless it is ``known`` to be one (it asks itself)."""
    now = await agreements.clock(pool)
    found = await agreements.list_agreements(pool, FIRST, code, MOST_SHOWN)
    if not found and not known:
        raise NotFoundError("Instansi", code)
    newest = sorted(found, key=lambda item: item.id, reverse=True)
    current = await agreements.agreement_of(pool, code)
    closed = {way: why for way in DeliveryWay if (why := _stopped(code, current, now, way)) is not None}
    kafka = None
    if current is not None and current.terms is not None and DeliveryWay.KAFKA in current.terms.ways:
        kafka = await _kafka(pool, code, current.terms, granted=DeliveryWay.KAFKA not in closed)
    return Overview(
        code,
        [Dated(item, state_now(item, now)) for item in newest],
        await webhooks.list_webhooks(pool, FIRST, code, MOST_SHOWN),
        kafka,
        Standing.DITUTUP if DeliveryWay.FEED in closed else Standing.TERBUKA,
        closed,
        await erasures.count_open(pool, code),
    )


async def show_agreement(pool: Pool, agreement_id: UUID, agency: str | None) -> Dated:
    """Return an agreement of an agency, or any for ``None``, else ``NotFoundError``."""
    found = owned_by(agency, await agreements.find_agreement(pool, agreement_id), "Perjanjian", agreement_id)
    return Dated(found, state_now(found, await agreements.clock(pool)))


async def told_agreement(pool: Pool, agency: str) -> Agreement:
    """Return the agreement of an agency that its document is made of. Raises ``NoAgreementError`` as ``check_told`` does."""
    found = await agreements.agreement_of(pool, agency)
    if found is None:
        raise NoAgreementError(agency, None)
    return check_told(Dated(found, state_now(found, await agreements.clock(pool))))


def check_told(dated: Dated) -> Agreement:
    """Return an agreement if its text is signed and its time is not over, also before it begins; else ``NoAgreementError``."""
    if dated.state not in LIVE:
        raise NoAgreementError(dated.agreement.agency, dated.state.value)
    return dated.agreement


async def show_endpoint(pool: Pool, webhook_id: UUID, agency: str | None) -> Endpoint:
    """Return an endpoint of an agency, or any for ``None``, else ``NotFoundError``."""
    shown = await show_webhook(pool, webhook_id, agency)
    webhook, now = shown.webhook, await agreements.clock(pool)
    agreement = await agreements.agreement_of(pool, webhook.agency)
    secrets = [item.expires_at for item in await webhooks.load_secrets(pool, [webhook.id], now)]
    terms = None if agreement is None else agreement.terms
    stopped = _stopped(webhook.agency, agreement, now, DeliveryWay.WEBHOOK)
    told = {lag.stream: lag for lag in shown.lags}
    behind = []
    for stream in granted_streams(terms, sorted(told)):
        lag = told[stream]
        since = await _since(pool, stream, lag.position, lag.last)
        due = lag.due_at if lag.tries and webhook.state is WebhookState.AKTIF else None
        waits = lag.position < lag.last
        standing = of_endpoint(webhook.state, granted=stopped is None, tries=lag.tries, behind=waits)
        behind.append(Behind(stream, lag.position, lag.last, since, None, lag.tries, lag.failing_since, due, standing))
    return Endpoint(shown, behind, secrets, stopped)


def _stopped(agency: str, agreement: Agreement | None, now: datetime, way: DeliveryWay) -> RefusalError | None:
    try:
        in_force(agency, agreement, now, way)
    except RefusalError as refusal:
        return refusal
    return None


async def _kafka(pool: Pool, code: str, terms: Terms, *, granted: bool) -> list[Behind]:
    told = {item.stream: item for item in await positions.written(pool, code)}
    lanes = {lane.stream: lane for lane in await positions.list_lanes(pool, FIRST, code, len(told))}
    found = []
    for stream in granted_streams(terms, sorted(told)):
        item = told[stream]
        since = await _since(pool, stream, item.position, item.last)
        lane = lanes.get(stream)
        state = None if lane is None else lane.state
        standing = of_topic(state, granted=granted, behind=item.position < item.last)
        found.append(Behind(stream, item.position, item.last, since, item.moved_at, standing=standing, lane=lane))
    return found


async def _since(pool: Pool, stream: str, position: int, last: int) -> datetime | None:
    return await events.first_after(pool, stream, position) if position < last else None
