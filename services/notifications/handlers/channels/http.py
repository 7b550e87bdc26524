"""Asking a provider over HTTP, so that what is known and what is not are told apart.

Once the request is on its way, only an answer of the provider tells what became of it. No connection: nothing left. An
answer: what it says. Anything else, a time-out, a connection that was cut, the page of a proxy: *unknown*.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson

from services.notifications.handlers.channels.port import ChannelAwayError
from shared.retry_after import pause_of
from shared.trust import trust_for

CONNECT_SECONDS = 10.0
NOTHING_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class NoAnswerError(Exception):
    """The request may have arrived or not; the text is a code."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    content: Mapping[str, Any]
    """The JSON object of the answer; empty if there was none: then it is not the provider who speaks."""
    retry_after: timedelta | None = None


class Door:
    """One provider, asked one thing at a time over connections that are used again."""

    def __init__(self, url: str, token: str, timeout_seconds: float) -> None:
        self._url = url
        self._token = token
        self._seconds = timeout_seconds
        self._client: httpx2.AsyncClient | None = None

    async def post(self, body: Mapping[str, Any]) -> Answer:
        """Post JSON and return the answer, whatever its status. Raises ``ChannelAwayError``, ``NoAnswerError``."""
        if self._client is None:
            timeout = httpx2.Timeout(self._seconds, connect=min(self._seconds, CONNECT_SECONDS))
            headers = {"Authorization": f"Bearer {self._token}"}
            self._client = httpx2.AsyncClient(timeout=timeout, headers=headers, verify=trust_for(self._url))
        try:
            # Bounded as a whole too: an answer that drips would outlive the claim on the message.
            async with asyncio.timeout(self._seconds + CONNECT_SECONDS):
                response = await self._client.post(self._url, json=dict(body))
        except NOTHING_LEFT as error:
            raise ChannelAwayError(type(error).__name__) from None
        except (httpx2.TimeoutException, TimeoutError):
            raise NoAnswerError("no_answer") from None
        except (httpx2.TransportError, OSError):
            raise NoAnswerError("connection_lost") from None
        pause = pause_of(response.headers.get("retry-after"), datetime.now(UTC))
        return Answer(response.status_code, _object(response.content), pause)

    async def close(self) -> None:
        """Let the connections go."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def refusal_without_words(channel: str, answer: Answer) -> ChannelAwayError:
    """Return what an error means that a proxy, or a door before the provider's, answered. Raises ``NoAnswerError``.

    503 says that the request was not worked on, and below 500 nobody took it; another 5xx may come after the provider had it.
    """
    if answer.status >= 500 and answer.status != 503:
        raise NoAnswerError(f"http_{answer.status}")
    return ChannelAwayError(f"{channel}_http_{answer.status}", answer.retry_after)
