"""Officers at work while the platform is scaled, restarted and killed: each request is sent a second time at most."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx2

OFFICERS = 6
READ = (
    "/projections/dashboard",
    "/training/courses",
    "/events/exhibitions",
    "/notifications/messages",
    "/partners/agreements",
)
"""A question to each of the other services."""
PLACE = "64.71.01.1001"
TRIES = 2
TRY_SECONDS = 15.0
RETRY_AFTER_SECONDS = 1.0
PAUSE_SECONDS = 1.5
"""After each eight requests of an officer, so that two cores have something left for 50 processes."""


@dataclass(slots=True)
class Counts:
    """What became of the requests of one stage."""

    asked: int = 0
    again: int = 0
    """Answered at the second try."""
    failed: list[str] = field(default_factory=list)
    """Not answered at the second try either, or answered 5xx."""
    first: dict[str, int] = field(default_factory=dict)
    """Why first tries failed: reason → how often."""
    slowest: float = 0.0
    """Seconds of the slowest request, its second try included."""

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count}×" for reason, count in sorted(self.first.items()))
        return (
            f"{self.asked:,} requests, {self.again} answered at the second try{f' ({reasons})' if reasons else ''}, "
            f"{len(self.failed)} failed, slowest {self.slowest:.1f} s"
        )


class Load:
    """Registers owners and businesses, reads them back, and asks every service something, through the proxy."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stop = Event()
        self.counts = Counts()

    @contextmanager
    def running(self) -> Iterator[Counts]:
        """Work in a thread for the time of the block; ends with the request in hand. Gives the counts of this block."""
        self.counts = Counts()
        self._stop.clear()
        faults: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(self._work())
            except BaseException as error:  # noqa: BLE001 - told to the thread that waits for this one
                faults.append(error)

        thread = Thread(target=work, name="load")
        thread.start()
        try:
            yield self.counts
        finally:
            self._stop.set()
            thread.join()
        if faults:
            raise faults[0]

    async def _work(self) -> None:
        async with httpx2.AsyncClient(base_url=self._url, headers=self._headers, timeout=TRY_SECONDS) as client:
            await asyncio.gather(*(self._officer(client) for _ in range(OFFICERS)))

    async def _officer(self, client: httpx2.AsyncClient) -> None:
        while not self._stop.is_set():
            await asyncio.sleep(PAUSE_SECONDS)
            owner = await self._post(client, "/registry/owners", {"name": "Pemilik Uji", "kelurahan": PLACE})
            if owner is None:
                continue
            body = {"owner_ids": [owner["id"]], "name": "Warung Uji", "kelurahan": PLACE, "sector": "kuliner"}
            business = await self._post(client, "/registry/businesses", body)
            if business is not None:
                await self._get(client, f"/registry/businesses/{business['id']}")
            for path in READ:
                await self._get(client, path)

    async def _post(self, client: httpx2.AsyncClient, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        return await self._ask(client, "POST", path, {"Idempotency-Key": uuid4().hex}, body)

    async def _get(self, client: httpx2.AsyncClient, path: str) -> dict[str, Any] | None:
        return await self._ask(client, "GET", path, {}, None)

    async def _ask(
        self, client: httpx2.AsyncClient, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> dict[str, Any] | None:
        began, tries, answer = monotonic(), 0, None
        self.counts.asked += 1
        while answer is None and tries < TRIES:
            if tries:
                await asyncio.sleep(RETRY_AFTER_SECONDS)
            answer, reason = await self._try(client, method, path, headers, body)
            if answer is None and tries == 0:
                self.counts.first[reason] = self.counts.first.get(reason, 0) + 1
            tries += 1
        if answer is None:
            self.counts.failed.append(f"{method} {path}: {reason}")
        elif tries > 1:
            self.counts.again += 1
        self.counts.slowest = max(self.counts.slowest, monotonic() - began)
        return answer

    async def _try(
        self, client: httpx2.AsyncClient, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[dict[str, Any] | None, str]:
        """Return the answer's JSON, or nothing and why. Any answer but success is a failure: no request here is wrong."""
        try:
            answer = await client.request(method, path, headers=dict(headers), json=body)
        except httpx2.TransportError as error:
            return None, type(error).__name__
        if not answer.is_success:
            return None, f"HTTP {answer.status_code}"
        return dict(answer.json()), ""
