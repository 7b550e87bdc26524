"""The projections, fact by fact through the consumer layer, against the bare upserts of the same rows."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import astuple

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import PARTITIONS, Rig
from services.projections.commands import Projection
from services.projections.domain.classes import class_row
from services.projections.domain.dashboard import DashboardRow, fold
from services.projections.domain.making import MAKINGS, TYPES
from services.projections.domain.standing import ledger_rows
from services.projections.domain.timeline import timeline_row
from services.projections.handlers.projecting import project_batch
from services.projections.store import batches
from services.projections.store.batches import migrations
from shared.consumer import Definition, apply_records
from shared.consumer.applying import Settled
from shared.consumer.consumer import MAX_RECORDS
from shared.consumer.records import RawHeaders
from shared.contracts import registry as r
from shared.contracts.fact import Fact
from shared.contracts.registry import BUSINESS_TOPIC, BusinessClass, BusinessStatus, ClassBasis, ClassRecord, Workers
from shared.database import Connection, Pool
from shared.envelope import Event, EventMeta, to_kafka

START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
FACTS_EACH = 3
Rows = list[tuple[Projection, Sequence[tuple[Any, ...]]]]


@dataclass(slots=True)
class Record:
    """What is read of a Kafka record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


def _class(kelas: BusinessClass, year: int) -> ClassRecord:
    return ClassRecord(kelas=kelas, basis=ClassBasis.PENJUALAN, year=year, source="impor", as_of=date(2026, 2, 1))


def _life(business_id: UUID) -> list[Fact]:
    """Return a business's facts: imported, verified, a class up."""
    owner = uuid4()
    mikro, kecil = _class(BusinessClass.MIKRO, 2025), _class(BusinessClass.KECIL, 2026)
    registered = r.BusinessRegistered(
        business_id=business_id,
        owner_ids=(owner,),
        personal=f"nk1.{owner.hex}.business.{'A' * 160}",  # the length of a sealed name and address
        kelurahan="64.71.01.1001",
        sector="kuliner",
        kbli=None,
        capital=5_000_000,
        sales=60_000_000,
        founded_year=2019,
        source="impor",
        as_of=date(2026, 2, 1),
        status=BusinessStatus.DIAJUKAN,
        kelas=mikro,
        workers=Workers(paid_men=1, paid_women=2),
    )
    up = r.BusinessClassChanged(business_id=business_id, previous=mikro, current=kecil)
    return [registered, r.BusinessVerified(business_id=business_id), up]


def _event(fact: Fact, sequence: int, *, followed: bool = False) -> Event:
    subject, moment = str(fact.aggregate_id), START + timedelta(minutes=sequence)
    origin, trace = ("command", f"00-{uuid4().hex}-{uuid4().hex[:16]}-01") if followed else ("import", None)
    meta = EventMeta(uuid4(), fact.type_name(), "/registry", subject, moment, sequence, "bench", None, origin, trace)
    return Event(meta, fact)


def _batches(businesses: int, *, followed: bool = False) -> list[list[Event]]:
    """Return the facts as they come: all are registered, then all verified, then all step up; in full batches.

    So two thirds of the batches meet rows that an earlier one wrote, and have to read them.
    """
    lives = [_life(uuid4()) for _ in range(businesses)]
    events = [_event(life[number], number + 1, followed=followed) for number in range(FACTS_EACH) for life in lives]
    return [events[start : start + MAX_RECORDS] for start in range(0, len(events), MAX_RECORDS)]


def _record(event: Event, offset: int) -> Record:
    key, value, headers = to_kafka(event)
    return Record(BUSINESS_TOPIC, event.fact.aggregate_id.int % PARTITIONS, offset, key, value, headers)


def _ready_made(parts: Sequence[Sequence[Event]]) -> list[Rows]:
    """Return the rows that each batch comes to."""
    known: dict[str, DashboardRow] = {}
    last: dict[Projection, dict[UUID, Any]] = {name: {} for name in Projection}
    ready: list[Rows] = []
    for part in parts:
        now = fold(known, part)
        known.update(now)
        classes = [row for event in part if (row := class_row(event)) is not None]
        ready.append(
            [
                (Projection.BUSINESS_TIMELINE, [timeline_row(event) for event in part]),
                (Projection.CLASS_HISTORY, classes),
                (Projection.DISTRICT_DASHBOARD, [astuple(row) for row in now.values()]),
                *(
                    (name, ledger_rows(making.step, last[name], part))
                    for name, making in MAKINGS.items()
                    if making.step
                ),
            ]
        )
    return ready


def business_lives(facts: int, *, followed: bool = False) -> list[list[Record]]:
    """Return so many facts of businesses as the records of full batches; ``followed``: each of a command that is traced."""
    parts = _batches(facts // FACTS_EACH, followed=followed)
    return [[_record(event, offset) for offset, event in enumerate(part)] for part in parts]


async def projection_speed(rig: Rig, records: Sequence[Sequence[Record]], settled: Settled | None = None) -> float:
    """Return how many facts of these records are projected per second into an empty database."""
    async with rig.database("projections", migrations()) as (_, pool):
        seconds = await _project(pool, records, settled)
    return sum(len(part) for part in records) / seconds


async def _project(pool: Pool, records: Sequence[Sequence[Record]], settled: Settled | None = None) -> float:
    definition = Definition("projections", TYPES, project_batch)
    started = perf_counter()
    for part in records:
        if await apply_records(pool, definition, part, settled) != len(part):
            raise VoidRunError("facts were parked")
    return perf_counter() - started


async def _upsert(connection: Connection, ready: Sequence[Rows]) -> float:
    started = perf_counter()
    for rows_of in ready:
        async with connection.transaction():
            for projection, rows in rows_of:
                await batches.save(connection, projection, rows)
    return perf_counter() - started


async def _digest(connection: Connection) -> list[str]:
    """Return a digest of each table: both ways must leave the same rows, not only as many."""
    return [
        await connection.fetchval(f"SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM {p} t")
        for p in sorted(Projection)
    ]


async def projections(rig: Rig, size: Size) -> Result:
    """Facts per second into the projections of the business topic, from Kafka records; and the upserts of the rows they come to."""
    parts = _batches(size.of(60_000) // FACTS_EACH)
    records = [[_record(event, offset) for offset, event in enumerate(part)] for part in parts]
    ready, facts = _ready_made(parts), sum(len(part) for part in parts)
    digests: set[tuple[str, ...]] = set()
    gc.collect()
    gc.freeze()  # the rows in memory are the benchmark's, no process of a service holds them

    async def measure(way: str) -> float:
        async with rig.database("projections", migrations()) as (_, pool), pool.acquire() as connection:
            seconds = await (_upsert(connection, ready) if way == "raw" else _project(pool, records))
            if await connection.fetchval("SELECT count(*) FROM business_timeline") != facts:
                raise VoidRunError(f"{way}: the timeline lacks facts")
            digests.add(tuple(await _digest(connection)))
            if len(digests) != 1:
                raise VoidRunError(f"{way} left other rows than the run before it")
        return facts / seconds

    return await in_turn(
        Result("projections through the layer ÷ raw unnest upsert of the same rows", "facts/s", "≥ 0.6"),
        size,
        lambda: measure("layer"),
        lambda: measure("raw"),
    )
