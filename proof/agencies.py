"""Agencies in a run: each with an agreement, an endpoint and a receiver of its own, and what it was granted beside what it took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from proof.checker import Delivered, Delivery
from proof.history import now
from proof.receivers import Answer, Post, Receiver
from proof.rig import QUIET_SECONDS, Rig, within
from shared.auth import Role
from shared.contracts.registry import BusinessRegistered, BusinessWorkersRecorded
from shared.database import connected

STREAM = "business"
TYPES = (BusinessRegistered.type_name(), BusinessWorkersRecorded.type_name())
_GRANTED = """
SELECT subject::text, sequence, event_id::text, recorded_at FROM audit.event
WHERE stream = $1 AND position > $2 AND type = ANY ($3) ORDER BY position
"""
# Who begins with what is kept begins there, whatever the service made of it; who begins now, where the service says.
_BEGAN = {
    "awal": "SELECT first - 1 FROM audit.stream WHERE name = $1 AND $2::uuid IS NOT NULL",
    "sekarang": "SELECT began FROM audit.webhook_position WHERE stream = $1 AND webhook_id = $2",
}


@dataclass(slots=True)
class Office:
    """An agency of this run."""

    rig: Rig
    code: str
    receiver: Receiver
    agreement: str = ""
    webhook: str = ""
    began: int = 0
    """After this position of the stream it is granted."""
    expires: datetime = field(default_factory=lambda: datetime.now(UTC))
    until: datetime | None = None
    """When its agreement ended for good, where that is part of the run."""
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    def as_(self, who: str) -> httpx2.AsyncClient:
        """Return a client of the partner service: ``a`` and ``b`` run the platform, any other is a program of the agency."""
        if who not in self.clients:
            role, claims = (Role.OPERATOR, {}) if who in {"a", "b"} else (Role.INSTANSI, {"agency": self.code})
            token = self.rig.stack.token([role], subject=f"{self.code}-{who}", **claims)
            base, headers = self.rig.stack.api_url("partners"), {"Authorization": f"Bearer {token}"}
            self.clients[who] = httpx2.AsyncClient(base_url=base, headers=headers, timeout=30)
        return self.clients[who]

    async def deed(self, who: str, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Do something with an agreement or an endpoint in the version that it has, or make one."""
        headers = {"Idempotency-Key": uuid4().hex}
        if path.count("/") > 1:
            thing = "/".join(path.split("/")[:3])
            version = (await self.as_(who).get(thing)).raise_for_status().json()["version"]
            headers["If-Match"] = f'"{version}"'
        answer = await self.as_(who).request(method, path, json=body, headers=headers)
        return answer.raise_for_status().json()

    async def open(self, lasts: timedelta, start: str, ways: Sequence[str]) -> None:
        """Agree on ways, and register the endpoint; what comes from where it begins on is granted."""
        moment = datetime.now(UTC)
        self.expires = moment + lasts
        form = _form(self.code, ways, moment - timedelta(hours=1), self.expires)
        self.agreement = (await self.deed("a", "/agreements", form))["id"]
        self.rig.asked.append(self.agreement)
        for signer in ("a", "b"):
            await self.deed(signer, f"/agreements/{self.agreement}/signatures")
        self.webhook = (await self.deed("p", "/webhooks", {"url": self.receiver.url, "start": start}))["id"]
        self.began = int((await self.audited(_BEGAN[start], STREAM, self.webhook))[0][0])

    async def audited(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Ask the partner service's database what the audit may ask."""
        async with connected(self.rig.stack.dsn("partners", "audit")) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return rows

    async def shown(self) -> Any:
        """Return what the agency is shown of its endpoint."""
        return (await self.as_("p").get(f"/webhooks/{self.webhook}")).raise_for_status().json()

    async def until_state(self, state: str, reason: str | None = None) -> None:
        """Wait until the endpoint is in a state."""
        async with within(QUIET_SECONDS, f"the endpoint of {self.code} to be {state}"):
            while ((found := await self.shown())["state"], found["reason"]) != (state, reason):
                await asyncio.sleep(0.1)

    async def until_posts(self, count: int) -> None:
        """Wait until so many requests came."""
        async with within(QUIET_SECONDS, f"{count} requests to {self.code}"):
            while len(self.receiver.posts) < count:
                await asyncio.sleep(0.02)

    def came_again(self) -> list[Post]:
        """Return the requests that brought what had been taken before."""
        seen, again = set[str](), list[Post]()
        for post in self.receiver.taken:
            if post.delivery.event_id in seen:
                again.append(post)
            seen.add(post.delivery.event_id)
        return again

    async def delivered(self) -> Delivered:
        """Return what the texts granted by now, and what the receiver took."""
        rows = await self.audited(_GRANTED, STREAM, self.began, list(TYPES))
        # What had been recorded by then may have been on its way; a stop may take five seconds.
        granted = [Delivery(*row[:3]) for row in rows if self.until is None or row["recorded_at"] < self.until]
        taken = [post.delivery for post in self.receiver.taken]
        return Delivered(granted, taken, partly=self.until is not None)

    async def close(self) -> None:
        """End everything: what was disclosed stays in the log."""
        for client in self.clients.values():
            await client.aclose()
        await self.receiver.stop()


def _form(code: str, ways: Sequence[str], starts: datetime, expires: datetime) -> dict[str, Any]:
    return {
        "agency": code,
        "title": f"Instansi {code}",
        "legal_basis": "tanpa_data_pribadi",
        "legal_reference": "PKS uji",
        "purpose": "Pembuktian",
        "contact": "Seksi Data",
        "grants": [{"type": name, "fields": ["business_id"]} for name in TYPES],
        "ways": list(ways),
        "starts_at": starts.isoformat(),
        "expires_at": expires.isoformat(),
    }


@asynccontextmanager
async def offices(
    rig: Rig,
    answers: Sequence[Answer | None],
    lasts: timedelta = timedelta(days=30),
    start: str = "sekarang",
    ways: Sequence[str] = ("webhook",),
) -> AsyncIterator[list[Office]]:
    """Open an office for each of these ways to answer; afterwards their agreements are over and their endpoints removed."""
    mark, opened = uuid4().hex[:8], list[Office]()
    try:
        for number, answer in enumerate(answers):
            office = Office(rig, f"uji-{mark}-{number}", Receiver(answer))
            opened.append(office)
            await office.receiver.start()
            await office.open(lasts, start, ways)
        yield opened
        for office in opened:
            await office.deed("p", f"/webhooks/{office.webhook}", method="DELETE")
            if office.until is None:
                await office.deed("a", f"/agreements/{office.agreement}/end", {"cause": "tujuan_selesai"})
    finally:
        for office in opened:
            await office.close()


async def settle(rig: Rig, opened: Sequence[Office]) -> None:
    """Let nobody work until each endpoint has what it was granted, and note both for the checker."""
    async with rig.load.paused():
        await note_deliveries(rig, opened)


async def note_deliveries(rig: Rig, opened: Sequence[Office]) -> None:
    """Wait, while nobody works, until each endpoint has what it was granted, and note both for the checker."""
    await rig.until_caught_up()
    for office in opened:
        rig.agencies[office.code] = await _until_complete(office)
    granted = sum(len(found.granted) for found in rig.agencies.values())
    repeated = sum(found.repeated for found in rig.agencies.values())
    rig.notes.append(
        f"{granted:,} deliveries to {len(rig.agencies)} endpoints, {repeated:,} requests brought what had been taken"
    )


async def _until_complete(office: Office) -> Delivered:
    """Wait until an endpoint has all that it was granted, or nothing more comes: then the checker names what is missing."""
    found, moved = await office.delivered(), now()
    while not _complete(found) and now() - moved < QUIET_SECONDS:
        await asyncio.sleep(0.2)
        later = await office.delivered()
        if len(later.taken) > len(found.taken):
            moved = now()
        found = later
    return found


def _complete(found: Delivered) -> bool:
    return found.partly or {item.event_id for item in found.granted} <= {item.event_id for item in found.taken}
