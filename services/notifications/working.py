"""The wiring of the worker of the notifications, from settings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import time
from email.utils import parseaddr
from functools import partial
from time import monotonic
from uuid import uuid4

from pydantic import SecretStr

from services.notifications.consumers import notify_on_registry_facts
from services.notifications.domain.reminding import ReminderRule
from services.notifications.handlers.channels import (
    Channel,
    ConsoleChannel,
    SmsChannel,
    SmsGateway,
    SmtpChannel,
    SmtpServer,
    WhatsAppAccount,
    WhatsAppChannel,
)
from services.notifications.handlers.composing import Composer
from services.notifications.handlers.digesting import Digesting
from services.notifications.handlers.fanning import FanOut
from services.notifications.handlers.receiving import Keeping
from services.notifications.handlers.reminding import Reminding
from services.notifications.handlers.rendering import Renderer
from services.notifications.handlers.sending import Sender
from services.notifications.reference import load_kelurahan
from services.notifications.settings import NAME, NotificationsSettings
from services.notifications.wiring import pool_size, sending_rules, unsubscribe_links
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.keys import KeyClient, token_reader
from shared.process import Part, together
from shared.service import database_health, open_pool
from shared.web.health import run_health

PURPOSE = "notifikasi"
STUCK_SECONDS = 300.0
"""A sender that has settled nothing and not come round in this time hangs: its waits are bounded far below that."""


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _smtp(settings: NotificationsSettings) -> Channel:
    server = SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_username,
        _text(settings.smtp_password) or None,
        settings.smtp_starttls,
        settings.smtp_timeout_seconds,
    )
    return SmtpChannel(server, parseaddr(settings.mail_from)[1])


def _whatsapp(settings: NotificationsSettings) -> Channel:
    account = WhatsAppAccount(
        settings.whatsapp_url,
        settings.whatsapp_phone_number_id or "",
        _text(settings.whatsapp_token),
        settings.whatsapp_template,
        settings.whatsapp_announcement_template,
        settings.whatsapp_timeout_seconds,
    )
    return WhatsAppChannel(account)


def _sms(settings: NotificationsSettings) -> Channel:
    token = _text(settings.sms_token)
    return SmsChannel(SmsGateway(settings.sms_url or "", token, settings.sms_sender, settings.sms_timeout_seconds))


def make_channels(settings: NotificationsSettings) -> dict[str, Channel]:
    """Return the ways out of one sender, each with connections of its own."""
    made: dict[str, Callable[[], Channel]] = {
        "email": lambda: _smtp(settings),
        "whatsapp": lambda: _whatsapp(settings),
        "sms": lambda: _sms(settings),
        "console": lambda: ConsoleChannel(sys.stdout),
    }
    return {name: made[name]() for name in settings.channel_names}


class Worker:
    """The consumer, the fan-out, reminders, digests, the senders and the keeping of receipts of one worker process."""

    def __init__(self, settings: NotificationsSettings, pool: Pool) -> None:
        rules = sending_rules(settings)
        renderer, links = Renderer(load_kelurahan()), unsubscribe_links(settings)
        composer = Composer(renderer, settings.mail_from, settings.officer_address, links)
        self.keys = KeyClient(settings.registry_url, token_reader(settings.service_token_file), PURPOSE)
        self.consumer = notify_on_registry_facts(pool, settings.kafka(), settings.instance, rules.routes)
        self.fan_out = FanOut(pool, rules.routes)
        self.keeping = Keeping(pool)
        rule = ReminderRule(settings.reminder_days, time.fromisoformat(settings.reminder_time))
        self.reminding = Reminding(pool, rules.routes, rule)
        self.digesting = Digesting(pool, rules.routes, time.fromisoformat(settings.digest_time))
        life = uuid4().hex[:12]
        self.senders = [
            Sender(
                pool=pool,
                keys=self.keys,
                composer=composer,
                channels=make_channels(settings),
                rules=rules,
                instance=settings.instance,
                life=life,
                number=number,
            )
            for number in range(settings.senders)
        ]

    def parts(self) -> list[Part]:
        """Return what runs side by side."""
        return [
            self.consumer.run,
            self.fan_out.run,
            self.keeping.run,
            self.reminding.run,
            self.digesting.run,
            *(sender.run for sender in self.senders),
        ]

    def watch(self, health: Health) -> None:
        """Add the worker's checks and metrics: ready tells what is away, live only what a restart mends."""
        watch_consumer(health, self.consumer)
        for sender in self.senders:
            sender.metrics = health.metrics
        health.add("senders", self._senders_cause)
        health.add("reminders", self.reminding.pulse.check, live=True)
        health.add("digests", self.digesting.pulse.check, live=True)
        health.add("sender_loops", self._senders_stuck, live=True)
        health.add("keeping", self.keeping.pulse.check, live=True)

    async def _senders_cause(self) -> str | None:
        away = {what: why for sender in self.senders for what, why in sender.problems.items()}
        return "; ".join(f"{what} away ({why})" for what, why in sorted(away.items())) or None

    async def _senders_stuck(self) -> str | None:
        oldest = max(monotonic() - sender.progress_at for sender in self.senders)
        return None if oldest <= STUCK_SECONDS else f"a sender has been silent for {oldest:.0f} s"


async def run_worker(settings: NotificationsSettings, stop: asyncio.Event) -> None:
    """Consume and send until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, pool_size(settings)) as pool:
        worker = Worker(settings, pool)
        health = database_health(NAME, settings, pool)
        worker.watch(health)
        await together(stop, *worker.parts(), partial(run_health, health, settings))
        await worker.keys.close()
