"""Looking at every process of the platform, again and again, and asking their APIs in the name of who looks.

This process has no right of its own anywhere: figures and health are open inside the network, and all else is asked for with
the token of the operator who asked us.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Any

import httpx2

from services.projections.domain.platform import Address, AgencyLag, History, agency_lags, apis_of, moment_of
from shared.metrics.exposition import read_samples
from shared.metrics.glancing import Glance, Told, View, causes_of, make_view, told_lags
from shared.trust import trust_for

EVERY_SECONDS = 15.0
ASK_SECONDS = 4.0
FRESH_SECONDS = 2.0
"""A page shows a look that is no older, so that loading it again and again asks nobody more often."""
MOST_COPIES = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look came to."""

    at: datetime
    view: View
    agencies: list[AgencyLag]


@dataclass(frozen=True, slots=True)
class Answered:
    """What an API answered: its status, ``None`` if it did not answer, and what it said."""

    status: int | None
    said: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """It did what was asked."""
        return self.status == HTTPStatus.OK


class PlatformWatch:
    """Keeps what the last looks saw. One for each process; ``close`` it at the end."""

    def __init__(self, addresses: Sequence[Address], transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._addresses = tuple(addresses)
        self._apis = apis_of(self._addresses)
        # Plain HTTP inside the network, to addresses from the settings; past any proxy of the environment, for it would see the token.
        self._client = httpx2.AsyncClient(
            timeout=ASK_SECONDS, transport=transport, verify=trust_for("http://"), trust_env=False
        )
        self._turn = asyncio.Lock()
        self._before: Glance | None = None
        self._seen: tuple[float, Seen] | None = None
        self.history = History()

    @property
    def services(self) -> list[str]:
        """The services whose API is known."""
        return sorted(self._apis)

    @property
    def knows_any(self) -> bool:
        """Whether there is anybody to look at."""
        return bool(self._addresses)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.is_set():
            if self.knows_any:
                self.history.add(moment_of((seen := await self.look()).view, seen.at))
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await stop.wait()

    async def look(self) -> Seen:
        """Return what stands now, or did a moment ago. Who does not answer is told of as such; nothing is raised for it."""
        async with self._turn:
            if self._seen is not None and monotonic() - self._seen[0] < FRESH_SECONDS:
                return self._seen[1]
            copies = [copy for found in await asyncio.gather(*map(_copies, self._addresses)) for copy in found]
            told = tuple(await asyncio.gather(*map(self._ask, copies)))
            now = Glance(monotonic(), told, told_lags(told))
            seen = Seen(
                datetime.now(UTC), make_view(now, self._before), agency_lags([s for it in told for s in it.samples])
            )
            self._before, self._seen = now, (now.at, seen)
            return seen

    async def _ask(self, address: Address) -> Told:
        url = f"http://{address.host}:{address.port}"
        try:
            figures, health = await asyncio.gather(
                self._client.get(f"{url}/metrics"), self._client.get(f"{url}/health/ready")
            )
            samples = tuple(read_samples(figures.text)) if figures.status_code == HTTPStatus.OK else ()
        except (httpx2.HTTPError, OSError, ValueError):
            return Told(address.name, False)
        ready = health.status_code == HTTPStatus.OK
        return Told(address.name, ready, samples, None if ready else causes_of(health.content) or None)

    async def ask(self, service: str, path: str, token: str, params: Mapping[str, Any] | None = None) -> Answered:
        """Ask a service's API with the operator's own token."""
        return await self._send("GET", service, path, {"Authorization": f"Bearer {token}"}, params=params)

    async def order(self, service: str, path: str, token: str, key: str, form: Mapping[str, Any]) -> Answered:
        """Give an order to a service's API with the operator's own token, once for each ``key``."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return await self._send("POST", service, path, headers, json=form)

    async def _send(self, method: str, service: str, path: str, headers: dict[str, str], **sent: Any) -> Answered:
        if service not in self._apis:
            return Answered(HTTPStatus.NOT_FOUND, {})
        try:
            answer = await self._client.request(method, f"{self._apis[service]}{path}", headers=headers, **sent)
            said = answer.json()
        except (httpx2.HTTPError, OSError, ValueError):
            return Answered(None, {})
        return Answered(answer.status_code, said if isinstance(said, dict) else {})

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _copies(address: Address) -> list[Address]:
    """Return every copy behind a name of the network, the first under the name itself, the others numbered from 2."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, family=socket.AF_INET, type=socket.SOCK_STREAM
        )
    except OSError:
        return [address]
    hosts = sorted({str(it[4][0]) for it in found})[:MOST_COPIES] or [address.host]
    names = [address.name, *(f"{address.name}-{number}" for number in range(2, len(hosts) + 1))]
    return [Address(name, host, address.port) for name, host in zip(names, hosts, strict=True)]
