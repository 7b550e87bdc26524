"""Facts of registry and trainings that come late, twice, or before the record they speak of, on real Kafka."""

from __future__ import annotations

from datetime import date

import pytest

from ops.audit.audit import audit
from services.events.consumers import make_consumer
from shared.contracts.exhibitions import Criterion, CriterionKind
from shared.contracts.licensing import LicenceExpired, LicenceKind, LicenceRevoked
from shared.contracts.registry import BusinessStatus
from tests.desk import Member
from tests.events.fair import Fair
from tests.late_facts import (
    is_applied,
    publish,
    publish_broken,
    said_by_the_audit,
    until_duplicates,
    until_parked,
    until_position,
    working,
)
from tests.stack.servers import Kafka

pytestmark = pytest.mark.slow
SERVICE = "events"
LICENSED = (Criterion(code="resmi", kind=CriterionKind.LEGALITAS, weight=1, values=("p_irt", "halal_sertifikat")),)


async def test_a_curation_reads_what_came_late_twice_and_in_the_wrong_order(fair: Fair, kafka: Kafka) -> None:
    owner = fair.story.owner()
    business = fair.business(owner.fact.aggregate_id, status=BusinessStatus.DIAJUKAN)
    member = Member(owner.fact.aggregate_id, business.fact.aggregate_id)
    verified = fair.story.verified(member.business_id)
    asked, granted = fair.licensed(member, LicenceKind.P_IRT)
    first_asked, first_granted = fair.licensed(member, LicenceKind.HALAL_SERTIFIKAT, expires_on=date(2026, 12, 1))
    expired = fair.of_licence(first_granted, LicenceExpired, expires_on=date(2026, 12, 1))
    async with working(fair, kafka, SERVICE, make_consumer):
        # Licences before the business they are of, granted before they were asked for, run out before they were granted.
        await publish(kafka, granted, expired, first_granted, verified)
        await until_parked(fair, granted, expired, first_granted, verified)
        parked, _ = await said_by_the_audit(fair, SERVICE, kafka, granted, expired, verified)
        assert parked == {granted.fact.aggregate_id: 1, expired.fact.aggregate_id: 2, member.business_id: 1}
        await publish(kafka, asked, first_asked, business, owner)
        for event in (granted, expired, verified, owner):
            await until_position(fair, event)
        await publish(kafka, owner, verified, business, expired, first_granted, first_asked, granted, asked)
        await until_duplicates(fair, 8)
        assert await said_by_the_audit(fair, SERVICE, kafka, granted, expired, verified, owner) == ({}, 0)
        exhibition = await fair.exhibition(criteria=LICENSED)
        await fair.booth(exhibition, 1)
        application = await fair.apply(exhibition, member)
        # What comes after the application, and before the curation, counts.
        revoked = fair.of_licence(granted, LicenceRevoked, cause="dicabut_penerbit", revoked_on=date(2026, 12, 20))
        await publish(kafka, revoked)
        await until_position(fair, revoked)
        await fair.curate(exhibition)
    assert (await fair.application(application)).scores == {"resmi": 5000}


async def test_what_no_contract_takes_waits_with_its_own_and_others_go_on(fair: Fair, kafka: Kafka) -> None:
    owner = fair.story.owner()
    business = fair.business(owner.fact.aggregate_id)
    member = Member(owner.fact.aggregate_id, business.fact.aggregate_id)
    broken, behind = fair.licensed(member, LicenceKind.BPOM)
    asked, granted = fair.licensed(member, LicenceKind.SNI)
    async with working(fair, kafka, SERVICE, make_consumer):
        await publish_broken(kafka, broken)
        await publish(kafka, behind, asked, granted, owner, business)
        await until_position(fair, granted)
        await until_parked(fair, broken, behind)
        said = await said_by_the_audit(fair, SERVICE, kafka, broken, granted, owner, business)
    assert said == ({broken.fact.aggregate_id: 2}, 0)
    rows = await fair.pool.fetch("SELECT kind, verified FROM licence_copy WHERE business_id = $1", member.business_id)
    assert [tuple(row) for row in rows] == [("sni", True)]


async def test_an_audit_beside_a_consumer_at_work_takes_nothing_under_way_for_doubled_or_missing(
    fair: Fair, kafka: Kafka
) -> None:
    owners = [fair.story.owner() for _ in range(200)]
    businesses = [fair.business(owner.fact.aggregate_id) for owner in owners]
    await publish(kafka, *owners, *businesses)
    kinds: set[str] = set()
    async with working(fair, kafka, SERVICE, make_consumer):
        while not await is_applied(fair, businesses[-1]):
            report = await audit({SERVICE: fair.database.audit_dsn}, kafka.credentials(), 0, lambda *_: None)
            kinds |= set(report.total_findings)
    assert kinds & {"effect", "doubled"} == set()
