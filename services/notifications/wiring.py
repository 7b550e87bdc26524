"""What API and worker alike make of the settings."""

from __future__ import annotations

from pydantic import SecretStr

from services.notifications.domain.callbacks import ReceiptSecrets
from services.notifications.domain.timing import Rate, parse_quiet_hours
from services.notifications.domain.unsubscribing import UnsubscribeLinks
from services.notifications.handlers.pacing import SendingRules
from services.notifications.settings import NotificationsSettings


def pool_size(settings: NotificationsSettings) -> int:
    """Return how many connections a process may hold: each sender uses two."""
    return 10 + 2 * settings.senders


def lines_of(secret: SecretStr | None) -> list[bytes]:
    """Return the lines of a secret that is set, one key each."""
    return [] if secret is None else [line.encode() for line in secret.get_secret_value().split()]


def receipt_secrets(settings: NotificationsSettings) -> ReceiptSecrets:
    """Return what receipts are known by. A channel that is not run any more may still tell of what it took."""
    return ReceiptSecrets(
        whatsapp_number=settings.whatsapp_phone_number_id,
        whatsapp_signing=lines_of(settings.whatsapp_app_secret),
        whatsapp_verify=next(iter(lines_of(settings.whatsapp_verify_token)), None),
        sms=lines_of(settings.sms_receipt_secret),
    )


def unsubscribe_links(settings: NotificationsSettings) -> UnsubscribeLinks:
    """Return what makes and reads the links that stop a topic."""
    return UnsubscribeLinks(settings.public_url, lines_of(settings.unsubscribe_key))


def sending_rules(settings: NotificationsSettings) -> SendingRules:
    """Return what all senders share."""
    rates = {
        "email": Rate(settings.rate_email_per_minute),
        "whatsapp": Rate(settings.rate_whatsapp_per_minute),
        "sms": Rate(settings.rate_sms_per_minute),
        "console": Rate(settings.rate_console_per_minute),
    }
    return SendingRules(
        rates={name: rates[name] for name in settings.channel_names},
        quiet=parse_quiet_hours(settings.quiet_hours),
        fallback=settings.fallback_order,
    )
