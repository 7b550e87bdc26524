"""What owners hear of exhibitions, licences and brands, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.folding import drafts, fold
from services.notifications.domain.notices import RecipientKind
from shared.contracts.exhibitions import (
    ApplicationCause,
    ApplicationConfirmed,
    ApplicationPassed,
    ApplicationRejected,
    ApplicationReserved,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    BoothKind,
)
from shared.contracts.licensing import (
    LicenceCause,
    LicenceExpired,
    LicenceExpiring,
    LicenceKind,
    LicenceRejected,
    LicenceSubmitted,
    LicenceVerified,
)
from shared.contracts.organisations import BrandExpiring
from shared.contracts.registry import BusinessChanged, BusinessProfile, BusinessRegistered
from shared.envelope import Event
from tests.notifications.gatherings import FRIDAY, application, moved, placed
from tests.notifications.mailbox import Mailbox
from tests.notifications.story import Story
from tests.notifications.workshop import OFFICE, Workshop

DAY = date(2027, 2, 23)


def licence(owner_id: UUID, business_id: UUID) -> dict[str, Any]:
    """Return what every fact of a licence says."""
    return {"licence_id": uuid4(), "business_id": business_id, "owner_id": owner_id, "kind": LicenceKind.P_IRT}


def expiring_brand(story: Story, **holder: UUID) -> Event:
    """A brand of a business or an organisation runs out."""
    fact = BrandExpiring(brand_id=uuid4(), mark="Amplang Siti", expires_on=DAY, span=90, days_left=90, **holder)
    return story.event(fact)


def a_life_of_applications(story: Story, owner_id: UUID) -> list[Event]:
    """Return an application's facts from the first to the last, and what others came to."""
    applied, others = application(owner_id), [application(owner_id) for _ in range(4)]
    core = {name: applied[name] for name in ("application_id", "exhibition_id", "owner_id", "business_id")}
    rank = {"total": 8_000, "rank": 3}
    return [
        story.event(ApplicationSubmitted(**core, kind=BoothKind.KULINER)),
        story.event(ApplicationPassed(**applied, **rank)),
        placed(story, applied, FRIDAY),
        moved(story, applied, FRIDAY, booth=9),
        story.event(ApplicationConfirmed(**core)),
        story.event(ApplicationReserved(**others[0], **rank)),
        story.event(ApplicationRejected(**others[1], cause=ApplicationCause.NILAI)),
        story.event(ApplicationWithdrawn(**others[2], cause=ApplicationCause.TIDAK_KONFIRMASI)),
        story.event(ApplicationWithdrawn(**others[3], cause=ApplicationCause.PAMERAN_DIBATALKAN)),
    ]


def templates(events: Sequence[Event]) -> list[str]:
    """Return the templates of the messages that events ask for."""
    return [draft.template for draft in drafts(fold(events), {})]


def test_owners_hear_what_became_of_their_applications_and_nothing_that_they_did_themselves(story: Story) -> None:
    owner_id = uuid4()
    events = a_life_of_applications(story, owner_id)
    assert templates(events) == [
        "application_passed",
        "application_placed",
        "application_moved",
        "application_reserved",
        "application_rejected",
        "application_lapsed",
        "exhibition_cancelled",
    ]
    assert {draft.recipient_id for draft in drafts(fold(events), {})} == {str(owner_id)}
    assert fold(events).contacts == {}


def test_owners_hear_of_their_licences_and_the_sealed_number_goes_into_no_message(story: Story) -> None:
    owner_id = uuid4()
    said = licence(owner_id, uuid4())
    personal = f"nk1.{owner_id.hex}.licence.AAAA"
    events = [
        story.event(LicenceSubmitted(**said, personal=personal, expires_on=DAY)),
        story.event(LicenceVerified(**said, expires_on=DAY)),
        story.event(LicenceExpiring(**said, expires_on=DAY, span=30, days_left=30)),
        story.event(LicenceExpired(**said, expires_on=DAY)),
        story.event(LicenceRejected(**licence(owner_id, uuid4()), cause=LicenceCause.DOKUMEN_TIDAK_SESUAI)),
    ]
    found = drafts(fold(events), {})
    assert [draft.template for draft in found] == [
        "licence_verified",
        "licence_expiring",
        "licence_expired",
        "licence_rejected",
    ]
    assert {draft.sealed_reason for draft in found} == {None}
    assert found[1].params == {"kind": "p_irt", "expires_on": "2027-02-23", "days_left": 30}


def passed_to(story: Story, business: Event, owner_id: UUID) -> Event:
    """The business has another owner, alone or as the first."""
    assert isinstance(business.fact, BusinessRegistered)
    profile = {name: getattr(business.fact, name) for name in BusinessProfile.model_fields}
    changed = BusinessChanged(**(profile | {"owner_ids": (owner_id,)}), changed=("owner_ids",))
    return story.event(changed, "import")


@pytest.mark.parametrize("erased", [True, False])
async def test_of_a_licence_hears_who_owns_the_business_today_and_nobody_twice_at_a_replay(
    workshop: Workshop, story: Story, mailbox: Mailbox, erased: bool
) -> None:
    budi, siti = story.owner(email="budi@umkm.example", origin="import"), story.owner(origin="import")
    business = story.business(budi.fact.aggregate_id, origin="import")
    said = licence(budi.fact.aggregate_id, business.fact.aggregate_id)
    before = [budi, siti, business, story.event(LicenceVerified(**said, expires_on=DAY))]
    await workshop.apply(*before)
    await workshop.send()
    passing = [passed_to(story, business, siti.fact.aggregate_id)]
    passing += [story.erased(budi.fact.aggregate_id)] if erased else []
    after = [story.event(LicenceExpiring(**said, expires_on=DAY, span=30, days_left=30))]
    after += [story.event(LicenceExpired(**said, expires_on=DAY))]
    await workshop.apply(*passing)
    await workshop.apply(*after)
    await workshop.send()
    told = [(address, mail["Subject"].partition(":")[0]) for address, mail in mailbox.accepted]
    assert sorted(told) == [
        ("budi@umkm.example", "Izin Anda terverifikasi"),
        ("siti@umkm.example", "Izin segera habis"),
        ("siti@umkm.example", "Izin sudah habis"),
    ]
    await workshop.apply(*before, *passing, *after)
    await workshop.send()
    assert len(mailbox.mails) == 3


async def test_of_a_licence_of_a_business_that_is_not_known_hears_who_is_named_in_the_fact(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    business = story.business(owner.fact.aggregate_id, origin="import")
    said = licence(owner.fact.aggregate_id, business.fact.aggregate_id)
    expiring = story.event(LicenceExpiring(**said, expires_on=DAY, span=30, days_left=30))
    await workshop.apply(owner, expiring)
    await workshop.apply(business)
    await workshop.apply(expiring)
    await workshop.send()
    assert [mail["To"] for mail in mailbox.mails] == ["siti@umkm.example"]


async def test_a_brand_heard_of_before_its_business_waits_for_it_and_for_its_owner(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    business = story.business(owner.fact.aggregate_id, origin="import")
    brand = expiring_brand(story, business_id=business.fact.aggregate_id)
    await workshop.apply(brand)
    await workshop.send()
    assert await workshop.states() == [("brand_expiring", "waiting", None)]
    await workshop.apply(business)
    await workshop.send()
    assert await workshop.states() == [("brand_expiring", "waiting", None)]
    await workshop.apply(owner)
    await workshop.send()
    assert await workshop.states() == [("brand_expiring", "sent", None)]
    assert [mail["To"] for mail in mailbox.mails] == ["siti@umkm.example"]


async def test_a_brand_is_told_once_though_its_business_is_known_at_the_replay(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    business = story.business(owner.fact.aggregate_id, origin="import")
    brand = expiring_brand(story, business_id=business.fact.aggregate_id)
    await workshop.apply(brand, business, owner)
    await workshop.send()
    for _ in range(3):
        await workshop.apply(brand)
        await workshop.send()
    assert len(mailbox.mails) == 1


async def test_a_brand_of_an_organisation_is_told_to_the_office(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    brand = expiring_brand(story, organisation_id=uuid4())
    [draft] = drafts(fold([brand]), {})
    assert (draft.recipient_kind, draft.recipient_id) == (RecipientKind.OFFICER, "dinas")
    await workshop.apply(brand)
    await workshop.send()
    assert [(mail["To"], mail["Subject"]) for mail in mailbox.mails] == [
        (OFFICE, "Perlindungan merek segera berakhir: Amplang Siti")
    ]


async def test_every_message_of_the_work_is_written_in_the_owners_language(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    for language in ("id", "en"):
        owner = story.owner(origin="import", language=language)
        owner_id = owner.fact.aggregate_id
        business = story.business(owner_id, origin="import")
        await workshop.apply(owner, business, *a_life_of_applications(story, owner_id))
        said = licence(owner_id, business.fact.aggregate_id)
        await workshop.apply(story.event(LicenceExpiring(**said, expires_on=DAY, span=90, days_left=90)))
        await workshop.apply(expiring_brand(story, business_id=business.fact.aggregate_id))
    await workshop.send()
    assert {state for _, state, _ in await workshop.states()} == {"sent"}
    assert [mail["Content-Language"] for mail in mailbox.mails].count("en") == 9
    assert len(mailbox.mails) == 18
