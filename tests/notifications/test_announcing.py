"""Announcements on a real PostgreSQL and a real SMTP server: whom they reach, once each; cancelled; never in the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.notifications.commands import Audience, Topic
from services.notifications.domain.announcements import (
    EmptyAudienceError,
    NothingToCancelError,
    UnknownAnnouncementError,
    announcement_message_id,
)
from services.notifications.domain.timing import parse_quiet_hours
from services.notifications.handlers.announcing import count_audience, show_announcement
from services.notifications.handlers.sending import LEASE
from services.notifications.reference import load_kelurahan
from services.notifications.store.messages import hand_over
from shared.identifiers import new_id
from tests.notifications.city import (
    EMAIL,
    EVERYONE,
    TEXTS,
    announce,
    business,
    cancel,
    fan_out,
    finish,
    ids,
    opt_out,
    owners,
    rows_of,
    state_of,
)
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.story import Story
from tests.notifications.workshop import LINKS, Clock, Workshop


async def outcomes(workshop: Workshop, announcement_id: Any) -> Counter[tuple[str, str | None]]:
    """Count the messages of an announcement by state and reason."""
    return Counter((row["state"], row["reason"]) for row in await rows_of(workshop.pool, announcement_id))


async def test_each_owner_has_exactly_one_message_with_all_preferences_applied(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    told, silent, elsewhere, mute = (
        owners(story, 25),
        owners(story, 4, consent=False),
        owners(story, 3, channel="whatsapp"),
        owners(story, 2, channel=None),
    )
    await workshop.apply(*told, *silent, *elsewhere, *mute)
    for owner_id in ids(told[:5]):
        await opt_out(workshop.pool, owner_id)
    await opt_out(workshop.pool, ids(told)[6], Topic.KABAR)
    made = await announce(workshop.pool)
    assert await finish(fan_out(workshop, clock)) == 4
    rows = await rows_of(workshop.pool, made)
    assert [row["owner_id"] for row in rows] == sorted(ids([*told, *silent, *elsewhere, *mute]))
    assert [row["id"] for row in rows] == [announcement_message_id(made, row["owner_id"]) for row in rows]
    assert await outcomes(workshop, made) == {
        ("queued", None): 20,
        ("suppressed", "opted_out"): 5,
        ("suppressed", "no_consent"): 4,
        ("suppressed", "channel_unavailable"): 3,
        ("suppressed", "no_channel"): 2,
    }
    assert await state_of(workshop.pool, made) == ("done", 34, 34)
    count = await count_audience(workshop.pool, EVERYONE, Topic.PELATIHAN, load_kelurahan(), EMAIL)
    assert (count.total, count.told) == (34, {"email": 20})
    assert count.suppressed == {"opted_out": 5, "no_consent": 4, "channel_unavailable": 3, "no_channel": 2}


PLACED = [  # kelurahan, class, sector
    ("64.71.01.1001", "mikro", "kuliner"),
    ("64.71.01.1002", "kecil", "kuliner"),
    ("64.71.01.1002", "mikro", "kriya"),
    ("64.71.06.1001", "mikro", "kuliner"),
    ("TIDAK_DIKETAHUI", "tidak_diketahui", "tidak_diketahui"),
]


@pytest.mark.parametrize(
    ("audience", "reached"),
    [
        (EVERYONE, {0, 1, 2, 3, 4, 5}),
        (Audience(kecamatan=("64.71.01",)), {0, 1, 2}),
        (Audience(kelurahan=("64.71.01.1002", "TIDAK_DIKETAHUI")), {1, 2, 4}),
        (Audience(kecamatan=("64.71.01",), classes=("mikro",), sectors=("kuliner",)), {0}),
        (Audience(classes=("mikro",)), {0, 2, 3}),
        (Audience(sectors=("kuliner", "kriya")), {0, 1, 2, 3}),
        (Audience(classes=("tidak_diketahui",)), {4}),
    ],
)
async def test_an_audience_is_of_owners_with_a_business_that_fits_every_list(
    workshop: Workshop, story: Story, clock: Clock, audience: Audience, reached: set[int]
) -> None:
    people = owners(story, 6)
    shops = [
        business(story, owner_id, kelurahan=place, kelas=kelas, sector=sector)
        for owner_id, (place, kelas, sector) in zip(ids(people), PLACED, strict=False)
    ]
    await workshop.apply(*people, *shops)
    made = await announce(workshop.pool, audience)
    await finish(fan_out(workshop, clock, chunk=2))
    assert {row["owner_id"] for row in await rows_of(workshop.pool, made)} == {ids(people)[n] for n in reached}
    assert await state_of(workshop.pool, made) == ("done", len(reached), len(reached))


async def test_an_owner_of_several_businesses_is_told_once_and_one_whose_only_business_is_gone_not(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    busy, merged = owners(story, 2)
    shops = [business(story, busy.fact.aggregate_id, kelurahan="64.71.01.1001") for _ in range(3)]
    gone = business(story, merged.fact.aggregate_id, kelurahan="64.71.01.1001")
    await workshop.apply(busy, merged, *shops, gone)
    await workshop.apply(story.merged(gone.fact.aggregate_id, shops[0].fact.aggregate_id))
    made = await announce(workshop.pool, Audience(kecamatan=("64.71.01",)))
    await finish(fan_out(workshop, clock))
    assert [row["owner_id"] for row in await rows_of(workshop.pool, made)] == ids([busy])


async def test_an_audience_of_nobody_is_refused(workshop: Workshop, story: Story, clock: Clock) -> None:
    await workshop.apply(*owners(story, 1))
    with pytest.raises(EmptyAudienceError):
        await announce(workshop.pool, Audience(classes=("menengah",)))


async def test_the_mail_speaks_the_owners_language_and_carries_the_link_of_rfc_8058(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    indonesian, english = (
        story.owner(origin="import"),
        story.owner(origin="import", language="en", email="b@umkm.example"),
    )
    await workshop.apply(indonesian, english)
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    assert await workshop.send() == 2
    by_address = dict(mailbox.accepted)
    mail = by_address["siti@umkm.example"]
    link = LINKS.url(indonesian.fact.aggregate_id, Topic.PELATIHAN)
    assert mail["Subject"] == TEXTS["id"].subject
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Daftar di kelurahan." in text
    assert link in text
    assert by_address["b@umkm.example"]["Subject"] == TEXTS["en"].subject
    assert by_address["b@umkm.example"]["Content-Language"] == "en"
    [body] = [body for body in mailbox.bodies if link.encode() in body]
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in body
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in body


async def test_other_messages_carry_no_such_link(workshop: Workshop, story: Story, mailbox: Mailbox) -> None:
    await workshop.apply(story.owner())
    await workshop.send()
    assert "List-Unsubscribe" not in mailbox.mails[0]


async def test_what_changed_since_the_fan_out_counts_when_it_is_sent(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    people = owners(story, 5)
    keeps, withdraws, stops, is_erased, moves = ids(people)
    await workshop.apply(*people)
    made = await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    await workshop.apply(
        story.consent(withdraws, given=False), story.erased(is_erased), story.consent(moves, given=True, channel="sms")
    )
    await opt_out(workshop.pool, stops)
    await workshop.send()
    reasons = {row["owner_id"]: (row["state"], row["reason"]) for row in await rows_of(workshop.pool, made)}
    assert reasons == {
        keeps: ("sent", None),
        withdraws: ("suppressed", "no_consent"),
        stops: ("suppressed", "opted_out"),
        is_erased: ("suppressed", "erased"),
        moves: ("suppressed", "channel_unavailable"),
    }
    assert [address for address, _ in mailbox.accepted] == ["u0@umkm.example"]


async def test_a_worker_that_is_gone_between_two_chunks_is_followed_by_another_without_a_double(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 47)
    await workshop.apply(*people)
    made = await announce(workshop.pool)
    first = fan_out(workshop, clock)
    await first.step()
    await first.step()
    assert await state_of(workshop.pool, made) == ("running", 20, 47)
    assert await finish(fan_out(workshop, clock)) == 3
    assert [row["owner_id"] for row in await rows_of(workshop.pool, made)] == sorted(ids(people))
    assert await state_of(workshop.pool, made) == ("done", 47, 47)


async def test_a_chunk_whose_connection_is_cut_is_done_again_whole(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 30)
    await workshop.apply(*people)
    made = await announce(workshop.pool)
    worker = fan_out(workshop, clock)
    await worker.step()
    # Held up in the midst of its chunk by a lock, then cut off, as by a kill of the worker.
    async with workshop.pool.acquire() as blocker:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("LOCK TABLE message IN SHARE MODE")
        step = asyncio.create_task(worker.step())
        await _cut_whoever_waits(workshop)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await step
        await transaction.rollback()
    assert await state_of(workshop.pool, made) == ("running", 10, 30)
    await finish(fan_out(workshop, clock))
    assert [row["owner_id"] for row in await rows_of(workshop.pool, made)] == sorted(ids(people))


async def _cut_whoever_waits(workshop: Workshop) -> None:
    waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass"
    cut = "SELECT pg_terminate_backend($1)"
    pid = None
    while pid is None:
        await asyncio.sleep(0.02)
        pid = await workshop.pool.fetchval(waiting)
    await workshop.pool.execute(cut, pid)


async def test_two_workers_at_once_share_the_work_and_double_nothing(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 120)
    await workshop.apply(*people)
    made = [await announce(workshop.pool, topic=topic) for topic in (Topic.PELATIHAN, Topic.KABAR)]
    done = await asyncio.gather(*(finish(fan_out(workshop, clock, chunk=7)) for _ in range(4)))
    assert sum(done) == 2 * 18
    for announcement_id in made:
        assert [row["owner_id"] for row in await rows_of(workshop.pool, announcement_id)] == sorted(ids(people))
        assert await state_of(workshop.pool, announcement_id) == ("done", 120, 120)


async def test_a_fan_out_that_lost_its_progress_makes_no_message_twice(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    people = owners(story, 25)
    await workshop.apply(*people)
    made = await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    await workshop.send()
    before = await rows_of(workshop.pool, made)
    await workshop.pool.execute("UPDATE announcement SET state = 'queued', done = 0, last_owner = $1", UUID(int=0))
    await workshop.apply(late := story.owner(origin="import", email="baru@umkm.example"))
    await finish(fan_out(workshop, clock))
    await workshop.send()
    after = await rows_of(workshop.pool, made)
    assert [row for row in after if row["owner_id"] != late.fact.aggregate_id] == before
    assert len(after) == len(mailbox.accepted) == 26


async def test_cancelled_in_the_midst_nothing_more_is_made_or_sent(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    await workshop.apply(*owners(story, 35))
    made = await announce(workshop.pool)
    worker = fan_out(workshop, clock)
    await worker.step()
    await worker.step()
    sender = workshop.sender()
    await sender.round(workshop.never)
    sent = len(mailbox.accepted)
    assert 0 < sent < 20
    await cancel(workshop.pool, made)
    await workshop.send(sender)  # before any worker has taken a message back
    await finish(worker)
    await workshop.send(sender)
    assert len(mailbox.bodies) == sent
    assert (await state_of(workshop.pool, made))[0] == "cancelled"
    assert await outcomes(workshop, made) == {
        ("sent", None): sent,
        ("suppressed", "announcement_cancelled"): 20 - sent,
    }
    await cancel(workshop.pool, made)  # again changes nothing
    assert (await state_of(workshop.pool, made))[0] == "cancelled"


async def test_cancelled_while_a_sender_has_it_in_hand_the_body_does_not_go_out(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    await workshop.apply(*owners(story, 3))
    made = await announce(workshop.pool)
    worker, sender = fan_out(workshop, clock), workshop.sender()
    await finish(worker)
    claimed = await sender._claim("email", clock())
    await cancel(workshop.pool, made)
    await finish(worker)
    await sender._process("email", claimed, workshop.never)
    assert len(claimed) == 3
    assert mailbox.bodies == []
    assert await outcomes(workshop, made) == {("suppressed", "announcement_cancelled"): 3}


async def test_from_the_moment_of_the_cancel_no_sender_may_hand_over_what_it_has(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    await workshop.apply(*owners(story, 2))
    made = await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    sender = workshop.sender()
    first, second = await sender._claim("email", clock())
    assert await hand_over(workshop.pool, first.id, sender.name, clock(), LEASE, uuid4())
    await cancel(workshop.pool, made)
    assert not await hand_over(workshop.pool, second.id, sender.name, clock(), LEASE, uuid4())
    await finish(fan_out(workshop, clock))
    assert await outcomes(workshop, made) == {("sending", None): 1, ("suppressed", "announcement_cancelled"): 1}


async def test_what_is_out_cannot_be_cancelled(workshop: Workshop, story: Story, clock: Clock) -> None:
    await workshop.apply(*owners(story, 2))
    made = await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    await workshop.send()
    with pytest.raises(NothingToCancelError):
        await cancel(workshop.pool, made)
    with pytest.raises(UnknownAnnouncementError):
        await cancel(workshop.pool, new_id())


async def test_a_message_that_somebody_waits_for_goes_before_all_that_is_announced(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    await workshop.apply(*owners(story, 200))
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock, chunk=100))
    sender = workshop.sender()
    await sender.round(workshop.never)
    in_hand = len(mailbox.accepted)
    clock.forward(seconds=5)  # it is due later than everything announced
    await workshop.apply(story.owner(email="menunggu@umkm.example"))
    await sender.round(workshop.never)
    assert [address for address, _ in mailbox.accepted][in_hand:] == ["menunggu@umkm.example"]


async def test_announcements_leave_tokens_for_what_somebody_waits_for(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    workshop.change(per_minute=60)  # a burst of ten
    await workshop.apply(*owners(story, 50))
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    assert await workshop.send() == 8
    await workshop.apply(*(story.owner(email=f"menunggu{n}@umkm.example") for n in range(3)))
    assert await workshop.send() == 2
    assert all(address.startswith("menunggu") for address, _ in mailbox.accepted[8:])
    clock.forward(seconds=60)
    assert await workshop.send() == 8  # the one that was left, then announcements down to the reserve of two


async def test_nobody_hears_an_announcement_at_night(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    workshop.change(quiet=parse_quiet_hours("21:00-07:00"))
    clock.forward(hours=10)  # 22:00 WITA
    await workshop.apply(*owners(story, 3))
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    assert await workshop.send() == 0
    clock.forward(hours=9)
    assert await workshop.send() == 3
    assert len(mailbox.accepted) == 3


async def test_a_mail_server_that_refuses_for_now_is_asked_again_and_progress_tells(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    await workshop.apply(*owners(story, 3), *owners(story, 1, consent=False))
    made = await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    mailbox.mood = Mood.LATER
    await workshop.send()
    row, progress = await show_announcement(workshop.pool, made)
    assert (row["done"], row["total"]) == (4, 4)
    assert (progress.states, progress.suppressed) == ({"queued": 3, "suppressed": 1}, {"no_consent": 1})
    mailbox.mood = Mood.ACCEPT
    clock.now += timedelta(hours=1)
    await workshop.send()
    _, progress = await show_announcement(workshop.pool, made)
    assert progress.states == {"sent": 3, "suppressed": 1}
