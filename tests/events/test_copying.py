"""The copy of registry and trainings: facts twice, late, before the record they speak of, poison; what the audit sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.events.consumers import NAME, READ, TOPICS, TYPES, copy_on_facts
from services.events.handlers import placing
from shared.consumer import Definition
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import EnrolmentRegistered, EnrolmentState, TrainingCompleted
from shared.envelope import Event
from tests.desk import Member, cause, items
from tests.events.fair import DECIDED, Fair

DEFINITION = Definition(NAME, TYPES, copy_on_facts, READ)


@pytest.fixture
async def auditor(fair: Fair) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fair.database.audit_dsn)
    yield connection
    await connection.close()


async def copied(fair: Fair, business_id: UUID) -> Any:
    return await fair.pool.fetchrow("SELECT * FROM business_copy WHERE business_id = $1", business_id)


def training_of(fair: Fair, owner_id: UUID, business_id: UUID) -> tuple[Event, Event]:
    """Return the facts of one enrolment: it begins, and the training is passed."""
    passed = fair.trained(Member(owner_id, business_id), date(2026, 6, 1)).fact
    assert isinstance(passed, TrainingCompleted)
    whose = passed.model_dump(include={"enrolment_id", "batch_id", "course_id", "owner_id", "business_id"})
    seat = {"title": "Pemasaran Digital", "place": "Aula", "starts_at": DECIDED}
    begun = EnrolmentRegistered(**whose, **seat, state=EnrolmentState.DITERIMA, priority=0, arrival=1)
    fair.story._sequences[passed.enrolment_id] = 0  # the first was only made to be told anew, in order
    return fair.story.event(begun), fair.story.event(passed)


async def test_the_copy_follows_every_fact_in_one_batch_or_in_many(fair: Fair) -> None:
    owner = fair.story.owner()
    business = fair.business(owner.fact.aggregate_id, status=BusinessStatus.DIAJUKAN)
    business_id = business.fact.aggregate_id
    begun, passed = training_of(fair, owner.fact.aggregate_id, business_id)
    story = [
        begun,
        business,
        fair.story.verified(business_id),
        fair.story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL),
        passed,
        owner,
    ]
    await fair.deliver(DEFINITION, items(*story))
    row = await copied(fair, business_id)
    assert (row["kelas"], row["status"], row["version"]) == ("kecil", "terverifikasi", 3)
    trained = await fair.pool.fetchrow("SELECT * FROM enrolment_copy")
    assert (trained["owner_id"], trained["completed_on"], trained["version"]) == (
        owner.fact.aggregate_id,
        date(2026, 6, 1),
        2,
    )


async def test_what_comes_twice_changes_nothing_and_what_comes_early_waits(
    fair: Fair, auditor: asyncpg.Connection
) -> None:
    owner = fair.story.owner()
    business = fair.business(owner.fact.aggregate_id, status=BusinessStatus.DIAJUKAN)
    verified = fair.story.verified(business.fact.aggregate_id)
    begun, passed = training_of(fair, owner.fact.aggregate_id, business.fact.aggregate_id)
    # Verified before it is registered, passed before it began, trained before anybody told of the business.
    await fair.deliver(DEFINITION, items(verified, passed))
    parked = await auditor.fetch("SELECT topic, events FROM audit.parked ORDER BY topic")
    assert [tuple(row) for row in parked] == [("umkm.business", 1), ("umkm.enrolment", 1)]
    await fair.deliver(DEFINITION, items(begun))
    await fair.deliver(DEFINITION, items(business, owner))
    for _ in range(3):
        await fair.deliver(DEFINITION, items(owner, business, verified, begun, passed))
    assert (await copied(fair, business.fact.aggregate_id))["version"] == 2
    trained = await fair.pool.fetchrow("SELECT completed_on, version FROM enrolment_copy")
    assert tuple(trained) == (date(2026, 6, 1), 2)
    assert await auditor.fetch("TABLE audit.parked") == []


async def test_the_audit_sees_source_positions_and_effects(fair: Fair, auditor: asyncpg.Connection) -> None:
    owner = fair.story.owner()
    business = fair.business(owner.fact.aggregate_id)
    begun, passed = training_of(fair, owner.fact.aggregate_id, business.fact.aggregate_id)
    await fair.deliver(DEFINITION, items(owner, business, begun, passed))
    expected = {owner.fact.aggregate_id: 1, business.fact.aggregate_id: 1, begun.fact.aggregate_id: 2}
    for view in ("position", "effect"):
        rows = await auditor.fetch(f"SELECT aggregate_id, position FROM audit.{view}")
        assert {row[0]: row[1] for row in rows} == expected
    assert {tuple(row) for row in await auditor.fetch("TABLE audit.subscription")} == {(NAME, t) for t in TOPICS}
    declared = await auditor.fetch("SELECT effect, topic FROM audit.effect_declared")
    assert {row["topic"] for row in declared} == set(TOPICS)
    exhibition = await fair.exhibition()
    await fair.apply(exhibition, Member(owner.fact.aggregate_id, business.fact.aggregate_id))
    await fair.booth(exhibition, 1)
    sources = {(row[0], row[1]) for row in await auditor.fetch("SELECT topic, version FROM audit.source")}
    assert sources == {("umkm.exhibition", 2), ("umkm.application", 1)}


async def test_an_erasure_that_cannot_be_carried_out_is_parked_with_its_owner_only(fair: Fair) -> None:
    exhibition, booth, (first, _) = await fair.curated(1, 2)
    await fair.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED)))
    owner_id = (await fair.application(first)).owner_id
    # A booth that a fault left without its count cannot give a place back: the database refuses, and the fact waits.
    await fair.pool.execute("UPDATE booth SET placed = '{0}' WHERE id = $1", booth)
    await fair.pool.execute(
        "INSERT INTO stream_position (consumer, aggregate_id, topic, position) VALUES ($1, $2, 'umkm.owner', 1)",
        NAME,
        owner_id,
    )
    await fair.pool.execute("UPDATE application SET state = 'ditolak' WHERE state = 'cadangan'")
    other = fair.story.owner()
    await fair.deliver(DEFINITION, items(fair.story.erased(owner_id), other))
    parked = await fair.pool.fetch("SELECT aggregate_id, kind FROM parked_event")
    assert [tuple(row) for row in parked] == [(owner_id, "poison")]
    assert await fair.pool.fetchval("SELECT version FROM owner_copy WHERE owner_id = $1", other.fact.aggregate_id) == 1


@pytest.mark.parametrize("table", ["owner_copy", "business_copy", "enrolment_copy", "application", "sales", "score"])
async def test_the_audit_cannot_read_the_tables(auditor: asyncpg.Connection, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch(f"TABLE public.{table}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (a int)",
        "DELETE FROM application",
        "DELETE FROM sales",
        "DELETE FROM score",
        "UPDATE score_log SET score = 1",
        "DELETE FROM score_log",
        "DELETE FROM outbox",
    ],
)
@pytest.mark.security(line="S24")
async def test_the_running_login_changes_no_schema_and_deletes_nothing(fair: Fair, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fair.pool.execute(statement)


async def test_the_database_itself_puts_nobody_too_many_and_takes_no_second_application(fair: Fair) -> None:
    _, booth, (application, _) = await fair.curated(1, 2)
    with pytest.raises(asyncpg.CheckViolationError):
        await fair.pool.execute("UPDATE booth SET placed = '{2}' WHERE id = $1", booth)
    with pytest.raises(asyncpg.UniqueViolationError):
        await fair.pool.execute(
            "INSERT INTO application (id, version, exhibition_id, owner_id, business_id, kelurahan, kind, state, applied_by,"
            " applied_at) SELECT gen_random_uuid(), 1, exhibition_id, owner_id, business_id, kelurahan, kind, 'diajukan',"
            " 'x', now() FROM application WHERE id = $1",
            application,
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await fair.pool.execute(
            "INSERT INTO turnover (exhibition_id, participants, reported, total, published_at)"
            " VALUES (gen_random_uuid(), 4, 4, 1, now())"
        )
