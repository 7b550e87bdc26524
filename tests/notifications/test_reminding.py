"""Reminders on a real PostgreSQL and a real mailbox: once, moved, taken back, whatever comes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.notifications.commands import Topic
from services.notifications.domain.reminding import ReminderRule
from services.notifications.handlers.recording import record_facts
from services.notifications.handlers.reminding import Reminding
from shared.contracts.exhibitions import ApplicationConfirmed
from shared.contracts.training import LeavingCause
from shared.envelope import Event
from tests.notifications.city import EMAIL, ids, opt_out, owners
from tests.notifications.gatherings import FRIDAY, THURSDAY_NINE, Training, application, moved, placed
from tests.notifications.looking import look, reminders
from tests.notifications.mailbox import Mailbox
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop

WEDNESDAY = datetime(2026, 11, 25, 4, tzinfo=UTC)


def texts(mailbox: Mailbox, subject: str) -> list[str]:
    """Return the texts of the mails whose subject begins so."""
    parts = [mail.get_body(("plain",)) for mail in mailbox.mails if mail["Subject"].startswith(subject)]
    return [part.get_content() for part in parts if part is not None]


async def test_a_participant_is_reminded_once_at_nine_the_day_before(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    await workshop.apply(owner, *training.opened(), training.accepted(owner.fact.aggregate_id))
    await workshop.send()
    assert await look(workshop, reminding, THURSDAY_NINE - timedelta(seconds=1)) == 0
    assert [await look(workshop, reminding, THURSDAY_NINE) for _ in range(3)] == [1, 0, 0]
    await workshop.send()
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert subjects == ["Anda peserta pelatihan: Pemasaran Digital", "Jangan lupa, pelatihan: Pemasaran Digital"]
    [text] = texts(mailbox, "Jangan lupa")
    assert "Sesi 1 pelatihan" in text
    assert "mulai 27 November 2026 pukul 09.00 WITA, di Aula DKUMKMP" in text
    assert await look(workshop, reminding, THURSDAY_NINE + timedelta(hours=5)) == 0


async def test_an_enrolment_heard_of_before_its_batch_is_reminded_all_the_same(
    workshop: Workshop, story: Story, reminding: Reminding
) -> None:
    training = Training(story, (FRIDAY, FRIDAY + timedelta(days=7)))
    owner = story.owner(origin="import")
    await workshop.apply(training.accepted(owner.fact.aggregate_id))
    assert await look(workshop, reminding, THURSDAY_NINE) == 0
    await workshop.apply(*training.opened())
    assert await look(workshop, reminding, THURSDAY_NINE) == 1
    assert await reminders(workshop) == [("session_reminder", "waiting", None)]
    await workshop.apply(owner)
    await workshop.send()
    assert await reminders(workshop) == [("session_reminder", "sent", None)]
    assert await look(workshop, reminding, THURSDAY_NINE + timedelta(days=7)) == 1


async def test_a_reminder_moves_with_its_session(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    await workshop.apply(owner, *training.opened(), training.accepted(owner.fact.aggregate_id, at=WEDNESDAY))
    await workshop.apply(training.moved(FRIDAY + timedelta(days=3), at=WEDNESDAY + timedelta(hours=1)))
    assert await look(workshop, reminding, WEDNESDAY + timedelta(hours=2)) == 1
    assert await look(workshop, reminding, THURSDAY_NINE) == 0
    assert await look(workshop, reminding, THURSDAY_NINE + timedelta(days=3)) == 1
    await workshop.send()
    assert Counter(await reminders(workshop)) == {
        ("session_moved", "sent", None): 1,
        ("session_reminder", "sent", None): 1,
    }
    told = texts(mailbox, "Jadwal pelatihan berubah") + texts(mailbox, "Jangan lupa")
    assert len(told) == 2
    assert all("30 November 2026 pukul 09.00 WITA" in text for text in told)


async def test_moved_after_the_reminder_participants_hear_of_it_at_once_and_not_of_the_old_time(
    workshop: Workshop, story: Story, reminding: Reminding
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    await workshop.apply(owner, *training.opened(), training.accepted(owner.fact.aggregate_id, at=WEDNESDAY))
    assert await look(workshop, reminding, THURSDAY_NINE) == 1  # queued, and not sent yet
    hour_later = THURSDAY_NINE + timedelta(hours=1)
    await workshop.apply(training.moved(FRIDAY + timedelta(hours=4), at=hour_later))
    assert await reminders(workshop) == [("session_reminder", "suppressed", "reminder_void")]
    assert await look(workshop, reminding, hour_later) == 1
    assert await look(workshop, reminding, hour_later + timedelta(hours=1)) == 0
    await workshop.send()
    assert ("session_moved", "sent", None) in await reminders(workshop)
    # And back again: the reminder of the first time was taken back, so it is told like any other time.
    await workshop.apply(training.moved(FRIDAY, at=hour_later + timedelta(hours=2)))
    assert await look(workshop, reminding, hour_later + timedelta(hours=2)) == 1


@pytest.mark.parametrize("how", ["withdrawn", "batch cancelled"])
async def test_a_reminder_that_is_queued_is_taken_back_when_there_is_nothing_to_come_to(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox, how: str
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    seat = training.accepted(owner.fact.aggregate_id)
    await workshop.apply(owner, *training.opened(), seat)
    await workshop.send()
    await look(workshop, reminding, THURSDAY_NINE)
    await workshop.apply(training.withdrawn(seat) if how == "withdrawn" else training.cancelled())
    assert await reminders(workshop) == [("session_reminder", "suppressed", "reminder_void")]
    assert await look(workshop, reminding, THURSDAY_NINE + timedelta(hours=1)) == 0
    await workshop.send()
    assert not any("Jangan lupa" in mail["Subject"] for mail in mailbox.mails)
    steps = await workshop.pool.fetch("SELECT state, reason FROM message_step WHERE reason = 'reminder_void'")
    assert [tuple(step) for step in steps] == [("suppressed", "reminder_void")]


async def test_who_got_the_seat_after_the_hour_is_not_reminded_of_what_they_just_read(
    workshop: Workshop, story: Story, reminding: Reminding
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    late = training.accepted(owner.fact.aggregate_id, at=THURSDAY_NINE + timedelta(hours=2))
    await workshop.apply(owner, *training.opened(), late)
    assert await look(workshop, reminding, THURSDAY_NINE + timedelta(hours=3)) == 0


async def test_what_has_begun_is_reminded_of_no_more(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    await workshop.apply(owner, *training.opened(), training.accepted(owner.fact.aggregate_id))
    await workshop.send()
    await look(workshop, reminding, THURSDAY_NINE)
    assert await look(workshop, reminding, FRIDAY) == 0
    assert await reminders(workshop) == [("session_reminder", "suppressed", "too_late")]
    await workshop.send()
    assert len(mailbox.mails) == 1


async def test_an_exhibition_is_reminded_of_by_the_clock_of_its_own_zone_and_of_the_newest_place(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    business = story.business(owner.fact.aggregate_id, origin="import")
    applied = application(owner.fact.aggregate_id, business.fact.aggregate_id)
    await workshop.apply(owner, business, placed(story, applied, FRIDAY, at=WEDNESDAY))
    nine_in_jakarta = THURSDAY_NINE + timedelta(hours=1)
    assert await look(workshop, reminding, THURSDAY_NINE) == 0
    assert await look(workshop, reminding, nine_in_jakarta) == 1
    await workshop.apply(moved(story, applied, FRIDAY + timedelta(days=2), wave=2, booth=9, at=nine_in_jakarta))
    assert await look(workshop, reminding, nine_in_jakarta + timedelta(days=2)) == 1
    await workshop.send()
    assert sorted(await reminders(workshop)) == [
        ("exhibition_reminder", "sent", None),
        ("exhibition_reminder", "suppressed", "reminder_void"),
    ]
    [text] = texts(mailbox, "Jangan lupa")
    assert 'usaha "Warung Siti": stan 9, gelombang 2, mulai 29 November 2026 pukul 08.00 WIB' in text


@pytest.mark.parametrize("confirmed", [False, True])
async def test_who_has_not_confirmed_is_reminded_before_the_deadline_and_who_has_is_not(
    workshop: Workshop, story: Story, reminding: Reminding, mailbox: Mailbox, confirmed: bool
) -> None:
    owner, saturday = story.owner(origin="import"), FRIDAY + timedelta(days=1)
    applied = application(owner.fact.aggregate_id)
    core = {name: applied[name] for name in ("application_id", "exhibition_id", "owner_id", "business_id")}
    # The wave is on Saturday, the place is to be confirmed until Friday 08:00 in Jakarta.
    await workshop.apply(owner, placed(story, applied, saturday, at=WEDNESDAY))
    nine_in_jakarta = THURSDAY_NINE + timedelta(hours=1)
    assert await look(workshop, reminding, nine_in_jakarta - timedelta(seconds=1)) == 0
    assert [await look(workshop, reminding, nine_in_jakarta) for _ in range(2)] == [1, 0]
    if confirmed:
        await workshop.apply(story.event(ApplicationConfirmed(**core)))
    await workshop.send()
    found = await reminders(workshop)
    assert found == [("application_unconfirmed", *(("suppressed", "reminder_void") if confirmed else ("sent", None)))]
    told = texts(mailbox, "Tempat Anda belum dikonfirmasi")
    assert ["paling lambat 27 November 2026 pukul 08.00 WIB" in text for text in told] == [True] * (not confirmed)
    assert await look(workshop, reminding, nine_in_jakarta + timedelta(days=1)) == 1
    assert ("exhibition_reminder", "queued", None) in await reminders(workshop)


@pytest.mark.parametrize("days", [1, 2, 3])
async def test_a_place_kept_for_two_days_is_reminded_of_however_many_days_before_sessions_are(
    workshop: Workshop, story: Story, clock: Clock, days: int
) -> None:
    owner = story.owner(origin="import")
    applied = application(owner.fact.aggregate_id)
    # Told on Wednesday at noon (WITA), to be confirmed until Friday at noon; the wave is a week later.
    kept = placed(story, applied, WEDNESDAY + timedelta(days=9), at=WEDNESDAY)
    fact = kept.fact.model_copy(update={"confirm_by": WEDNESDAY + timedelta(days=2)})
    await workshop.apply(owner, Event(kept.meta, fact))
    reminding = Reminding(workshop.pool, EMAIL, ReminderRule(days), clock=clock)
    nine_in_jakarta = THURSDAY_NINE + timedelta(hours=1)
    assert await look(workshop, reminding, nine_in_jakarta - timedelta(seconds=1)) == 0
    assert await look(workshop, reminding, nine_in_jakarta) == 1
    assert await reminders(workshop) == [("application_unconfirmed", "queued", None)]


async def test_who_stopped_the_topic_gets_no_reminder_and_hears_of_a_move_all_the_same(
    workshop: Workshop, story: Story, reminding: Reminding
) -> None:
    training, owner = Training(story), story.owner(origin="import")
    await workshop.apply(owner, *training.opened(), training.accepted(owner.fact.aggregate_id, at=WEDNESDAY))
    await opt_out(workshop.pool, owner.fact.aggregate_id, Topic.PELATIHAN)
    await look(workshop, reminding, THURSDAY_NINE)
    assert await reminders(workshop) == [("session_reminder", "suppressed", "opted_out")]
    await workshop.apply(training.moved(FRIDAY + timedelta(days=1), at=THURSDAY_NINE))
    await look(workshop, reminding, THURSDAY_NINE)
    assert min(await reminders(workshop)) == ("session_moved", "queued", None)


@pytest.mark.parametrize("seed", range(4))
async def test_facts_in_any_order_and_three_times_make_the_same_reminders(
    workshop: Workshop, story: Story, reminding: Reminding, seed: int
) -> None:
    people = owners(story, 6)
    training = Training(story, (FRIDAY, FRIDAY + timedelta(days=7)))
    seats = [training.accepted(owner_id, at=WEDNESDAY) for owner_id in ids(people)]
    lanes: list[list[Event]] = [[person] for person in people]
    lanes += [[*training.opened(), training.moved(FRIDAY + timedelta(days=1), at=WEDNESDAY + timedelta(hours=1))]]
    lanes += [[seats[0], training.withdrawn(seats[0])], *([seat] for seat in seats[1:])]
    for _ in range(3):
        await _apply_mixed(workshop, lanes, Random(seed))
        await look(workshop, reminding, THURSDAY_NINE + timedelta(days=1))
    found = await reminders(workshop)
    assert Counter((template, state) for template, state, _ in found) == {
        ("session_moved", "queued"): 5,
        ("session_reminder", "queued"): 5,
    }


async def _apply_mixed(workshop: Workshop, lanes: list[list[Event]], random: Random) -> None:
    """Apply facts in an order that keeps only that of each aggregate, a few at a time."""
    waiting = [list(lane) for lane in lanes]
    while waiting:
        chosen = random.choice(waiting)
        batch = [chosen.pop(0) for _ in range(random.randint(1, len(chosen)))]
        await workshop.apply(*batch)
        waiting = [lane for lane in waiting if lane]


async def test_four_lookers_and_two_hundred_who_leave_meanwhile_leave_no_untrue_reminder(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 200)
    training = Training(story)
    seats = [training.accepted(owner_id) for owner_id in ids(people)]
    await workshop.apply(*people, *training.opened(), *seats)
    clock.now = THURSDAY_NINE
    lookers = [Reminding(workshop.pool, EMAIL, ReminderRule(), clock=clock) for _ in range(4)]
    leaving = [training.withdrawn(seat, LeavingCause.LAINNYA) for seat in seats[::2]]

    async def leave(event: Event) -> None:
        async with workshop.pool.acquire() as connection, connection.transaction():
            await record_facts(connection, [event], EMAIL)

    await asyncio.gather(*(looker.tick() for looker in lookers), *(leave(event) for event in leaving))
    while await lookers[0].tick():  # whom a look passed over because somebody held them
        pass
    rows: list[Any] = await workshop.pool.fetch(
        "SELECT owner_id, state FROM message WHERE event_type = 'reminder' ORDER BY owner_id"
    )
    gone = {event.fact.owner_id for event in leaving}  # type: ignore[attr-defined]
    queued = Counter[UUID](row["owner_id"] for row in rows if row["state"] == "queued")
    assert queued == dict.fromkeys(set(ids(people)) - gone, 1)
    assert {row["state"] for row in rows if row["owner_id"] in gone} <= {"suppressed"}
