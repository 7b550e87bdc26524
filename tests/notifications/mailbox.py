"""A real SMTP server (aiosmtpd) on a port of its own that keeps what it gets, and has moods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mood(Enum):
    """How the server answers."""

    ACCEPT = "250 OK"
    LATER = "451 4.3.0 <siti@umkm.example> try again later"
    NEVER = "550 5.7.1 <siti@umkm.example> refused"
    NO_SUCH_USER = "550 5.1.1 <siti@umkm.example> no such user"
    GREYLISTED = "450 4.2.0 <siti@umkm.example> greylisted"
    SILENT = "takes the body and never answers"
    HANG_UP = "takes the body and closes the connection"


class Mailbox:
    """The handler of the server."""

    def __init__(self) -> None:
        self.mood = Mood.ACCEPT
        self.bodies: list[bytes] = []
        """Every body that was handed over, whatever the answer."""
        self.accepted: list[tuple[str, EmailMessage]] = []
        self.connections = 0
        self.released = asyncio.Event()
        self.arrived = asyncio.Condition()
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or not."""
        if self.mood in (Mood.NO_SUCH_USER, Mood.GREYLISTED):
            return self.mood.value
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the body and answer by mood."""
        body = bytes(envelope.content or b"")
        async with self.arrived:
            self.bodies.append(body)
            self.arrived.notify_all()
        if self.mood is Mood.SILENT:
            await self.released.wait()
        if self.mood is Mood.HANG_UP:
            server.transport.abort()
            return "250 OK"
        if self.mood is Mood.ACCEPT:
            parsed: Any = message_from_bytes(body, policy=default)
            self.accepted.append((envelope.rcpt_tos[0], parsed))
        return self.mood.value if self.mood in (Mood.LATER, Mood.NEVER) else "250 OK"

    async def wait_for(self, count: int, seconds: float = 20) -> None:
        """Wait until ``count`` bodies were handed over."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.bodies) >= count)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails that were accepted."""
        return [mail for _, mail in self.accepted]


class _Counting(SMTP):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox, hostname="mail.umkm.example", enable_SMTPUTF8=False, ident="test")
        self._mailbox = mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mailbox.connections += 1
        super().connection_made(transport)


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    mailbox = Mailbox()
    factory: Callable[[], asyncio.Protocol] = lambda: _Counting(mailbox)  # noqa: E731
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        mailbox.released.set()
        server.close()
