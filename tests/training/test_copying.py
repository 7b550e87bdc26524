"""The copy of the registry: facts twice, late, before the record they speak of, poison; what the audit says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest

from services.training import consumers
from services.training.consumers import NAME, READ, TOPICS, TYPES, copy_on_registry_facts
from shared.consumer import Definition
from shared.contracts import CONTRACTS
from shared.contracts.registry import (
    BusinessChanged,
    BusinessClass,
    BusinessClassChanged,
    BusinessMerged,
    BusinessMergeUndone,
    BusinessPersonal,
    BusinessStatus,
    BusinessWorkersRecorded,
    Workers,
)
from shared.envelope import Event
from shared.majors import Majors
from shared.sealing import seal
from tests.desk import PRAPATAN, items
from tests.training.office import Office

DEFINITION = Definition(NAME, TYPES, copy_on_registry_facts, READ)


@pytest.fixture
async def auditor(office: Office) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(office.database.audit_dsn)
    yield connection
    await connection.close()


async def copied(office: Office, business_id: UUID) -> Any:
    return await office.pool.fetchrow("SELECT * FROM business_copy WHERE business_id = $1", business_id)


def changed(office: Office, owner_id: UUID, business_id: UUID) -> Event:
    """The business moves to another kelurahan."""
    fact = BusinessChanged(
        business_id=business_id,
        owner_ids=(owner_id,),
        personal=seal(office.keys.key(owner_id), owner_id, BusinessPersonal(name="Warung Baru")),
        kelurahan=PRAPATAN,
        source="petugas",
        as_of=date(2026, 11, 25),
        changed=("kelurahan",),
    )
    return office.story.event(fact)


class BusinessClassChangedAnew(BusinessClassChanged):
    """A second major that is nowhere but here."""

    MAJOR: ClassVar[int] = 2


async def test_a_major_that_is_not_told_says_nothing_and_moves_the_version(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTRACTS, BusinessClassChangedAnew.type_name(), BusinessClassChangedAnew)
    monkeypatch.setattr(consumers, "MAJORS", Majors(TOPICS))
    business = office.business(office.story.owner().fact.aggregate_id)
    business_id = business.fact.aggregate_id
    told = office.story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL)
    other = office.story.class_changed(business_id, BusinessClass.KECIL, BusinessClass.MENENGAH).fact
    twin = office.story.event(BusinessClassChangedAnew.model_validate(other.model_dump()))
    twin = twin._replace(meta=twin.meta._replace(sequence=3))
    await office.deliver(replace(DEFINITION, types=consumers.MAJORS.types), items(business, told, twin))
    found = await copied(office, business_id)
    assert (found["kelas"], found["version"]) == ("kecil", 3)


async def test_the_copy_follows_every_fact_in_one_batch_or_in_many(office: Office) -> None:
    owner = office.story.owner()
    owner_id = owner.fact.aggregate_id
    business = office.business(owner_id, status=BusinessStatus.DIAJUKAN)
    business_id = business.fact.aggregate_id
    story = [
        business,
        office.story.verified(business_id),
        changed(office, owner_id, business_id),
        office.story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL),
        office.story.event(
            BusinessWorkersRecorded(business_id=business_id, workers=Workers(paid_men=2), as_of=date(2026, 11, 25))
        ),
        owner,
    ]
    await office.deliver(DEFINITION, items(*story))
    whole = await copied(office, business_id)
    assert (whole["kelurahan"], whole["kelas"], whole["status"], whole["version"]) == (
        PRAPATAN,
        "kecil",
        "terverifikasi",
        5,
    )
    merged = [
        office.story.event(BusinessMerged(business_id=business_id, into_id=owner_id)),
        office.story.event(
            BusinessMergeUndone(business_id=business_id, from_id=owner_id, status=BusinessStatus.TERVERIFIKASI)
        ),
    ]
    await office.deliver(DEFINITION, items(merged[0]))
    assert (await copied(office, business_id))["status"] == "digabung"
    await office.deliver(DEFINITION, items(merged[1]))
    row = await copied(office, business_id)
    assert (row["status"], row["version"], row["personal"]) == ("terverifikasi", 7, whole["personal"])


async def test_what_comes_twice_changes_nothing_and_what_comes_early_waits(
    office: Office, auditor: asyncpg.Connection
) -> None:
    owner = office.story.owner()
    business = office.business(owner.fact.aggregate_id, status=BusinessStatus.DIAJUKAN)
    verified = office.story.verified(business.fact.aggregate_id)
    # The business is heard of before its owner, and its verification before its registration.
    await office.deliver(DEFINITION, items(verified))
    assert await copied(office, business.fact.aggregate_id) is None
    assert [tuple(row) for row in await auditor.fetch("SELECT topic, events FROM audit.parked")] == [
        ("umkm.business", 1)
    ]
    await office.deliver(DEFINITION, items(business, owner))
    for _ in range(3):
        await office.deliver(DEFINITION, items(owner, business, verified))
    row = await copied(office, business.fact.aggregate_id)
    assert (row["status"], row["version"]) == ("terverifikasi", 2)
    assert await auditor.fetch("TABLE audit.parked") == []


async def test_the_audit_sees_source_positions_and_effects(office: Office, auditor: asyncpg.Connection) -> None:
    owner = office.story.owner()
    business = office.business(owner.fact.aggregate_id)
    await office.deliver(DEFINITION, items(owner, business))
    expected = {owner.fact.aggregate_id: 1, business.fact.aggregate_id: 1}
    for view in ("position", "effect"):
        rows = await auditor.fetch(f"SELECT aggregate_id, position FROM audit.{view}")
        assert {row[0]: row[1] for row in rows} == expected
    assert {tuple(row) for row in await auditor.fetch("TABLE audit.subscription")} == {(NAME, t) for t in TOPICS}
    declared = await auditor.fetch("SELECT effect, topic FROM audit.effect_declared")
    assert {tuple(row) for row in declared} == {
        ("owner_copy", "umkm.owner"),
        ("business_copy", "umkm.business"),
        ("organisation_copy", "umkm.organisation"),
    }
    await office.batch(5)
    sources = {(row[0], row[1]) for row in await auditor.fetch("SELECT topic, version FROM audit.source")}
    assert sources == {("umkm.course", 2)}


async def test_an_erasure_that_cannot_be_carried_out_is_parked_with_its_owner_only(office: Office) -> None:
    gone, other = await office.members(2)
    batch = await office.batch(5)
    await office.enrol(batch, gone)
    # A batch that a fault left without its count cannot give a seat back: the database refuses, and the fact waits.
    await office.pool.execute("UPDATE batch SET held = 0 WHERE id = $1", batch)
    erased = office.story.erased(gone.owner_id)
    async with office.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO stream_position (consumer, aggregate_id, topic, position) VALUES ($1, $2, 'umkm.owner', 1)",
            NAME,
            gone.owner_id,
        )
    renamed = office.story.consent(other.owner_id, given=False)
    async with office.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO stream_position (consumer, aggregate_id, topic, position) VALUES ($1, $2, 'umkm.owner', 1)",
            NAME,
            other.owner_id,
        )
    await office.deliver(DEFINITION, items(erased, renamed))
    parked = await office.pool.fetch("SELECT aggregate_id, kind, reason FROM parked_event")
    assert [(row["aggregate_id"], row["kind"]) for row in parked] == [(gone.owner_id, "poison")]
    assert "batch" in parked[0]["reason"]
    versions = await office.pool.fetch("SELECT owner_id, version FROM owner_copy")
    assert {row["owner_id"]: row["version"] for row in versions} == {gone.owner_id: 1, other.owner_id: 2}


@pytest.mark.parametrize("table", ["owner_copy", "business_copy", "enrolment", "certificate_edition"])
async def test_the_audit_cannot_read_the_tables(auditor: asyncpg.Connection, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch(f"TABLE public.{table}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (a int)",
        "DELETE FROM enrolment",
        "DELETE FROM certificate",
        "DELETE FROM attendance",
        "UPDATE programme SET code = 'X1'",
        "DELETE FROM outbox",
    ],
)
@pytest.mark.security(line="S24")
async def test_the_running_login_changes_no_schema_and_deletes_nothing(office: Office, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.pool.execute(statement)


async def test_the_database_itself_sells_no_seat_twice(office: Office) -> None:
    batch = await office.batch(1)
    with pytest.raises(asyncpg.CheckViolationError):
        await office.pool.execute("UPDATE batch SET held = 2 WHERE id = $1", batch)
