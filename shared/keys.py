"""Fetching owners' keys from the registry at the moment of use, in batches, with a purpose that is logged there.

Keys are kept in memory for at most 60 s. *Erased* is an answer, *unknown* is another, and a registry that does not
answer is neither: it raises ``KeysAwayError``, and the caller tries again later.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import httpx2

from shared.trust import trust_for

CACHE_SECONDS = 60.0
CACHE_ENTRIES = 50_000
PAGE = 500
TIMEOUT_SECONDS = 5.0


class Gone(Enum):
    """Why there is no key."""

    ERASED = "erased"
    """The owner was erased: what was sealed under the key is unreadable for ever."""
    UNKNOWN = "unknown"
    """The registry never heard of this owner."""


class KeysAwayError(ConnectionError):
    """The registry did not answer, or refused us; nothing is known of the keys, try again later."""


Answer = bytes | Gone


def token_reader(path: Path) -> Callable[[], str]:
    """Return what reads the service's token at each use, so that a rotated one counts at once."""
    return lambda: path.read_text(encoding="ascii").strip()


class KeyClient:
    """Asks the registry for keys. One per process; ``close`` it at the end."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        purpose: str,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the registry's base URL, a function that returns a bearer token of role ``layanan``, and the purpose."""
        self._client = httpx2.AsyncClient(
            base_url=base_url, timeout=TIMEOUT_SECONDS, transport=transport, verify=trust_for(base_url)
        )
        self._token = token
        self._purpose = purpose
        self._cache: dict[UUID, tuple[float, bytes]] = {}

    async def fetch(self, owner_ids: Iterable[UUID]) -> dict[UUID, Answer]:
        """Return for each owner the key, or why there is none. Raises ``KeysAwayError``."""
        now = monotonic()
        found: dict[UUID, Answer] = {}
        missing: list[UUID] = []
        for owner_id in dict.fromkeys(owner_ids):
            cached = self._cache.get(owner_id)
            if cached is not None and now - cached[0] < CACHE_SECONDS:
                found[owner_id] = cached[1]
            else:
                missing.append(owner_id)
        for start in range(0, len(missing), PAGE):
            found |= await self._ask(missing[start : start + PAGE], now)
        return found

    async def _ask(self, owner_ids: Sequence[UUID], now: float) -> dict[UUID, Answer]:
        try:
            response = await self._client.post(
                "/keys/resolve",
                json={"purpose": self._purpose, "owner_ids": [str(owner_id) for owner_id in owner_ids]},
                headers={"Authorization": f"Bearer {self._token()}"},
            )
        except (httpx2.HTTPError, OSError) as error:
            raise KeysAwayError(f"registry does not answer: {type(error).__name__}") from error
        if response.status_code != HTTPStatus.OK:
            raise KeysAwayError(f"registry answered {response.status_code}")
        return self._remember(response.json()["keys"], now)

    def _remember(self, answers: dict[str, dict[str, Any]], now: float) -> dict[UUID, Answer]:
        found: dict[UUID, Answer] = {}
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.clear()
        for text, answer in answers.items():
            owner_id = UUID(text)
            if answer["status"] == "ok":
                key = b64decode(answer["key"])
                self._cache[owner_id] = (now, key)
                found[owner_id] = key
            else:
                self._cache.pop(owner_id, None)
                found[owner_id] = Gone(answer["status"])
        return found

    def forget(self, owner_id: UUID) -> None:
        """Drop a key from memory at once: its owner was erased."""
        self._cache.pop(owner_id, None)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
