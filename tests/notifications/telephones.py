"""WhatsApp and an SMS gateway as real servers, wired to the senders of a workshop and to an API that takes receipts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ops.providers.sms import Gateway
from ops.providers.whatsapp import Account, GraphApi
from services.notifications.app import create_app
from services.notifications.domain.timing import Rate
from services.notifications.handlers.channels import SmsChannel, SmsGateway, WhatsAppAccount, WhatsAppChannel
from services.notifications.settings import NotificationsSettings
from shared.database import Pool
from tests.kernel.web_client import served
from tests.notifications.serving import environment
from tests.notifications.workshop import Clock, Workshop

ACCOUNT = Account(token="token-untuk-tes", app_secret="rahasia-untuk-tes", verify_token="verifikasi-untuk-tes")
SMS_TOKEN, SMS_SECRET = "token-sms-untuk-tes", "rahasia-sms-untuk-tes"
ANSWER_SECONDS = 4.0
"""Long enough for a busy machine: an answer that comes later makes a message unknown."""
ORDER = ("whatsapp", "sms", "email")


def telephone_environment(graph: GraphApi, gateway: Gateway) -> dict[str, str]:
    """Return the variables of a process that sends by both."""
    return {
        "CHANNELS": "email,whatsapp,sms",
        "WHATSAPP_URL": graph.base_url,
        "WHATSAPP_PHONE_NUMBER_ID": ACCOUNT.phone_number_id,
        "WHATSAPP_TOKEN": ACCOUNT.token,
        "WHATSAPP_APP_SECRET": ACCOUNT.app_secret,
        "WHATSAPP_VERIFY_TOKEN": ACCOUNT.verify_token,
        "SMS_URL": gateway.messages_url,
        "SMS_TOKEN": SMS_TOKEN,
        "SMS_RECEIPT_SECRET": SMS_SECRET,
    }


@dataclass
class Telephones:
    """Both providers, and the address of our API."""

    graph: GraphApi
    gateway: Gateway
    api: str
    workshop: Workshop

    async def send_on(self) -> None:
        """Let a sender work at the database's time, by which receipts queue a message again."""
        clock = self.workshop.rules.clock
        assert isinstance(clock, Clock)
        clock.now = await self.workshop.pool.fetchval("SELECT clock_timestamp()")
        await self.workshop.send()

    async def attempts(self) -> list[tuple[str, str, str | None]]:
        """Return channel, state and reason of every attempt, in order."""
        rows: Sequence[Any] = await self.workshop.pool.fetch(
            "SELECT channel, state, reason FROM message_attempt ORDER BY handed_over_at, id"
        )
        return [(row["channel"], row["state"], row["reason"]) for row in rows]

    async def message(self) -> tuple[str, str, str | None]:
        """Return channel, state and reason of the only message."""
        [row] = await self.workshop.messages()
        return row["channel"], row["state"], row["reason"]


def settings_of(graph: GraphApi, gateway: Gateway, folder: Path) -> NotificationsSettings:
    """Return the settings of an API that takes the receipts of both."""
    values = environment(folder) | telephone_environment(graph, gateway)
    return NotificationsSettings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]


@asynccontextmanager
async def open_telephones(workshop: Workshop, folder: Path) -> AsyncIterator[Telephones]:
    """Serve both, and our API, until the block ends."""
    (folder / "jwks.json").write_text(json.dumps({"keys": []}))
    graph, gateway = GraphApi(ACCOUNT), Gateway(SMS_TOKEN, SMS_SECRET)
    async with graph.serve(), gateway.serve():
        account = WhatsAppAccount(
            graph.base_url,
            ACCOUNT.phone_number_id,
            ACCOUNT.token,
            "naikkelas_pesan",
            "naikkelas_pengumuman",
            ANSWER_SECONDS,
        )
        sms = SmsGateway(gateway.messages_url, SMS_TOKEN, "DKUMKMP", ANSWER_SECONDS)
        workshop.further = {"whatsapp": lambda: WhatsAppChannel(account), "sms": lambda: SmsChannel(sms)}
        rates = {name: Rate(60_000) for name in ORDER}
        workshop.rules = replace(workshop.rules, rates=rates, fallback=ORDER)
        app = create_app(settings_of(graph, gateway, folder), workshop.pool)
        async with served(app) as running:
            url = f"http://127.0.0.1:{running.port}"
            graph.callback, gateway.callback = f"{url}/receipts/whatsapp", f"{url}/receipts/sms"
            yield Telephones(graph, gateway, url, workshop)


async def dump(pool: Pool) -> str:
    """Return all that the service's tables hold, as text."""
    names = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    parts = []
    for row in names:
        name = row["tablename"]
        if await pool.fetchval("SELECT has_table_privilege($1, 'SELECT')", name):
            parts += [str(found[0]) for found in await pool.fetch(f'SELECT to_json(t)::text FROM "{name}" t')]
    return "\n".join(parts)
