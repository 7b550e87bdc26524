"""What following an import takes of the processors: each service that follows, in its own process and in the database."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from time import process_time
from uuid import UUID, uuid4

from bench.harness import Result, Size, VoidRunError, by_turns
from bench.projection import Record
from bench.rig import PARTITIONS, Rig
from services.events import consumers as events
from services.events.store import migrations as events_migrations
from services.notifications import consumers as notifications
from services.notifications.domain.routes import Routes
from services.notifications.store.facts import migrations as notifications_migrations
from services.projections.domain.making import TYPES as PROJECTED
from services.projections.handlers.projecting import project_batch
from services.projections.store.batches import migrations as projections_migrations
from services.training import consumers as training
from services.training.store import migrations as training_migrations
from shared.consumer import Definition, apply_records
from shared.consumer.consumer import MAX_RECORDS
from shared.contracts import registry as r
from shared.contracts.fact import Fact
from shared.contracts.registry import BUSINESS_TOPIC, BusinessClass, BusinessStatus, ClassBasis, ClassRecord, Workers
from shared.database import Migrations
from shared.envelope import Event, EventMeta, to_kafka

NOW = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
ROUTES = Routes(frozenset({"email"}))
FOLLOWERS: dict[str, tuple[Definition, Sequence[Migrations]]] = {
    "training": (
        Definition(training.NAME, training.TYPES, training.copy_on_registry_facts, training.READ),
        training_migrations(),
    ),
    "events": (Definition(events.NAME, events.TYPES, events.copy_on_facts, events.READ), events_migrations()),
    "notifications": (
        Definition(notifications.NAME, notifications.TYPES, notifications.notify_on(ROUTES)),
        notifications_migrations(),
    ),
    "projections": (Definition("projections", PROJECTED, project_batch), projections_migrations()),
}


def _facts(owner_id: UUID, business_id: UUID) -> tuple[Fact, Fact]:
    """Return what a row of a spreadsheet comes to."""
    owner = r.OwnerRegistered(
        owner_id=owner_id, personal=f"nk1.{owner_id.hex}.owner.{'A' * 160}", consents=r.Consents()
    )
    business = r.BusinessRegistered(
        business_id=business_id,
        owner_ids=(owner_id,),
        personal=f"nk1.{owner_id.hex}.business.{'A' * 160}",  # the length of a sealed name and address
        kelurahan="64.71.01.1001",
        sector="kuliner",
        kbli=None,
        capital=5_000_000,
        sales=60_000_000,
        founded_year=2019,
        source="impor",
        as_of=date(2026, 2, 1),
        status=BusinessStatus.DIAJUKAN,
        kelas=ClassRecord(
            kelas=BusinessClass.MIKRO, basis=ClassBasis.PENJUALAN, year=2025, source="impor", as_of=date(2026, 2, 1)
        ),
        workers=Workers(paid_men=1, paid_women=2),
    )
    return owner, business


def _record(fact: Fact, offset: int) -> Record:
    subject = str(fact.aggregate_id)
    meta = EventMeta(uuid4(), fact.type_name(), "/registry", subject, NOW, 1, "bench", None, "import", None)
    key, value, headers = to_kafka(Event(meta, fact))
    return Record(fact.TOPIC, fact.aggregate_id.int % PARTITIONS, offset, key, value, headers)


async def following(rig: Rig, size: Size) -> list[Result]:
    """Microseconds of processor time for each fact of an import, from the record on, in full batches; Kafka's client is not in it."""
    facts = [fact for _ in range(size.of(40_000) // 2) for fact in _facts(uuid4(), uuid4())]
    records = [_record(fact, offset) for offset, fact in enumerate(facts)]
    gc.collect()
    gc.freeze()  # the records in memory are the benchmark's, no process of a service holds them

    async def measure(name: str) -> tuple[float, float]:
        definition, migrations = FOLLOWERS[name]
        told = [record for record in records if name != "projections" or record.topic == BUSINESS_TOPIC]
        parts = [told[start : start + MAX_RECORDS] for start in range(0, len(told), MAX_RECORDS)]
        async with rig.database(name, migrations) as (_, pool):
            database, own = rig.database_seconds(), process_time()
            for part in parts:
                if await apply_records(pool, definition, part) != len(part):
                    raise VoidRunError(f"{name} parked facts")
            own, database = process_time() - own, rig.database_seconds() - database
            if await pool.fetchval("SELECT count(*) FROM stream_position WHERE position = 1") != len(told):
                raise VoidRunError(f"{name} lacks positions")
        return 1e6 * own / len(told), 1e6 * database / len(told)

    kept = await by_turns(size, {name: partial(measure, name) for name in FOLLOWERS})
    return [
        Result(
            f"{name} follows an import: {where}", "µs of a processor a fact", "none", [run[place] for run in kept[name]]
        )
        for name in FOLLOWERS
        for place, where in enumerate(("its own process", "the database"))
    ]
