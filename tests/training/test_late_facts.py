"""Facts of the registry that come late, twice, or before the record they speak of, on real Kafka: held, never dropped."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.training.consumers import make_consumer
from shared.contracts.organisations import (
    OrganisationChanged,
    OrganisationEnded,
    OrganisationKind,
    OrganisationRegistered,
    OrganisationRole,
)
from shared.contracts.registry import BusinessStatus
from shared.envelope import Event
from tests.desk import Caller, rule_of
from tests.late_facts import (
    publish,
    publish_broken,
    said_by_the_audit,
    until_duplicates,
    until_parked,
    until_position,
    working,
)
from tests.stack.servers import Kafka
from tests.training.office import Office
from tests.training.test_api import batch_form, course_form

pytestmark = pytest.mark.slow
SERVICE = "training"


def partner(office: Office) -> tuple[Event, Event, Event]:
    """Return the facts of an organisation: it comes, gets the role of trainings, and ends."""
    told: dict[str, Any] = {"organisation_id": uuid4(), "title": "IPEMI Balikpapan", "kind": OrganisationKind.ASOSIASI}
    return (
        office.story.event(OrganisationRegistered(**told)),
        office.story.event(OrganisationChanged(**told, roles=(OrganisationRole.PELATIHAN,))),
        office.story.event(OrganisationEnded(organisation_id=told["organisation_id"], ended_on=date(2026, 11, 25))),
    )


async def test_what_comes_early_is_parked_and_what_comes_twice_changes_nothing(
    office: Office, clerk: Caller, kafka: Kafka
) -> None:
    owner = office.story.owner()
    owner_id = owner.fact.aggregate_id
    business = office.business(owner_id, status=BusinessStatus.DIAJUKAN)
    business_id = business.fact.aggregate_id
    verified = office.story.verified(business_id)
    came, trains, ended = partner(office)
    programme = await clerk.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})
    batch = await clerk.new(
        f"/courses/{await clerk.new('/courses', course_form(programme))}/batches", batch_form(quota=5)
    )
    enrol = (f"/batches/{batch}/enrolments", {"owner_id": str(owner_id), "business_id": str(business_id)})
    open_course = (
        "/courses",
        course_form(programme, partner=None, partner_id=str(came.fact.aggregate_id)),
    )
    async with working(office, kafka, SERVICE, make_consumer):
        # Verified before it is registered, a role before the organisation came: both wait.
        await publish(kafka, verified, trains)
        await until_parked(office, verified, trains)
        parked, _ = await said_by_the_audit(office, SERVICE, kafka, verified, trains)
        assert parked == {business_id: 1, came.fact.aggregate_id: 1}
        assert rule_of(await clerk.post(*enrol)) == (409, "usaha-belum-dikenal")
        assert rule_of(await clerk.post(*open_course)) == (409, "mitra-belum-dikenal")
        # The business before its owner; then everything again, last first.
        await publish(kafka, business, came)
        await until_position(office, verified)
        await until_position(office, trains)
        assert rule_of(await clerk.post(*enrol)) == (409, "usaha-belum-dikenal")
        await publish(kafka, owner)
        await until_position(office, owner)
        await publish(kafka, trains, came, verified, business, owner)
        await until_duplicates(office, 5)
        assert await said_by_the_audit(office, SERVICE, kafka, verified, trains, owner) == ({}, 0)
        assert (await clerk.post(*enrol)).status_code == 201
        assert (await clerk.post(*open_course)).status_code == 201
        await publish(kafka, ended)
        await until_position(office, ended)
        assert rule_of(await clerk.post(*open_course)) == (409, "mitra-berakhir")
    row = await office.pool.fetchrow("SELECT status, version FROM business_copy WHERE business_id = $1", business_id)
    assert row is not None
    assert tuple(row) == ("terverifikasi", 2)


async def test_what_no_contract_takes_waits_with_its_own_and_others_go_on(office: Office, kafka: Kafka) -> None:
    owner, other = office.story.owner(), office.story.owner()
    broken = office.business(owner.fact.aggregate_id)
    whole = office.business(other.fact.aggregate_id)
    behind = office.story.verified(broken.fact.aggregate_id)
    async with working(office, kafka, SERVICE, make_consumer):
        await publish_broken(kafka, broken)
        await publish(kafka, behind, owner, other, whole)
        await until_position(office, whole)
        await until_parked(office, broken, behind)
        said = await said_by_the_audit(office, SERVICE, kafka, broken, owner, other, whole)
    assert said == ({broken.fact.aggregate_id: 2}, 0)
    kinds = await office.pool.fetch(
        "SELECT kind FROM parked_event WHERE aggregate_id = $1 ORDER BY sequence", broken.fact.aggregate_id
    )
    assert [row["kind"] for row in kinds] == ["poison", "behind"]
