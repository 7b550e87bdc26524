"""WhatsApp by Meta's Cloud API: templates approved beforehand, since it is we who begin the conversation.

Source: Meta, WhatsApp Business Platform, *Cloud API*: messages, template messages, error codes. What a code means for us
goes by the code; Meta says that titles and texts may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notifications.domain.brief import whatsapp_text
from services.notifications.handlers.channels.http import Answer, Door, NoAnswerError, refusal_without_words
from services.notifications.handlers.channels.port import ChannelAwayError, Delivery, HandOver, Parcel, Result

NAME = "whatsapp"
RATE_CODES = frozenset({4, 80007, 130429, 131048, 133016})
"""Too much from us: the app, the account, the number, too many marked as spam, too many registrations."""
ACCOUNT_CODES = frozenset({0, 3, 10, 190, 368, 131005, 131031, 131042, 133010, *range(200, 300)})
"""Our token, rights, payment, number: nothing goes until somebody mends it, and nothing is lost meanwhile."""
AWAY_CODES = frozenset({2, 131016, 131057, 133004})
"""The service, or our account, is down for a while."""
NO_SUCH_NUMBER = (100, 33)
"""Code and subcode: our own number is not there, or not for our token. A bare 100 is a parameter of this message."""
PAIR_CODE = 131056
"""Too much from us to this one recipient: one message in six seconds."""
PAIR_PAUSE = timedelta(seconds=6)
AGAIN_CODES = frozenset({1, 131000, PAIR_CODE})
"""It was not taken, and a later try may be."""


@dataclass(frozen=True, slots=True)
class WhatsAppAccount:
    """Where and as whom we send, and the names of our templates."""

    url: str
    """Of the Graph API, with its version: ``https://graph.facebook.com/v23.0``."""
    phone_number_id: str
    token: str = field(repr=False)
    template: str
    """Body parameters: subject, text."""
    announcement_template: str
    """Body parameters: subject, text, the link that stops the topic."""
    timeout_seconds: float = 15.0


class WhatsAppChannel:
    """Sends template messages."""

    def __init__(self, account: WhatsAppAccount) -> None:
        self._account = account
        url = f"{account.url.rstrip('/')}/{account.phone_number_id}/messages"
        self._door = Door(url, account.token, account.timeout_seconds)

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Hand one message over to Meta. ``attempt`` goes along and comes back with each receipt."""
        if not await hand_over():
            return Delivery(Result.NOT_OURS)
        try:
            answer = await self._door.post(request_of(self._account, parcel, attempt))
            return delivery_of(answer)
        except NoAnswerError as error:
            return Delivery(Result.UNKNOWN, str(error))

    async def close(self) -> None:
        """Let the connection go."""
        await self._door.close()


def request_of(account: WhatsAppAccount, parcel: Parcel, attempt: UUID) -> dict[str, Any]:
    """Return the request for a template message."""
    texts = [parcel.subject, whatsapp_text(parcel.text), *([parcel.link] if parcel.link else [])]
    name = account.announcement_template if parcel.link else account.template
    parameters = [{"type": "text", "text": text} for text in texts]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": parcel.address.removeprefix("+"),
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": parcel.language},
            "components": [{"type": "body", "parameters": parameters}],
        },
        "biz_opaque_callback_data": str(attempt),
    }


def delivery_of(answer: Answer) -> Delivery:
    """Return what an answer means. Raises ``ChannelAwayError``, ``NoAnswerError``."""
    if answer.status < 300:
        return _accepted(answer.content)
    code, subcode = _codes(answer.content)
    if code is None:
        raise refusal_without_words(NAME, answer)
    reason = f"{NAME}_{code}"
    if code in RATE_CODES | ACCOUNT_CODES | AWAY_CODES or (code, subcode) == NO_SUCH_NUMBER:
        raise ChannelAwayError(reason, answer.retry_after)
    if code in AGAIN_CODES:
        pause = PAIR_PAUSE if code == PAIR_CODE else None
        return Delivery(Result.RETRY, reason, retry_after=answer.retry_after or pause)
    if answer.status in (401, 403, 429):
        raise ChannelAwayError(reason, answer.retry_after)
    return Delivery(Result.RETRY if answer.status >= 500 else Result.FAILED, reason, retry_after=answer.retry_after)


def _codes(content: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return code and subcode of an error in Meta's words; nothing, if these are not its words."""
    error = content.get("error")
    found = [error.get(name) for name in ("code", "error_subcode")] if isinstance(error, Mapping) else [None, None]
    code, subcode = (number if isinstance(number, int) else None for number in found)
    return code, subcode


def _accepted(content: Mapping[str, Any]) -> Delivery:
    """Return that Meta has it, under its id. A success without an id is no word of Meta's: nobody knows."""
    messages = content.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    provider_id = first.get("id") if isinstance(first, Mapping) else None
    if not isinstance(provider_id, str) or not provider_id:
        raise NoAnswerError("no_id")
    return Delivery(Result.SENT, provider_id=provider_id)
