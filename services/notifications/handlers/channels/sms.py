"""SMS by a gateway that speaks JSON over HTTP; what it is asked and answers is written in docs/operations.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.notifications.domain.brief import sms_text
from services.notifications.handlers.channels.http import Answer, Door, NoAnswerError, refusal_without_words
from services.notifications.handlers.channels.port import ChannelAwayError, Delivery, HandOver, Parcel, Result

NAME = "sms"
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """Where and as whom we send."""

    url: str
    token: str = field(repr=False)
    sender: str
    """What the telephone shows."""
    timeout_seconds: float = 15.0


class SmsChannel:
    """Sends texts of at most three joined SMS."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway
        self._door = Door(gateway.url, gateway.token, gateway.timeout_seconds)

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Hand one message over to the gateway. ``attempt`` goes along and comes back with each report."""
        if not await hand_over():
            return Delivery(Result.NOT_OURS)
        body = {
            "to": parcel.address,
            "from": self._gateway.sender,
            "text": sms_text(parcel.subject, parcel.text, parcel.link),
            "reference": str(attempt),
        }
        try:
            return delivery_of(await self._door.post(body))
        except NoAnswerError as error:
            return Delivery(Result.UNKNOWN, str(error))

    async def close(self) -> None:
        """Let the connection go."""
        await self._door.close()


def delivery_of(answer: Answer) -> Delivery:
    """Return what an answer means. Raises ``ChannelAwayError``, ``NoAnswerError``."""
    if answer.status < 300:
        provider_id = answer.content.get("id")
        if not isinstance(provider_id, str) or not provider_id:
            raise NoAnswerError("no_id")
        return Delivery(Result.SENT, provider_id=provider_id)
    code = _code(answer.content)
    if code is None:
        raise refusal_without_words(NAME, answer)
    if answer.status in (401, 402, 403, 404, 429, 503):
        raise ChannelAwayError(f"{NAME}_{code}", answer.retry_after)
    result = Result.RETRY if answer.status >= 500 else Result.FAILED
    return Delivery(result, f"{NAME}_{code}", retry_after=answer.retry_after)


def _code(content: Mapping[str, Any]) -> str | None:
    error = content.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) and CODE.fullmatch(code) else None
