"""E-mail by SMTP. The recipient is named before the hand-over, so a refusal of the address costs no attempt."""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.policy import EmailPolicy
from typing import Any
from uuid import UUID

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from services.notifications.handlers.channels.port import ChannelAwayError, Delivery, HandOver, Parcel, Result


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how mail is handed in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    starttls: bool = False
    timeout_seconds: float = 30.0


class MailPolicy(EmailPolicy):
    """As the library writes a mail for SMTP, but for links in headers: it would encode a long one, and nobody could follow it.

    A line may have 998 characters (RFC 5322, 2.1.1), and a link has no place to be folded at.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header as it goes out."""
        if name in LINK_HEADERS:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


LINK_HEADERS = frozenset({"List-Unsubscribe"})
SMTP_POLICY = MailPolicy(linesep="\r\n")

_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")


def _reason(code: int, message: str) -> str:
    found = _ENHANCED.match(message)
    return f"smtp_{code}" + (f"_{found[1]}" if found else "")


def _refused(code: int, message: str) -> Delivery:
    """Return the outcome of a refusal of this message: 4xx may pass later, 5xx will not (RFC 5321, 4.2.1)."""
    return Delivery(Result.RETRY if 400 <= code < 500 else Result.FAILED, _reason(code, message))


class SmtpChannel:
    """E-mail by SMTP, over one connection that is used again."""

    def __init__(self, server: SmtpServer, sender_address: str) -> None:
        self._server = server
        self._sender_address = sender_address
        self._client: SMTP | None = None

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Deliver one mail to one address."""
        if parcel.mail is None:
            raise TypeError("a mail server is handed mails")
        client = await self._ready()
        try:
            await client.rcpt(parcel.address, timeout=self._server.timeout_seconds)
        except SMTPRecipientRefused as error:
            await self.close()
            return _refused(error.code, error.message)
        except (SMTPException, OSError, TimeoutError) as error:
            await self.close()
            raise _away(error) from error
        if not await hand_over():
            await self.close()
            return Delivery(Result.NOT_OURS)
        return await self._send(client, parcel.mail.as_bytes(policy=SMTP_POLICY))

    async def _send(self, client: SMTP, body: bytes) -> Delivery:
        """Send the body. Without an answer it is unknown whether the server has it."""
        try:
            await client.data(body)
        except SMTPDataError as error:
            await self.close()
            return _refused(error.code, error.message)
        except SMTPTimeoutError:
            await self.close()
            return Delivery(Result.UNKNOWN, "no_answer")
        except (SMTPException, OSError, TimeoutError):
            await self.close()
            return Delivery(Result.UNKNOWN, "connection_lost")
        return Delivery(Result.SENT)

    async def _ready(self) -> SMTP:
        """Return a connection with a mail begun. One that the server closed while it was idle is made anew, once."""
        if self._client is not None:
            try:
                await self._client.mail(self._sender_address)
                return self._client
            except (SMTPException, OSError, TimeoutError):
                await self.close()
        try:
            client = await self._connect()
            await client.mail(self._sender_address)
        except (SMTPException, OSError, TimeoutError) as error:
            await self.close()
            raise _away(error) from error
        return client

    async def _connect(self) -> SMTP:
        server = self._server
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            start_tls=server.starttls,
            tls_context=ssl.create_default_context() if server.starttls else None,
            timeout=server.timeout_seconds,
        )
        await self._client.connect()
        return self._client

    async def close(self) -> None:
        """Say good-bye if the server listens, and let the connection go."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=1)
            client.close()


def _away(error: BaseException) -> ChannelAwayError:
    if isinstance(error, SMTPResponseException):
        return ChannelAwayError(_reason(error.code, error.message))
    if isinstance(error, SMTPServerDisconnected):
        return ChannelAwayError("connection_lost")
    return ChannelAwayError(type(error).__name__)
