"""Rules of endpoints: their states, their secrets, and when a delivery that failed is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.partners.domain.refusals import (
    TooManySecretsError,
    TooManyWebhooksError,
    WebhookStateError,
)
from shared.refusals import check_version

MOST_OF_AN_AGENCY = 10
MOST_SECRETS = 4
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
PATIENCE = timedelta(days=3)
"""After so long without a success an endpoint is disabled."""
NEVER_AGAIN = 410


class WebhookState(StrEnum):
    """States of an endpoint, as the office names them."""

    AKTIF = "aktif"
    DIJEDA = "dijeda"
    DIMATIKAN = "dimatikan"
    DIHAPUS = "dihapus"
    """Kept, because the log of its tries is; nothing can be done with it any more."""


class DisabledReason(StrEnum):
    """Why an endpoint was disabled. Nothing of its events is lost by that, but what the retention takes."""

    GAGAL_TIGA_HARI = "gagal_tiga_hari"
    DIJAWAB_410 = "dijawab_410"
    RIWAYAT_DIHAPUS = "riwayat_dihapus"
    """It stood still for so long that events after its position are not kept any more."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint of an agency."""

    id: UUID
    version: int
    agency: str
    url: str
    state: WebhookState
    reason: DisabledReason | None
    test_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of failures at an endpoint, in one stream."""

    tries: int = 0
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure judged: how it stands now, and when it is tried again; ``None``: the endpoint is disabled."""

    standing: Standing
    due_at: datetime | None


def check_count(count: int) -> None:
    """Refuse an endpoint more than an agency may have."""
    if count >= MOST_OF_AN_AGENCY:
        raise TooManyWebhooksError(MOST_OF_AN_AGENCY)


def pause(webhook: Webhook, expected: int) -> Webhook:
    """Post nothing until it is resumed."""
    check_version(webhook.version, expected)
    if webhook.state is not WebhookState.AKTIF:
        raise WebhookStateError("dijeda", webhook.state)
    return replace(webhook, version=webhook.version + 1, state=WebhookState.DIJEDA, test_id=None)


def resume(webhook: Webhook, expected: int) -> Webhook:
    """Go on where it stopped, after a pause or when it was disabled."""
    check_version(webhook.version, expected)
    if webhook.state not in {WebhookState.DIJEDA, WebhookState.DIMATIKAN}:
        raise WebhookStateError("dilanjutkan", webhook.state)
    return replace(webhook, version=webhook.version + 1, state=WebhookState.AKTIF, reason=None)


def rotate(webhook: Webhook, expected: int, valid: int) -> Webhook:
    """Take another secret; ``valid`` are signing now."""
    check_version(webhook.version, expected)
    _unless_removed(webhook, "diganti kuncinya")
    if valid >= MOST_SECRETS:
        raise TooManySecretsError(MOST_SECRETS)
    return replace(webhook, version=webhook.version + 1)


def remove(webhook: Webhook, expected: int) -> Webhook:
    """Post nothing for good."""
    check_version(webhook.version, expected)
    _unless_removed(webhook, "dihapus")
    return replace(webhook, version=webhook.version + 1, state=WebhookState.DIHAPUS, reason=None, test_id=None)


def ask_for_test(webhook: Webhook, expected: int, test_id: UUID) -> Webhook:
    """Let a test be posted."""
    check_version(webhook.version, expected)
    if webhook.state is not WebhookState.AKTIF:
        raise WebhookStateError("diuji", webhook.state)
    return replace(webhook, version=webhook.version + 1, test_id=test_id)


def after_failure(standing: Standing, now: datetime, asked: timedelta | None, chance: float) -> Failed:
    """Judge a failure: the wait doubles up to an hour, by half of it at random (``chance``, 0 to 1), so that not all come at once.

    ``asked`` is what the endpoint asked for, bounded already; it is waited for at least as long. When nothing succeeded for three days it ends.
    """
    since = standing.failing_since or now
    after = Standing(standing.tries + 1, since)
    if now - since >= PATIENCE:
        return Failed(after, None)
    full = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(standing.tries, 20))
    wait = full / 2 + full / 2 * chance
    if asked is not None:
        wait = max(wait, asked)
    return Failed(after, now + wait)


def _unless_removed(webhook: Webhook, deed: str) -> None:
    if webhook.state is WebhookState.DIHAPUS:
        raise WebhookStateError(deed, webhook.state)
