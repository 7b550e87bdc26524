"""Replays as an agency asks for them and follows them, and what its endpoint can tell of the order of what came."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from aiohttp import web

from services.partners.domain.replays import MARK
from tests.partners.receiving import Endpoint, Posted

EARLIEST = {"since": datetime(2026, 1, 1, tzinfo=UTC).isoformat()}
FOLLOWED_SECONDS = 60.0


async def ask(endpoint: Endpoint, **body: Any) -> Any:
    """Ask for a replay and return the answer."""
    return await endpoint.bureau.agency(endpoint.agency).post(f"/webhooks/{endpoint.id}/replays", body)


async def replay(endpoint: Endpoint, **body: Any) -> str:
    """Ask for a replay, of everything unless told otherwise, and return its id."""
    answer = await ask(endpoint, **(body if "after" in body else EARLIEST | body))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def shown(endpoint: Endpoint, replay_id: str) -> Any:
    """Return a replay as its agency is shown it."""
    answer = await endpoint.bureau.agency(endpoint.agency).get(f"/webhooks/{endpoint.id}/replays/{replay_id}")
    return answer.raise_for_status().json()


async def followed(endpoint: Endpoint, replay_id: str, state: str = "selesai") -> Any:
    """Return a replay as soon as it has come to an end; check that it is this one."""
    async with asyncio.timeout(FOLLOWED_SECONDS):
        while (found := await shown(endpoint, replay_id))["state"] == "berjalan":
            await asyncio.sleep(0.05)
    assert found["state"] == state, found
    return found


async def cancel(endpoint: Endpoint, replay_id: str, version: int = 1) -> Any:
    """Cancel a replay and return the answer."""
    client = endpoint.bureau.agency(endpoint.agency).client
    path = f"/webhooks/{endpoint.id}/replays/{replay_id}"
    return await client.delete(path, headers={"If-Match": f'"{version}"'})


def mark_of(item: Posted) -> str | None:
    """Return the id of the replay by which it came; ``None``: it is live."""
    return _mark_of(item.body)


@lru_cache(maxsize=10_000)
def _mark_of(body: bytes) -> str | None:
    found: str | None = orjson.loads(body).get(MARK)
    return found


def live(posted: Sequence[Posted]) -> list[Posted]:
    """Return what came for the first time."""
    return [item for item in posted if mark_of(item) is None]


def again(posted: Sequence[Posted], replay_id: str) -> list[Posted]:
    """Return what a replay posted."""
    return [item for item in posted if mark_of(item) == replay_id]


class Watchful:
    """Answers after a moment, and notes whether something that is posted again was on its way beside what is live of its subject."""

    def __init__(self, seconds: float = 0.02) -> None:
        self._seconds = timedelta(seconds=seconds)
        self._flying: Counter[tuple[str, bool]] = Counter()
        self.beside = 0
        self.most = 0

    async def __call__(self, item: Posted) -> web.Response:
        """Answer 200."""
        subject, is_live = str(item.event().get_subject()), mark_of(item) is None
        self._flying[subject, is_live] += 1
        self.most = max(self.most, *self._flying.values())
        self.beside += self._flying[subject, not is_live] > 0
        begun = datetime.now(UTC)
        while datetime.now(UTC) - begun < self._seconds:
            await asyncio.sleep(0.005)
        self._flying[subject, is_live] -= 1
        return web.Response()
