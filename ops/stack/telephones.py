"""WhatsApp and an SMS gateway of the local stack: what they and the notifications are told of each other.

They are served by the process of the mailbox, keep each message as a file and tell that it was delivered; WhatsApp tells of one
number in a hundred that it cannot be reached, so that SMS stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ops.providers.provider import Provider
from ops.providers.sms import Gateway
from ops.providers.whatsapp import Account, GraphApi
from ops.stack.processes import HOST

NAME = "telephones"
PORT = 11_026
NOT_ON_WHATSAPP = "77"
"""How the numbers end that WhatsApp does not reach."""
_SECRETS = ("WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "SMS_TOKEN", "SMS_RECEIPT_SECRET")


def secrets_of(secret: Callable[[str], str]) -> dict[str, str]:
    """Return the secrets that both sides know, as variables; ``secret`` gives one by its name in the stack."""
    return {name: secret(f"notifications.{name.lower()}") for name in _SECRETS}


def notifications_settings(secret: Callable[[str], str], port: int) -> dict[str, str]:
    """Return the variables by which notifications send to the telephones on this port."""
    account = Account("", "", "")
    return secrets_of(secret) | {
        "CHANNELS": "email,whatsapp,sms",
        "WHATSAPP_URL": f"http://{HOST}:{port}/{account.version}",
        "WHATSAPP_PHONE_NUMBER_ID": account.phone_number_id,
        "SMS_URL": f"http://{HOST}:{port}/messages",
        "RATE_WHATSAPP_PER_MINUTE": "6000",
        "RATE_SMS_PER_MINUTE": "6000",
    }


def make_providers(variables: Mapping[str, str], folder: Path, callback: str) -> list[Provider]:
    """Return both, keeping messages in ``folder`` and telling receipts to the API at ``callback``."""
    token, app_secret, verify_token, sms_token, sms_secret = (variables[name] for name in _SECRETS)
    account = Account(token, app_secret, verify_token)
    graph = GraphApi(account, f"{callback}/receipts/whatsapp", folder)
    gateway = Gateway(sms_token, sms_secret, f"{callback}/receipts/sms", folder)
    graph.manner.unreachable_end = NOT_ON_WHATSAPP
    for provider in (graph, gateway):
        provider.manner.tells = ("sent", "delivered")
    return [graph, gateway]
