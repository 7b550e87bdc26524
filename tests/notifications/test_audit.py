"""What the audit's login sees: positions, effects, messages; nothing personal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import asyncpg
import pytest

from ops.audit.log import calls_for_message
from ops.audit.reading import notifying_types
from services.notifications import consumers
from services.notifications.consumers import NAME, TOPICS, TYPES, notify_on
from shared.consumer import Definition, apply_batch
from shared.consumer.records import Item, read_item
from shared.contracts import CONTRACTS
from shared.contracts.registry import BusinessVerified, OwnerConsentChanged
from shared.contracts.training import EnrolmentRejected, LeavingCause
from shared.envelope import Event, headers_of, to_kafka
from shared.majors import Majors
from tests.notifications.city import EMAIL
from tests.notifications.records import Record
from tests.notifications.story import Story
from tests.notifications.workshop import Workshop

DEFINITION = Definition(NAME, TYPES, notify_on(EMAIL))


def items(*events: Event) -> list[Item]:
    """Return the events as the consumer reads them from Kafka."""
    return [read_item(Record.of(event, offset)) for offset, event in enumerate(events)]


@pytest.fixture
async def auditor(notifications_db: Any) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the audit's login."""
    connection = await asyncpg.connect(notifications_db.audit_dsn)
    yield connection
    await connection.close()


async def test_the_audit_sees_that_every_fact_had_its_effect(
    workshop: Workshop, story: Story, auditor: asyncpg.Connection
) -> None:
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    verified = story.verified(business.fact.aggregate_id)
    imported = story.import_completed()
    async with workshop.pool.acquire() as connection:
        await apply_batch(connection, DEFINITION, items(owner, business, verified, imported))
    positions = {row["aggregate_id"]: row["position"] for row in await auditor.fetch("TABLE audit.position")}
    assert positions == {owner_id: 1, business.fact.aggregate_id: 2, imported.fact.aggregate_id: 1}
    effects = {row["aggregate_id"]: row["position"] for row in await auditor.fetch("TABLE audit.effect")}
    assert effects == {owner_id: 1, business.fact.aggregate_id: 2}
    messages = await auditor.fetch("SELECT event_id, messages, states FROM audit.message")
    expected = {(event.meta.id, 1, "queued") for event in (owner, business, verified, imported)}
    assert {tuple(row) for row in messages} == expected
    assert {tuple(row) for row in await auditor.fetch("TABLE audit.subscription")} == {(NAME, t) for t in TOPICS}
    declared = await auditor.fetch("SELECT effect, topic FROM audit.effect_declared")
    assert {tuple(row) for row in declared} == {
        ("recipient", "umkm.owner"),
        ("business_contact", "umkm.business"),
        ("course_copy", "umkm.course"),
        ("participation", "umkm.application"),
    }
    assert await auditor.fetch("TABLE audit.parked") == []


async def test_what_was_refused_before_it_was_told_to_anybody_calls_for_no_message(
    workshop: Workshop, story: Story, auditor: asyncpg.Connection
) -> None:
    now = await workshop.pool.fetchval("SELECT now()")
    ids = {name: uuid4() for name in ("enrolment_id", "batch_id", "course_id", "owner_id", "business_id")}
    watched = await notifying_types({NAME: auditor})
    # While a release is replaced, processes of the one before it pass such facts over.
    for at, asked in ((now - timedelta(days=1), False), (now, False), (now + timedelta(hours=25), True)):
        refused = story.event(EnrolmentRejected(**ids, cause=LeavingCause.LAINNYA), time=at)
        assert calls_for_message(watched, headers_of(to_kafka(refused)[2])) is asked
    long_ago = story.owner()
    assert calls_for_message(watched, headers_of(to_kafka(long_ago)[2]))
    assert not calls_for_message(watched, headers_of(to_kafka(story.owner(origin="import"))[2]))
    assert {*watched} - {
        (row[0].encode(), row[1].encode()) for row in await auditor.fetch("TABLE audit.notifying_type")
    } == {
        (f"id.go.balikpapan.umkm.{name}.v1".encode(), b"command")
        for name in ("enrolment.rejected", "certificate.revoked")
    }


class BusinessVerifiedAnew(BusinessVerified):
    """A second major that is nowhere but here."""

    MAJOR: ClassVar[int] = 2


class OwnerConsentChangedAnew(OwnerConsentChanged):
    """And of an owner's fact."""

    MAJOR: ClassVar[int] = 2


async def test_a_change_in_two_majors_is_told_once_and_has_both_its_effects(
    workshop: Workshop, story: Story, auditor: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fact in (BusinessVerifiedAnew, OwnerConsentChangedAnew):
        monkeypatch.setitem(CONTRACTS, fact.type_name(), fact)
    monkeypatch.setattr(consumers, "MAJORS", Majors(TOPICS))
    definition = Definition(NAME, consumers.MAJORS.types, notify_on(EMAIL))
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    business_id = business.fact.aggregate_id
    twin = story.event(BusinessVerifiedAnew(business_id=business_id))
    said = {"owner_id": owner_id, "consents": {}, "language": "id", "channel": None, "changed": []}
    both = [story.event(fact.model_validate(said)) for fact in (OwnerConsentChanged, OwnerConsentChangedAnew)]
    async with workshop.pool.acquire() as connection:
        await apply_batch(connection, definition, items(owner, business, twin, story.verified(business_id), *both))
    effects = {row["aggregate_id"]: row["position"] for row in await auditor.fetch("TABLE audit.effect")}
    assert effects == {owner_id: 3, business_id: 3}
    templates = sorted(message["template"] for message in await workshop.messages())
    assert templates == ["business_registered", "business_verified", "owner_registered"]


async def test_the_layer_lets_a_replay_pass_without_effect(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    async with workshop.pool.acquire() as connection:
        for _ in range(4):
            await apply_batch(connection, DEFINITION, items(owner))
    assert len(await workshop.messages()) == 1


@pytest.mark.parametrize("table", ["recipient", "business_contact", "message", "officer"])
async def test_the_audit_cannot_read_the_tables(auditor: asyncpg.Connection, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch(f"TABLE public.{table}")


async def test_the_running_login_changes_no_schema_and_no_step(workshop: Workshop) -> None:
    for statement in ("CREATE TABLE x (a int)", "DELETE FROM message_step", "UPDATE message_step SET actor = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await workshop.pool.execute(statement)
