"""Digests: one message a day or a week for owners who chose it, made once, of what can wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.commands import ChooseDigest, Digest
from services.notifications.domain.digesting import DIGESTIBLE, digest_id, held_back, last_due
from services.notifications.domain.messages import Decision, State
from services.notifications.domain.notices import TEMPLATES
from services.notifications.domain.topics import STOPPABLE
from services.notifications.handlers.digesting import Digesting, choose_digest
from services.notifications.handlers.rendering import Renderer, without_frame
from services.notifications.reference import load_kelurahan
from shared.auth import Role
from shared.contracts.exhibitions import ApplicationReserved
from shared.envelope import Event
from shared.wita import WITA
from tests.notifications.city import EMAIL, ids, owners
from tests.notifications.gatherings import FRIDAY, application, placed
from tests.notifications.mailbox import Mailbox
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.test_rendering import PARAMS
from tests.notifications.workshop import Clock, Workshop

EIGHT = time(8)
WEDNESDAY_NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
THURSDAY_EIGHT = datetime(2026, 11, 26, 0, tzinfo=UTC)
"""08:00 WITA."""
MONDAY_EIGHT = datetime(2026, 11, 30, 0, tzinfo=UTC)
DECIDED = Decision(State.QUEUED, None, "id", "email")


@pytest.fixture
def digesting(workshop: Workshop, clock: Clock) -> Digesting:
    """Makes digests by the test's clock."""
    return Digesting(workshop.pool, EMAIL, EIGHT, clock=clock)


async def look(workshop: Workshop, digesting: Digesting, at: datetime) -> int:
    """Look at a time, and return how many digests were made."""
    workshop.rules.clock.now = at  # type: ignore[union-attr]
    made = await digesting.tick()
    await workshop.pool.execute("UPDATE message SET next_attempt_at = $1 WHERE state = 'queued' AND attempts = 0", at)
    return made


async def someone(workshop: Workshop, story: Story, every: Digest, **choices: Any) -> tuple[UUID, UUID]:
    """Return an owner who wants digests, and their business; both came by an import."""
    owner = story.owner(origin="import", **choices)
    business = story.business(owner.fact.aggregate_id, origin="import")
    await workshop.apply(owner, business)
    await choose_digest(workshop.pool, ChooseDigest(owner.fact.aggregate_id, every, "budi"))
    return owner.fact.aggregate_id, business.fact.aggregate_id


def news(story: Story, owner_id: UUID, business_id: UUID) -> list[Event]:
    """Return three facts that can wait, one of them with an officer's reason."""
    reserved = application(owner_id, business_id)
    return [
        story.returned(business_id, owner_id, "Foto produk kabur"),
        story.verified(business_id),
        story.event(ApplicationReserved(**reserved, total=7_000, rank=9)),
    ]


async def test_a_day_has_one_message_that_tells_everything_and_the_next_day_the_rest(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner_id, business_id = await someone(workshop, story, Digest.HARIAN)
    await workshop.apply(*news(story, owner_id, business_id))
    await workshop.send()
    assert mailbox.mails == []
    assert {(state, reason) for _, state, reason in await workshop.states()} == {("suppressed", "in_digest")}
    assert [await look(workshop, digesting, THURSDAY_EIGHT) for _ in range(3)] == [1, 0, 0]
    await workshop.apply(story.verified(business_id))
    await workshop.send()
    [mail] = mailbox.mails
    assert mail["Subject"] == "Ringkasan hari ini: 3 kabar untuk Anda"
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
    assert ". Data perlu diperbaiki: Warung Siti" in text
    assert "Alasan dari petugas:\nFoto produk kabur" in text
    assert "masuk daftar cadangan" in text
    assert text.count("Yth.") == text.count("Dinas Koperasi") == 1
    assert "\n\n\n" not in text
    kept = "SELECT count(*) FROM message WHERE sealed_reason IS NOT NULL"
    assert await workshop.pool.fetchval(kept) == 1
    assert await look(workshop, digesting, THURSDAY_EIGHT + timedelta(hours=23)) == 0
    assert await workshop.pool.fetchval(kept) == 0
    assert await look(workshop, digesting, THURSDAY_EIGHT + timedelta(days=1)) == 1
    await workshop.send()
    assert mailbox.mails[1]["Subject"] == "Ringkasan hari ini: 1 kabar untuk Anda"


async def test_a_week_has_one_message_on_monday(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner_id, business_id = await someone(workshop, story, Digest.MINGGUAN, language="en")
    await workshop.apply(*news(story, owner_id, business_id))
    assert await look(workshop, digesting, MONDAY_EIGHT - timedelta(seconds=1)) == 0
    assert await look(workshop, digesting, MONDAY_EIGHT + timedelta(hours=30)) == 1
    await workshop.send()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Your week: 3 news"]


async def test_what_has_a_deadline_goes_out_at_once(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner_id, business_id = await someone(workshop, story, Digest.MINGGUAN)
    await workshop.apply(placed(story, application(owner_id, business_id), FRIDAY))
    await workshop.send()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Konfirmasi tempat Anda: Pameran Nusantara"]
    assert await look(workshop, digesting, MONDAY_EIGHT) == 0


async def test_a_replay_keeps_nothing_that_went_out_before_the_choice(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    business = story.business(owner.fact.aggregate_id, origin="import")
    verified = story.verified(business.fact.aggregate_id)
    await workshop.apply(owner, business, verified)
    await workshop.send()
    await choose_digest(workshop.pool, ChooseDigest(owner.fact.aggregate_id, Digest.HARIAN, "budi"))
    for _ in range(3):
        await workshop.apply(owner, business, verified)
        await look(workshop, digesting, THURSDAY_EIGHT)
        await workshop.send()
    assert len(mailbox.mails) == 1


async def test_who_stops_digests_hears_at_once_again_and_gets_what_was_kept(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner_id, business_id = await someone(workshop, story, Digest.MINGGUAN)
    await workshop.apply(*news(story, owner_id, business_id))
    await choose_digest(workshop.pool, ChooseDigest(owner_id, Digest.LANGSUNG, "budi"))
    await workshop.apply(story.verified(business_id))
    await workshop.send()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Usaha Anda terverifikasi: Warung Siti"]
    assert await look(workshop, digesting, THURSDAY_EIGHT) == 1


async def test_a_message_that_waited_for_its_owner_is_kept_too(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    owner_id = owner.fact.aggregate_id
    await choose_digest(workshop.pool, ChooseDigest(owner_id, Digest.HARIAN, "budi"))
    await workshop.apply(story.business(owner_id))
    await workshop.apply(owner)
    await workshop.send()
    assert await workshop.states() == [("business_registered", "suppressed", "in_digest")]
    assert await look(workshop, digesting, THURSDAY_EIGHT) == 1
    await workshop.send()
    assert len(mailbox.mails) == 1


async def test_without_consent_or_after_an_erasure_no_digest_goes_out(
    workshop: Workshop, story: Story, digesting: Digesting, mailbox: Mailbox
) -> None:
    first, second = [await someone(workshop, story, Digest.HARIAN) for _ in range(2)]
    await workshop.apply(*news(story, *first), *news(story, *second))
    await workshop.apply(story.consent(first[0], given=False), story.erased(second[0]))
    await look(workshop, digesting, THURSDAY_EIGHT)
    await workshop.send()
    assert mailbox.bodies == []
    made = [(state, reason) for template, state, reason in await workshop.states() if template == "digest"]
    assert sorted(made) == [("suppressed", "erased"), ("suppressed", "no_consent")]
    kept = await workshop.pool.fetchval("SELECT string_agg(m::text, ' ') FROM message m WHERE owner_id = $1", second[0])
    assert "nk1." not in kept


async def test_eight_at_once_make_one_digest_for_each_of_two_hundred(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 200)
    businesses = [story.business(owner_id, origin="import") for owner_id in ids(people)]
    await workshop.apply(*people, *businesses)
    for owner_id in ids(people):
        await choose_digest(workshop.pool, ChooseDigest(owner_id, Digest.HARIAN, "budi"))
    await workshop.apply(*(story.verified(business.fact.aggregate_id) for business in businesses))
    clock.now = THURSDAY_EIGHT
    made = await asyncio.gather(*(Digesting(workshop.pool, EMAIL, EIGHT, clock=clock).tick() for _ in range(8)))
    assert sum(made) == 200
    rows = await workshop.pool.fetch("SELECT owner_id FROM message WHERE template = 'digest'")
    assert Counter(row["owner_id"] for row in rows) == dict.fromkeys(ids(people), 1)
    assert await workshop.pool.fetchval("SELECT count(*) FROM digest_item WHERE digest_id IS NULL") == 0


async def test_the_office_notes_how_often(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    owner = story.owner()
    await workshop.apply(owner)
    path = f"/recipients/{owner.fact.aggregate_id}/digest"
    headers = token(Role.PETUGAS_DINAS)
    for every in ("mingguan", "harian", "langsung"):
        answer = await api.put(path, json={"every": every}, headers=headers)
        assert (answer.status_code, answer.json()["digest"]) == (200, every)
    assert (await api.put(path, json={"every": "jam"}, headers=headers)).status_code == 422
    unknown = await api.put(f"/recipients/{uuid4()}/digest", json={"every": "harian"}, headers=headers)
    assert unknown.status_code == 404


@given(st.sampled_from([Digest.HARIAN, Digest.MINGGUAN]), st.times(), st.integers(0, 400 * 24 * 60))
def test_digests_are_due_at_their_hour_and_the_newest_is_the_last(every: Digest, at: time, minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = last_due(every, at, now)
    length = timedelta(days=1 if every is Digest.HARIAN else 7)
    assert due <= now < due + length
    assert due.astimezone(WITA).time() == at
    assert every is Digest.HARIAN or due.astimezone(WITA).weekday() == 0
    assert last_due(every, at, due) == due
    owner_id = uuid4()
    assert digest_id(owner_id, due) == digest_id(owner_id, due.astimezone(UTC))
    assert digest_id(owner_id, due) != digest_id(owner_id, due + length)


def test_only_what_can_wait_is_kept_and_only_for_who_wants_it() -> None:
    assert DIGESTIBLE <= TEMPLATES
    assert not DIGESTIBLE & (STOPPABLE | {"announcement", "digest", "import_digest", "session_moved"})
    kept = held_back(DECIDED, "business_verified", "harian")
    assert (kept.state, kept.reason) == (State.SUPPRESSED, "in_digest")
    assert held_back(DECIDED, "business_verified", None) is DECIDED
    assert held_back(DECIDED, "enrolment_offered", "harian") is DECIDED
    refused = Decision(State.SUPPRESSED, "no_consent", "id", "email")
    assert held_back(refused, "business_verified", "harian") is refused


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("template", sorted(DIGESTIBLE))
def test_each_part_of_a_digest_has_its_text_without_greeting_and_footer(template: str, language: str) -> None:
    values = {**PARAMS, "name": "Siti", "business": "Warung Siti", "reason": "Sebabnya", "occurred_at": WEDNESDAY_NOON}
    part = without_frame(Renderer(load_kelurahan()).render(template, language, values).text)
    assert len(part) > 20
    assert not any(word in part for word in ("Yth.", "Dear", "--", "otomatis", "automatically"))
