"""Agencies for the benchmarks: agreements, endpoints, what is recorded for them, and receivers that check what they were posted."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import orjson

from bench.harness import VoidRunError
from services.partners.commands import CreateWebhook, DraftAgreement, SignAgreement, Terms
from services.partners.handlers import agreements, webhooks
from services.partners.handlers.recording import record_facts
from services.partners.handlers.sealing import SecretBox
from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis
from shared.contracts.registry import (
    BusinessClass,
    BusinessRegistered,
    BusinessVerified,
    ClassBasis,
    ClassRecord,
    Workers,
)
from shared.database import Pool
from shared.envelope import Event, EventMeta
from shared.identifiers import new_id
from shared.outbox import Cause

NETWORKS = (ip_network("127.0.0.0/8"),)
BATCH = 500
LONGEST_ANSWER = 2**28
GRANTS = (
    Grant(type=BusinessRegistered.type_name(), fields=("business_id", "kelurahan", "sector", "kelas")),
    Grant(type=BusinessVerified.type_name(), fields=("business_id",)),
)


def terms(*ways: DeliveryWay) -> Terms:
    """Return a text that grants businesses, without names."""
    now = datetime.now(UTC)
    return Terms(
        title="Bench",
        legal_basis=LegalBasis.TANPA_DATA_PRIBADI,
        legal_reference="PKS 1/2026",
        purpose="Bench",
        contact="Bench",
        grants=GRANTS,
        ways=ways,
        starts_at=now - timedelta(hours=1),
        expires_at=now + timedelta(days=30),
    )


async def agree(pool: Pool, agency: str, text: Terms) -> None:
    """Let two people sign an agreement with an agency."""
    agreement_id = new_id()
    async with pool.acquire() as connection, connection.transaction():
        saved = await agreements.draft(connection, DraftAgreement(agreement_id, agency, text), _cause("a"))
        for signer in ("a", "b"):
            saved = await agreements.sign(connection, SignAgreement(agreement_id, saved.version), _cause(signer))


def _cause(actor: str) -> Cause:
    return Cause("bench", None, actor, "command", None, datetime.now(UTC))


def code_of(number: int) -> str:
    """Return the code of the agency of a port."""
    return f"dinas-{number}"


async def register(pool: Pool, box: SecretBox, ports: Sequence[int], *, from_first: bool = True) -> None:
    """Make an agency for each port, with an endpoint there that begins with the first event, or with what comes."""
    text = terms(DeliveryWay.WEBHOOK, DeliveryWay.FEED)
    for number, port in enumerate(ports):
        agency = code_of(number)
        await agree(pool, agency, text)
        command = CreateWebhook(new_id(), agency, f"http://127.0.0.1:{port}/masuk", from_first=from_first)
        async with pool.acquire() as connection, connection.transaction():
            await webhooks.create(connection, command, box, NETWORKS, datetime.now(UTC))


def registered(business_id: UUID) -> BusinessRegistered:
    """Return the first fact of a business."""
    owner = uuid4()
    return BusinessRegistered(
        business_id=business_id,
        owner_ids=(owner,),
        personal=f"nk1.{owner.hex}.business.{'A' * 160}",  # the length of a sealed name and address
        kelurahan="64.71.01.1001",
        sector="kuliner",
        capital=5_000_000,
        sales=60_000_000,
        source="petugas",
        as_of=date(2026, 2, 1),
        kelas=ClassRecord(
            kelas=BusinessClass.MIKRO, basis=ClassBasis.PENJUALAN, year=2025, source="petugas", as_of=date(2026, 2, 1)
        ),
        workers=Workers(paid_men=1, paid_women=2),
    )


def lives(events: int, each: int = 3) -> list[Event]:
    """Return so many events of businesses with ``each`` facts, as they come: all are registered, then all verified, and again."""
    businesses = [uuid4() for _ in range(-(-events // each))]
    told = [_event(registered(key), 1) for key in businesses]
    for sequence in range(2, each + 1):
        told += [_event(BusinessVerified(business_id=key), sequence) for key in businesses]
    return told[:events]


def _event(fact: BusinessRegistered | BusinessVerified, sequence: int) -> Event:
    subject, now = str(fact.aggregate_id), datetime.now(UTC)
    meta = EventMeta(uuid4(), fact.type_name(), "/registry", subject, now, sequence, "bench", None, "command", None)
    return Event(meta, fact)


async def record(pool: Pool, events: Sequence[Event]) -> None:
    """Record events as the consumer does, in batches."""
    for start in range(0, len(events), BATCH):
        async with pool.acquire() as connection, connection.transaction():
            await record_facts(connection, events[start : start + BATCH])


class Receivers:
    """Endpoints in a process of its own."""

    def __init__(self, process: Process, ports: list[int]) -> None:
        self._process = process
        self.ports = ports

    async def wait(self, count: int, seconds: float = 240.0) -> float:
        """Return when the last of so many requests came. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            return float(await self._ask(f"wait {count}"))

    async def tell(self) -> list[tuple[int, float, str, str, int]]:
        """Return endpoint, time (``perf_counter``), id, aggregate and sequence of each request that was taken."""
        return [tuple(item) for item in await self._ask("tell")]

    async def _ask(self, line: str) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise VoidRunError("the receivers are not asked by pipes")
        self._process.stdin.write(line.encode() + b"\n")
        return orjson.loads(await self._process.stdout.readline())


@asynccontextmanager
async def receivers(endpoints: int, hung: int = 0) -> AsyncIterator[Receivers]:
    """Run receivers for the time of the block; the last ``hung`` of them take connections and never answer."""
    command = (sys.executable, "-m", "bench.receiver_process", str(endpoints), str(hung))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LONGEST_ANSWER)
    try:
        if process.stdout is None:
            raise VoidRunError("the receivers tell no ports")
        yield Receivers(process, orjson.loads(await process.stdout.readline()))
    finally:
        process.kill()
        await process.wait()


def check(told: Sequence[tuple[int, float, str, str, int]], endpoints: int, events: int) -> None:
    """Void a run in which an endpoint did not get each event exactly once, each aggregate in its order."""
    last: dict[tuple[int, str], int] = {}
    count = [0] * endpoints
    for endpoint, _, _, subject, sequence in told:
        if sequence != last.get((endpoint, subject), 0) + 1:
            raise VoidRunError(f"endpoint {endpoint} got sequence {sequence} after {last.get((endpoint, subject), 0)}")
        last[endpoint, subject] = sequence
        count[endpoint] += 1
    if count != [events] * endpoints:
        raise VoidRunError(f"the endpoints got {min(count)} to {max(count)} events, expected {events}")
