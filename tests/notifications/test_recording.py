"""Facts into recipients and messages, on a real PostgreSQL."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.notifications.domain.routes import Routes
from shared.contracts.registry import BusinessClass
from tests.notifications.story import Story
from tests.notifications.workshop import Workshop


async def test_an_owner_who_agreed_is_queued_a_welcome(workshop: Workshop, story: Story) -> None:
    await workshop.apply(story.owner())
    assert await workshop.states() == [("owner_registered", "queued", None)]


@pytest.mark.parametrize(
    ("consent", "channel", "reason"),
    [(False, "email", "no_consent"), (True, None, "no_channel"), (True, "whatsapp", "channel_unavailable")],
)
async def test_who_is_not_told_has_a_row_with_the_reason(
    workshop: Workshop, story: Story, consent: bool, channel: str | None, reason: str
) -> None:
    await workshop.apply(story.owner(consent=consent, channel=channel))
    assert await workshop.states() == [("owner_registered", "suppressed", reason)]


async def test_an_import_notifies_the_officer_once_and_owners_never(workshop: Workshop, story: Story) -> None:
    events = []
    for _ in range(50):
        owner = story.owner(origin="import")
        events += [owner, story.business(owner.fact.aggregate_id, origin="import")]
    await workshop.apply(*events, story.import_completed())
    assert await workshop.states() == [("import_digest", "queued", None)]
    assert await workshop.pool.fetchval("SELECT count(*) FROM recipient") == 50
    assert await workshop.pool.fetchval("SELECT count(*) FROM business_contact") == 50


async def test_a_business_heard_of_before_its_owner_waits(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    await workshop.apply(story.business(owner.fact.aggregate_id))
    assert await workshop.states() == [("business_registered", "waiting", None)]
    await workshop.send()
    assert workshop.mailbox.bodies == []
    await workshop.apply(owner)
    await workshop.send()
    assert sorted(await workshop.states()) == [
        ("business_registered", "sent", None),
        ("owner_registered", "sent", None),
    ]


async def test_a_waiting_message_of_an_owner_without_consent_is_suppressed(workshop: Workshop, story: Story) -> None:
    owner = story.owner(consent=False)
    await workshop.apply(story.business(owner.fact.aggregate_id))
    await workshop.apply(owner)
    await workshop.send()
    assert ("business_registered", "suppressed", "no_consent") in await workshop.states()
    assert workshop.mailbox.bodies == []


async def test_replaying_three_times_adds_nothing(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    business_id = business.fact.aggregate_id
    batch = [
        owner,
        business,
        story.verified(business_id),
        story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL),
        story.import_completed(),
        story.consent(owner_id, given=True, language="en"),
    ]
    await workshop.apply(*batch)
    await workshop.send()
    before = await workshop.messages()
    for _ in range(3):
        await workshop.apply(*batch)
        for event in batch:
            await workshop.apply(event)
        await workshop.send()
    assert await workshop.messages() == before
    assert len(workshop.mailbox.bodies) == 5


async def test_a_replay_after_the_channel_changed_tells_nobody_again(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    await workshop.apply(owner)
    await workshop.send()
    changed = story.consent(owner.fact.aggregate_id, given=True, channel="console")
    both = Routes(frozenset({"email", "console"}))
    await workshop.apply(changed, routes=both)
    await workshop.apply(owner, routes=both)
    await workshop.apply(owner, changed, routes=both)
    assert await workshop.states() == [("owner_registered", "sent", None)]


async def test_old_facts_do_not_turn_a_recipient_back(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    withdrawn = story.consent(owner_id, given=False)
    await workshop.apply(owner, withdrawn)
    await workshop.apply(owner)
    row = await workshop.pool.fetchrow("SELECT consent, version FROM recipient")
    assert tuple(row) == (False, 2)


async def test_versions_follow_every_fact_so_that_the_audit_can_compare(
    workshop: Workshop, story: Story, notifications_db
) -> None:  # type: ignore[no-untyped-def]
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    business_id = business.fact.aggregate_id
    await workshop.apply(owner, business)
    await workshop.apply(story.verified(business_id), story.consent(owner_id, given=True))
    rows = await workshop.pool.fetch("SELECT version FROM recipient UNION ALL SELECT version FROM business_contact")
    assert [row[0] for row in rows] == [2, 2]


async def test_a_fact_of_a_business_that_nothing_is_known_of_is_an_error(workshop: Workshop, story: Story) -> None:
    with pytest.raises(KeyError):
        await workshop.apply(story.verified(uuid4()))


async def test_nothing_personal_is_stored_readable(workshop: Workshop, story: Story, notifications_db) -> None:  # type: ignore[no-untyped-def]
    owner = story.owner(name="Rahasia Sekali", email="rahasia@umkm.example")
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id, name="Kedai Rahasia")
    await workshop.apply(owner, business, story.returned(business.fact.aggregate_id, owner_id, "Rahasia lain"))
    await workshop.send()
    for table in ("recipient", "business_contact", "message", "message_step", "officer"):
        text = await workshop.pool.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t") or ""
        assert "ahasia" not in text, table
    assert len(workshop.mailbox.accepted) == 3


async def test_an_erased_owner_leaves_nothing_and_is_told_nothing(workshop: Workshop, story: Story) -> None:
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    business_id = business.fact.aggregate_id
    await workshop.apply(owner, business, story.returned(business_id, owner_id, "NIB tidak terbaca"))
    await workshop.apply(story.erased(owner_id))
    await workshop.apply(story.verified(business_id))
    await workshop.send()
    assert {(state, reason) for _, state, reason in await workshop.states()} == {("suppressed", "erased")}
    for table in ("recipient", "business_contact", "message"):
        text = await workshop.pool.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t")
        assert "nk1." not in text, table
