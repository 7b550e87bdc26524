"""The load: officers who give commands over HTTP at a steady pace, try again as careful clients do, and note it all.

Commands that make something new carry an idempotency key and are sent again until they are answered. Changes carry
``If-Match``; where the answer to one was lost and the next try finds another version, nobody knows: ``info``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import httpx2

from proof.history import History, Kind, Step, now

PLACE = "64.71.01.1001"
TRY_SECONDS = 5.0
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.2
OWN_BUSINESSES = 8
DAY = "2026-01-05"


@dataclass(slots=True)
class Attempt:
    """One request: when it ended, and whether it was answered (also with a refusal)."""

    ended: float
    answered: bool


@dataclass(slots=True)
class _Officer:
    number: int
    dice: Random
    owner: str | None = None
    businesses: dict[str, int] = field(default_factory=dict)
    """Business → the version last seen."""


class Load:
    """Some officers at work. ``registries`` gives the base URLs of the API's copies, ``pace`` is commands a second."""

    def __init__(
        self,
        history: History,
        registries: Callable[[], Sequence[str]],
        projections: Callable[[], str],
        token: str,
        *,
        seed: int,
        officers: int = 8,
        pace: float = 60.0,
    ) -> None:
        self._history = history
        self._registries = registries
        self._projections = projections
        self._token = token
        self._pace = pace
        self._officers = [_Officer(number, Random(f"{seed}/{number}")) for number in range(officers)]
        self._shared: dict[str, int] = {}
        self._stop = asyncio.Event()
        self._go = asyncio.Event()
        self._go.set()
        self._working = 0
        self.attempts: list[Attempt] = []
        self.lost: Counter[str] = Counter()
        """Requests without an answer, by the client's error."""
        self.odd: list[str] = []
        """Answers that no client should get: 500 and the like."""

    @property
    def commands(self) -> int:
        """How many commands have ended."""
        return self._history.commands

    def stop(self) -> None:
        """Ask the officers to end with the command in hand."""
        self._stop.set()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let nobody begin a command for the time of the block, once those in hand have ended."""
        self._go.clear()
        try:
            while self._working:
                await asyncio.sleep(0.02)
            yield
        finally:
            self._go.set()

    async def run(self) -> None:
        """Work until ``stop``; returns when every command in hand has ended."""
        async with httpx2.AsyncClient(
            timeout=TRY_SECONDS, headers={"Authorization": f"Bearer {self._token}"}
        ) as client:
            await asyncio.gather(*(self._work(client, officer) for officer in self._officers))

    async def _work(self, client: httpx2.AsyncClient, officer: _Officer) -> None:
        between = len(self._officers) / self._pace
        while not self._stop.is_set():
            await self._go.wait()
            started, self._working = now(), self._working + 1
            try:
                await self._one(client, officer)
            finally:
                self._working -= 1
            await asyncio.sleep(max(0.0, started + between - now()))

    async def _one(self, client: httpx2.AsyncClient, officer: _Officer) -> None:
        roll = officer.dice.random()
        if officer.owner is None or roll < 0.15:
            body = {"name": f"Pemilik {officer.number}", "kelurahan": PLACE}
            officer.owner = (
                await self._command(client, officer, "owner", "POST", "/owners", body)
            ).key or officer.owner
        elif len(officer.businesses) < OWN_BUSINESSES or roll < 0.3:
            await self._register(client, officer)
        elif roll < 0.65:
            key = officer.dice.choice(sorted(officer.businesses))
            officer.businesses[key] = await self._count(client, officer, key, officer.businesses[key])
        elif roll < 0.8 and self._shared:
            key = officer.dice.choice(sorted(self._shared))
            self._shared[key] = await self._count(client, officer, key, self._shared[key])
        else:
            await self._read(client, officer, officer.dice.choice(sorted(officer.businesses)))

    async def _register(self, client: httpx2.AsyncClient, officer: _Officer) -> None:
        if len(officer.businesses) >= OWN_BUSINESSES:
            officer.businesses.pop(officer.dice.choice(sorted(officer.businesses)))
        body = {"owner_ids": [officer.owner], "name": "Warung", "kelurahan": PLACE, "sector": "kuliner"}
        step = await self._command(client, officer, "business", "POST", "/businesses", body)
        if step.key is not None:
            officer.businesses[step.key] = 1
            if len(self._shared) < len(self._officers):
                self._shared[step.key] = 1

    async def _count(self, client: httpx2.AsyncClient, officer: _Officer, key: str, version: int) -> int:
        """Record workers on a business; return the version to go on with."""
        body = {"paid_men": officer.dice.randrange(1_000_000), "as_of": DAY}
        step = await self._command(client, officer, "workers", "PUT", f"/businesses/{key}/workers", body, key, version)
        if step.version is not None:
            return step.version
        return await self._read_registry(client, officer, key) or version

    async def _read(self, client: httpx2.AsyncClient, officer: _Officer, key: str) -> None:
        await self._read_registry(client, officer, key)
        url = f"{self._projections()}/businesses/{key}/timeline?limit=500"
        answer = await self._get(client, url)
        own = [entry["sequence"] for entry in answer["entries"] if entry["stream_id"] == key] if answer else []
        if own:
            self._note_read(officer, "timeline", key, own[-1])

    async def _read_registry(self, client: httpx2.AsyncClient, officer: _Officer, key: str) -> int | None:
        answer = await self._get(client, f"{officer.dice.choice(self._registries())}/businesses/{key}")
        if answer is None:
            return None
        self._note_read(officer, "registry", key, answer["version"])
        return int(answer["version"])

    async def _get(self, client: httpx2.AsyncClient, url: str) -> Any:
        try:
            response = await client.get(url)
        except httpx2.TransportError:
            return None
        return response.json() if response.status_code == 200 else None

    def _note_read(self, officer: _Officer, name: str, key: str, version: int) -> None:
        self._history.add(Step(officer.number, Kind.READ, name, now(), now(), key, version))

    async def _command(
        self,
        client: httpx2.AsyncClient,
        officer: _Officer,
        name: str,
        method: str,
        path: str,
        body: dict[str, Any],
        key: str | None = None,
        version: int | None = None,
    ) -> Step:
        """Send until answered, for at most 90 s, and note how it ended."""
        token, began, tries, doubtful = uuid4().hex, now(), 0, False
        headers = {"Idempotency-Key": token} if method == "POST" else {"If-Match": f'"{version}"'}
        kind, found, came = Kind.INFO, key, None
        base = officer.dice.choice(self._registries())
        while now() < began + PATIENCE_SECONDS:
            tries += 1
            answer = await self._try(client, method, base + path, body, headers)
            others = [other for other in self._registries() if other != base]
            base = officer.dice.choice(others or [base])  # who has failed is asked last
            if isinstance(answer, bool):
                doubtful = doubtful or answer
                await asyncio.sleep(PAUSE_SECONDS)
            elif answer.status_code in (409, 429, 503) and "retry-after" in answer.headers:
                await asyncio.sleep(PAUSE_SECONDS)
            elif answer.is_success:
                kind, found, came = Kind.OK, answer.json()["id"], answer.json()["version"]
                break
            else:
                kind = Kind.INFO if doubtful and method == "PUT" else Kind.FAIL
                break
        step = Step(officer.number, kind, name, began, now(), found, came, token, tries)
        self._history.add(step)
        return step

    async def _try(
        self, client: httpx2.AsyncClient, method: str, url: str, body: dict[str, Any], headers: dict[str, str]
    ) -> httpx2.Response | bool:
        """Return the answer. Where none came: whether the command may have taken effect all the same."""
        try:
            response = await client.request(method, url, json=body, headers=headers)
        except httpx2.TransportError as error:
            self.attempts.append(Attempt(now(), answered=False))
            doubtful = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            self.lost.update([type(error).__name__])
            return doubtful
        self.attempts.append(Attempt(now(), answered=response.status_code < 500))
        if response.status_code < 500 or response.status_code == 503:
            return response
        self.odd.append(f"{response.status_code} to {method} {url}: {response.text[:200]}")
        return True
