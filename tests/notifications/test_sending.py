"""Senders on a real PostgreSQL and a real SMTP server: what becomes of a message, and that it never goes twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic

import pytest

from services.notifications.domain.timing import parse_quiet_hours
from services.notifications.handlers import pacing
from services.notifications.handlers.sending import LEASE
from shared.metrics import Metrics
from tests.metrics.reading import read
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.story import Registry, Story
from tests.notifications.workshop import ANSWER_SECONDS, OFFICE, SILENCE_SECONDS, Clock, Workshop


async def outcome(workshop: Workshop) -> tuple[str, str | None]:
    [(_, state, reason)] = await workshop.states()
    return state, reason


async def test_a_message_is_sent_in_the_owners_name_over_one_connection(
    workshop: Workshop, story: Story, mailbox: Mailbox, registry: Registry
) -> None:
    owner = story.owner()
    business = story.business(owner.fact.aggregate_id, name="Warung <Siti>")
    await workshop.apply(owner, business, story.verified(business.fact.aggregate_id))
    assert await workshop.send() == 3
    assert mailbox.connections == 1
    assert {address for address, _ in mailbox.accepted} == {"siti@umkm.example"}
    assert "Usaha Anda terverifikasi: Warung <Siti>" in [mail["Subject"] for mail in mailbox.mails]
    assert len(registry.asked) == 1
    assert registry.asked[0]["purpose"] == "notifikasi"


async def test_outcomes_are_counted_by_channel(workshop: Workshop, story: Story, mailbox: Mailbox) -> None:
    sender, metrics = workshop.sender(), Metrics()
    sender.metrics = metrics
    await workshop.apply(story.owner(), story.owner(email="kedua@umkm.example"))
    await workshop.send(sender)
    mailbox.mood = Mood.NEVER
    await workshop.apply(story.owner(email="ketiga@umkm.example"))
    await workshop.send(sender)
    assert await read(metrics) == {
        ("naikkelas_notifications_total", "email", "sent"): 2,
        ("naikkelas_notifications_total", "email", "failed"): 1,
    }


async def test_the_message_id_of_a_mail_is_the_messages_own(workshop: Workshop, story: Story, mailbox: Mailbox) -> None:
    await workshop.apply(story.owner())
    await workshop.send()
    [row] = await workshop.messages()
    assert mailbox.mails[0]["Message-ID"] == f"<{row['id']}@umkm.example>"


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        (Mood.LATER, ("queued", "smtp_451_4.3.0")),
        (Mood.GREYLISTED, ("queued", "smtp_450_4.2.0")),
        (Mood.NEVER, ("failed", "smtp_550_5.7.1")),
        (Mood.NO_SUCH_USER, ("failed", "smtp_550_5.1.1")),
        (Mood.SILENT, ("unknown", "no_answer")),
        (Mood.HANG_UP, ("unknown", "connection_lost")),
    ],
)
async def test_each_answer_has_its_outcome_without_the_address_in_the_reason(
    workshop: Workshop, story: Story, mailbox: Mailbox, mood: Mood, expected: tuple[str, str]
) -> None:
    mailbox.mood = mood
    workshop.answer_seconds = SILENCE_SECONDS if mood is Mood.SILENT else ANSWER_SECONDS
    await workshop.apply(story.owner())
    await workshop.send()
    assert await outcome(workshop) == expected


@pytest.mark.parametrize("mood", [Mood.SILENT, Mood.HANG_UP])
async def test_what_may_have_arrived_is_never_sent_again_by_itself(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock, mood: Mood
) -> None:
    mailbox.mood = mood
    workshop.answer_seconds = SILENCE_SECONDS if mood is Mood.SILENT else ANSWER_SECONDS
    await workshop.apply(story.owner())
    await workshop.send()
    mailbox.mood = Mood.ACCEPT
    clock.forward(days=3)
    await workshop.send(workshop.sender(life="b"))
    assert (await outcome(workshop))[0] == "unknown"
    assert len(mailbox.bodies) == 1


async def test_a_later_try_succeeds_and_each_step_is_kept(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    mailbox.mood = Mood.LATER
    await workshop.apply(story.owner())
    await workshop.send()
    mailbox.mood = Mood.ACCEPT
    assert await workshop.send() == 0
    clock.forward(seconds=31)  # half of the bound of the first wait
    await workshop.send()
    assert await outcome(workshop) == ("sent", None)
    steps = await workshop.pool.fetch("SELECT state, reason, attempt FROM message_step ORDER BY id")
    assert [tuple(step) for step in steps] == [("queued", "smtp_451_4.3.0", 1), ("sent", None, 2)]


async def test_a_message_that_is_refused_again_and_again_fails(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    mailbox.mood = Mood.LATER
    await workshop.apply(story.owner())
    for _ in range(5):
        await workshop.send()
        clock.forward(hours=3)
    assert await outcome(workshop) == ("failed", "gave_up_smtp_451_4.3.0")
    assert len(mailbox.bodies) == 3


async def test_a_mail_server_that_is_away_costs_no_try(workshop: Workshop, story: Story, clock: Clock) -> None:
    await workshop.apply(story.owner())
    port, workshop.mailbox.port = workshop.mailbox.port, 1
    sender = workshop.sender()
    await workshop.send(sender)
    [row] = await workshop.messages()
    assert (row["state"], row["reason"], row["attempts"]) == ("queued", "email_away", 0)
    assert "email" in sender.problems
    workshop.mailbox.port = port
    clock.forward(minutes=2)
    await workshop.send()
    assert (await outcome(workshop))[0] == "sent"


async def test_a_registry_that_is_away_costs_no_try(
    workshop: Workshop,
    story: Story,
    registry: Registry,
    clock: Clock,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await workshop.apply(story.owner())
    registry.away = True
    sender = workshop.sender()
    await workshop.send(sender)
    [row] = await workshop.messages()
    assert (row["state"], row["reason"], row["attempts"]) == ("queued", "registry_away", 0)
    assert "registry" in sender.problems
    assert mailbox.connections == 0
    registry.away = False
    clock.forward(minutes=2)
    await workshop.send()
    assert (await outcome(workshop))[0] == "sent"
    # Another sender has sent it. This one finds nothing to try it with, and does not tell of it for ever.
    assert "registry" in sender.problems
    monkeypatch.setattr(pacing, "monotonic", lambda: monotonic() + 120)
    await workshop.send(sender)
    assert sender.problems == {}


async def test_a_key_that_was_erased_suppresses_before_the_fact_arrives(
    workshop: Workshop, story: Story, registry: Registry, mailbox: Mailbox
) -> None:
    owner = story.owner()
    await workshop.apply(owner)
    registry.erase(owner.fact.aggregate_id)
    await workshop.send()
    assert await outcome(workshop) == ("suppressed", "erased")
    assert mailbox.bodies == []


async def test_consent_that_was_withdrawn_meanwhile_counts(workshop: Workshop, story: Story, mailbox: Mailbox) -> None:
    owner = story.owner()
    await workshop.apply(owner)
    await workshop.apply(story.consent(owner.fact.aggregate_id, given=False))
    await workshop.send()
    assert await outcome(workshop) == ("suppressed", "no_consent")
    assert mailbox.bodies == []


async def test_an_owner_without_an_address_is_not_written_to(workshop: Workshop, story: Story) -> None:
    await workshop.apply(story.owner(email=None))
    await workshop.send()
    assert await outcome(workshop) == ("suppressed", "no_address")


async def test_a_digest_goes_to_the_officer_or_else_to_the_office(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    await workshop.pool.execute(
        "INSERT INTO officer (sub, address, language, changed_by) VALUES ('petugas-1', 'p1@umkm.example', 'en', 'x')"
    )
    await workshop.apply(story.import_completed("petugas-1"), story.import_completed("petugas-2"))
    await workshop.send()
    found = {address: mail["Subject"] for address, mail in mailbox.accepted}
    assert found == {
        "p1@umkm.example": "Import finished: Manggar, 2,795 rows",
        OFFICE: "Impor selesai: Manggar, 2.795 baris",
    }


async def test_owners_are_not_written_to_at_night_but_officers_are(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    workshop.change(quiet=parse_quiet_hours("21:00-07:00"))
    clock.forward(hours=9)  # 21:00 WITA
    await workshop.apply(story.owner(), story.import_completed())
    await workshop.send()
    assert [address for address, _ in mailbox.accepted] == [OFFICE]
    clock.forward(hours=9, minutes=59)
    await workshop.send()
    assert len(mailbox.accepted) == 1
    clock.forward(minutes=1)  # 07:00 WITA
    await workshop.send()
    assert len(mailbox.accepted) == 2


async def test_several_senders_share_the_rate_of_a_channel(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    workshop.change(per_minute=60)  # a burst of ten, then one a second
    await workshop.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(30)))
    senders = [workshop.sender(number=number) for number in range(4)]
    await asyncio.gather(*(workshop.send(sender) for sender in senders))
    assert len(mailbox.accepted) == 10
    clock.forward(seconds=5)
    await asyncio.gather(*(workshop.send(sender) for sender in senders))
    assert len(mailbox.accepted) == 15


async def test_many_senders_send_each_message_once(workshop: Workshop, story: Story, mailbox: Mailbox) -> None:
    await workshop.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(120)))
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(5)))
    assert sorted(address for address, _ in mailbox.accepted) == sorted(f"u{n}@umkm.example" for n in range(120))


async def test_a_sender_whose_lease_ran_out_does_not_send(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    await workshop.apply(story.owner())
    slow = workshop.sender("worker-slow")
    [message] = await slow._claim("email", clock())
    clock.forward(seconds=LEASE.total_seconds() + 1)
    await workshop.send(workshop.sender("worker-2"))
    assert len(mailbox.bodies) == 1
    await slow._process("email", [message], workshop.never)
    assert len(mailbox.bodies) == 1
    assert await outcome(workshop) == ("sent", None)


async def test_a_dead_sender_leaves_unknown_what_went_out_and_queued_what_did_not(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    await workshop.apply(story.owner(email="a@umkm.example"), story.owner(email="b@umkm.example"))
    dead = workshop.sender(life="a")
    first, second = await dead._claim("email", clock())
    await workshop.pool.execute("UPDATE message SET handed_over_at = $2 WHERE id = $1", first.id, clock())
    await workshop.send(workshop.sender(life="b"))  # the same instance, started again: no lease is waited for
    states = {row["id"]: (row["state"], row["reason"]) for row in await workshop.messages()}
    assert states == {first.id: ("unknown", "sender_lost"), second.id: ("sent", None)}
    assert len(mailbox.bodies) == 1


async def test_an_answer_that_comes_late_still_counts(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    await workshop.apply(story.owner())
    mailbox.mood = Mood.SILENT
    slow = workshop.sender("worker-slow")
    sending = asyncio.create_task(slow.round(workshop.never))
    await mailbox.wait_for(1)
    clock.forward(seconds=LEASE.total_seconds() + 1)
    await workshop.send(workshop.sender("worker-2"))
    assert await outcome(workshop) == ("unknown", "sender_lost")
    mailbox.mood = Mood.ACCEPT
    mailbox.released.set()
    await sending
    assert await outcome(workshop) == ("sent", None)


async def test_a_sender_that_stops_gives_back_what_it_did_not_begin(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    await workshop.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(5)))
    mailbox.mood = Mood.SILENT
    stop = asyncio.Event()
    sender = workshop.sender()
    running = asyncio.create_task(sender.run(stop))
    await mailbox.wait_for(1)
    stop.set()
    mailbox.mood = Mood.ACCEPT
    mailbox.released.set()
    await asyncio.wait_for(running, 10)
    assert sorted(state for _, state, _ in await workshop.states()) == ["queued"] * 4 + ["sent"]
    attempts = await workshop.pool.fetch("SELECT attempts FROM message WHERE state = 'queued'")
    assert [row[0] for row in attempts] == [0] * 4


async def test_waiting_longer_than_a_minute_is_never_needed_to_notice_the_registry(workshop: Workshop) -> None:
    pause = workshop.sender()._pauses["registry"]
    waits = [pause.longer() for _ in range(10)]
    assert waits[0] == timedelta(seconds=1)
    assert waits[-1] == timedelta(minutes=1)
