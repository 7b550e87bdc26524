"""Consumer and senders put together for a test, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifications.domain.routes import Routes
from services.notifications.domain.timing import QuietHours, Rate
from services.notifications.domain.unsubscribing import UnsubscribeLinks
from services.notifications.handlers.channels import Channel, SmtpChannel, SmtpServer
from services.notifications.handlers.composing import Composer
from services.notifications.handlers.pacing import SendingRules
from services.notifications.handlers.recording import record_facts
from services.notifications.handlers.rendering import Renderer
from services.notifications.handlers.sending import Sender
from services.notifications.reference import load_kelurahan
from shared.database import Pool
from shared.envelope import Event
from tests.notifications.mailbox import Mailbox
from tests.notifications.story import Registry

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
"""12:00 WITA."""
MAIL_FROM = "DKUMKMP Balikpapan <naikkelas@umkm.example>"
PUBLIC_URL = "https://umkm.example/notifications"
UNSUBSCRIBE_KEY = "kunci-untuk-tes-saja"
LINKS = UnsubscribeLinks(PUBLIC_URL, [UNSUBSCRIBE_KEY.encode()])
OFFICE = "dinas@umkm.example"
ANSWER_SECONDS = 60.0
"""For so long a sender waits for the mail server: as long as any pause of a busy machine."""
SILENCE_SECONDS = 2.0
"""And for so long where the server is silent on purpose. Connecting has to succeed within it."""


class Clock:
    """A clock that moves only when told. Begins at the real time if that is later than nothing was queued."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        """Move on."""
        self.now += timedelta(**parts)


class Workshop:
    """Makes senders by name and applies facts."""

    def __init__(self, pool: Pool, registry: Registry, mailbox: Mailbox, rules: SendingRules) -> None:
        self.pool = pool
        self.registry = registry
        self.mailbox = mailbox
        self.rules = rules
        self.never = asyncio.Event()
        self.answer_seconds = ANSWER_SECONDS
        self.further: dict[str, Callable[[], Channel]] = {}
        """Channels beside e-mail, by what makes them; give each a rate, too."""
        self._senders: list[Sender] = []
        self._composer = Composer(Renderer(load_kelurahan()), MAIL_FROM, OFFICE, LINKS)

    def change(self, *, quiet: QuietHours | None = None, per_minute: int | None = None) -> None:
        """Change the rules of senders that are made from now on."""
        rates = self.rules.rates if per_minute is None else {"email": Rate(per_minute)}
        self.rules = replace(self.rules, quiet=quiet, rates=rates)

    def change_channels(self, rates: dict[str, Rate], fallback: tuple[str, ...]) -> None:
        """Change which channels are run, and which stands in for which."""
        self.rules = replace(self.rules, rates=rates, fallback=fallback)

    def sender(self, instance: str = "worker-1", life: str = "a", number: int = 0) -> Sender:
        """Return a sender with an SMTP connection of its own."""
        channel = SmtpChannel(
            SmtpServer("127.0.0.1", self.mailbox.port, timeout_seconds=self.answer_seconds), "naikkelas@umkm.example"
        )
        made = Sender(
            pool=self.pool,
            keys=self.registry.client(),
            composer=self._composer,
            channels={"email": channel, **{name: make() for name, make in self.further.items()}},
            rules=self.rules,
            instance=instance,
            life=life,
            number=number,
        )
        self._senders.append(made)
        return made

    async def apply(self, *events: Event, routes: Routes | None = None) -> None:
        """Apply a batch as the consumer does."""
        async with self.pool.acquire() as connection, connection.transaction():
            await record_facts(connection, events, routes or self.rules.routes, self.rules.clock)
        await self.due_now()

    async def due_now(self) -> None:
        """Let what was not tried yet be due by the tests' clock: rows are due at the database's time, which is another one."""
        await self.pool.execute(
            "UPDATE message SET next_attempt_at = $1 WHERE attempts = 0 AND state IN ('queued', 'waiting')",
            self.rules.clock(),
        )

    async def send(self, sender: Sender | None = None) -> int:
        """Let a sender work until nothing is due; return how many messages it took."""
        sender = sender or self.sender()
        total = 0
        while taken := await sender.round(self.never):
            total += taken
        return total

    async def messages(self) -> Sequence[Any]:
        """Return all messages, in order of their making."""
        rows: Sequence[Any] = await self.pool.fetch("SELECT * FROM message ORDER BY created_at, template, id")
        return rows

    async def states(self) -> list[tuple[str, str, str | None]]:
        """Return template, state and reason of all messages."""
        return [(row["template"], row["state"], row["reason"]) for row in await self.messages()]

    async def close(self) -> None:
        """Close what the senders hold."""
        for sender in self._senders:
            for channel in sender._channels.values():
                await channel.close()
