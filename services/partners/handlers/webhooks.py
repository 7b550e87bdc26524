"""Commands on endpoints, and reading them. Whoever asks for another agency's endpoint is told that there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.partners.commands import (
    CreateWebhook,
    OnWebhook,
    PauseWebhook,
    RemoveWebhook,
    ResumeWebhook,
    RotateSecret,
    SendTest,
    Terms,
)
from services.partners.domain import webhooks as rules
from services.partners.domain.agreements import in_force
from services.partners.domain.destinations import Networks, read_url
from services.partners.domain.refusals import WebhookHistoryGoneError
from services.partners.domain.replays import StopReason
from services.partners.domain.showing import granted_streams
from services.partners.domain.webhooks import Webhook, WebhookState
from services.partners.handlers import Saved, owned_by
from services.partners.handlers.sealing import SecretBox
from services.partners.store import agreements, replays
from services.partners.store import webhooks as store
from services.partners.store.deliveries import RING
from services.partners.store.webhooks import Lag, Try
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool

MOMENT = timedelta(minutes=1)
"""So long a form that is sent again shows the same secret: of a double click the browser shows the second answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint, how far it is in each stream, and its last tries, newest first."""

    webhook: Webhook
    lags: Sequence[Lag]
    tries: Sequence[Try]


async def create(
    connection: Connection, command: CreateWebhook, box: SecretBox, networks: Networks, now: datetime
) -> tuple[Saved, bytes]:
    """Make an endpoint and return its secret too, which is readable nowhere afterwards.

    Raises ``NoAgreementError``, ``WayRefusedError``, ``UrlRefusedError``, ``TooManyWebhooksError``.
    """
    read_url(command.url, networks)
    await agreements.hold_agency(connection, command.agency)
    agreement = await agreements.agreement_of(connection, command.agency)
    in_force(command.agency, agreement, now, DeliveryWay.WEBHOOK)
    rules.check_count(await store.count_webhooks(connection, command.agency))
    webhook = Webhook(command.webhook_id, 1, command.agency, command.url, WebhookState.AKTIF, None, None, now)
    await store.insert_webhook(connection, webhook, from_first=command.from_first)
    secret, wrapped = box.new(webhook.id)
    await store.insert_secret(connection, wrapped, now)
    return Saved(webhook.id, webhook.version), secret


async def pause(connection: Connection, command: PauseWebhook) -> Saved:
    """Post nothing until it is resumed."""
    return await _do(connection, command, lambda webhook: rules.pause(webhook, command.expected_version))


async def resume(connection: Connection, command: ResumeWebhook) -> Saved:
    """Go on where it stopped, at once. Raises ``WebhookHistoryGoneError`` if something is lost by that, unless told to."""
    after = rules.resume(await _lock(connection, command), command.expected_version)
    await store.update_webhook(connection, after)
    holes, terms = await store.streams_with_a_hole(connection, after.id), await _terms(connection, after.agency)
    if terms is not None:  # of other streams it would not have been posted anything
        holes = tuple(granted_streams(terms, holes))
    if holes and not command.skip_lost:
        raise WebhookHistoryGoneError(holes)
    await store.skip_holes(connection, command.webhook_id)
    await store.try_at_once(connection, command.webhook_id)
    return Saved(after.id, after.version)


async def remove(connection: Connection, command: RemoveWebhook) -> Saved:
    """Post nothing for good, and forget the secrets."""
    saved = await _do(connection, command, lambda webhook: rules.remove(webhook, command.expected_version))
    await store.delete_secrets(connection, command.webhook_id)
    await replays.end_replays_of(connection, command.webhook_id, StopReason.WEBHOOK_DIHAPUS)
    return saved


async def rotate(connection: Connection, command: RotateSecret, box: SecretBox, now: datetime) -> tuple[Saved, bytes]:
    """Sign with another secret too, and return it; the older ones end after the overlap."""
    webhook = await _lock(connection, command)
    valid = await store.load_secrets(connection, [webhook.id], now)
    after = rules.rotate(webhook, command.expected_version, len(valid))
    await store.end_secrets(connection, webhook.id, now + command.overlap, now)
    secret, wrapped = box.new(webhook.id)
    await store.insert_secret(connection, wrapped, now)
    await store.update_webhook(connection, after)
    return Saved(after.id, after.version), secret


async def ask_for_test(connection: Connection, command: SendTest) -> Saved:
    """Let a test be posted; what came of it stands among the tries."""
    return await _do(
        connection, command, lambda webhook: rules.ask_for_test(webhook, command.expected_version, command.test_id)
    )


async def fresh_secret(pool: Pool, webhook_id: UUID, version: int, box: SecretBox, now: datetime) -> bytes | None:
    """Return the secret that was made a moment ago, for who sent the same form twice; nobody has changed the endpoint since.

    ``None``: that moment is over. The caller must know that this visitor was given it already.
    """
    wrapped = await store.fresh_secret(pool, webhook_id, version, now - MOMENT)
    return None if wrapped is None else box.open(wrapped)


async def list_webhooks(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Webhook]:
    """Return endpoints after an id, of one agency or of all."""
    return await store.list_webhooks(pool, after, agency, limit)


async def find_webhook(pool: Pool, webhook_id: UUID, agency: str | None) -> Webhook:
    """Return an endpoint by itself, else ``NotFoundError``."""
    return of_agency(await store.find_webhook(pool, webhook_id), webhook_id, agency)


async def show_webhook(pool: Pool, webhook_id: UUID, agency: str | None) -> Shown:
    """Return an endpoint, else ``NotFoundError``. An agency sees how far it is in the streams of which it is granted something."""
    found = await find_webhook(pool, webhook_id, agency)
    lags = await store.lags(pool, webhook_id)
    if agency is not None:
        granted = granted_streams(await _terms(pool, agency), [lag.stream for lag in lags])
        lags = [lag for lag in lags if lag.stream in granted]
    return Shown(found, lags, await store.load_tries(pool, webhook_id, RING))


async def _terms(source: Connection | Pool, agency: str) -> Terms | None:
    """Return the text of an agency's agreement, whether it counts now or not."""
    agreement = await agreements.agreement_of(source, agency)
    return None if agreement is None else agreement.terms


async def _do(connection: Connection, command: OnWebhook, rule: Callable[[Webhook], Webhook]) -> Saved:
    after = rule(await _lock(connection, command))
    await store.update_webhook(connection, after)
    return Saved(after.id, after.version)


async def _lock(connection: Connection, command: OnWebhook) -> Webhook:
    found = await store.lock_webhook(connection, command.webhook_id)
    return of_agency(found, command.webhook_id, command.agency)


def of_agency(found: Webhook | None, webhook_id: UUID, agency: str | None) -> Webhook:
    """Return an endpoint if an agency may see it; ``None``: the operator, who may see all. Raises ``NotFoundError``."""
    return owned_by(agency, found, "Webhook", webhook_id)
