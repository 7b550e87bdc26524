"""A reminder that is not so any more goes out by no way back: a stand-in, a later try, an operator's hand, a slow hand-over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifications.commands import ResendMessage
from services.notifications.domain.receipts import AttemptState, Receipt, key_of
from services.notifications.domain.reminding import ReminderRule
from services.notifications.domain.routes import Routes
from services.notifications.domain.timing import Rate
from services.notifications.handlers.operating import resend_message
from services.notifications.handlers.receiving import take_receipts
from services.notifications.handlers.reminding import Reminding
from shared.contracts.exhibitions import ApplicationConfirmed
from shared.envelope import Event
from tests.notifications.gatherings import FRIDAY, THURSDAY_NINE, Training, application, moved, placed
from tests.notifications.looking import look, reminders
from tests.notifications.slow import Slow, nothing
from tests.notifications.story import Story
from tests.notifications.telephones import Telephones
from tests.notifications.workshop import Clock, Workshop

VOID, LATE = "reminder_void", "too_late"
SOON = THURSDAY_NINE + timedelta(hours=1)
MADE_BY = Routes(frozenset({"whatsapp", "sms", "email"}), ("whatsapp", "sms", "email"))


@pytest.fixture
def reminding(workshop: Workshop, clock: Clock) -> Reminding:
    """Looks by the test's clock; WhatsApp is run."""
    return Reminding(workshop.pool, MADE_BY, ReminderRule(), clock=clock)


async def changed(workshop: Workshop, training: Training, seat: Event, how: str) -> str:
    """Let what a reminder speaks of change, or begin, and return why it is over then."""
    if how == "begun":
        workshop.rules.clock.now = FRIDAY  # type: ignore[union-attr]
        return LATE
    facts = {
        "withdrawn": lambda: training.withdrawn(seat),
        "cancelled": training.cancelled,
        "moved": lambda: training.moved(FRIDAY + timedelta(days=3), at=SOON),
    }
    await workshop.apply(facts[how]())
    return VOID


async def reminded(workshop: Workshop, story: Story, reminding: Reminding) -> tuple[Training, Event]:
    """Send somebody a seat, make the reminder of it, and return training and seat."""
    training, owner = Training(story), story.owner(origin="import", channel="whatsapp")
    seat = training.accepted(owner.fact.aggregate_id)
    await workshop.apply(owner, *training.opened(), seat)
    await workshop.send()
    assert await look(workshop, reminding, THURSDAY_NINE) == 1
    return training, seat


@pytest.mark.parametrize("how", ["withdrawn", "cancelled", "moved", "begun"])
async def test_no_stand_in_is_asked_for_a_reminder_that_is_over(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding, how: str
) -> None:
    training, seat = await reminded(workshop, story, reminding)
    await workshop.send()
    assert await reminders(workshop) == [("session_reminder", "sent", None)]
    why = await changed(workshop, training, seat, how)
    await telephones.graph.tell(telephones.graph.taken[1], "failed")
    assert (await reminders(workshop))[0][1] == "queued"
    await workshop.due_now()
    await workshop.send()
    assert telephones.gateway.taken == []
    assert ("session_reminder", "suppressed", why) in await reminders(workshop)
    assert await workshop.pool.fetchval("SELECT count(*) FROM message_step WHERE reason = $1", why) == 1


async def test_one_that_holds_goes_by_its_stand_in(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding
) -> None:
    await reminded(workshop, story, reminding)
    await workshop.send()
    await telephones.graph.tell(telephones.graph.taken[1], "failed")
    await workshop.due_now()
    await workshop.send()
    [text] = telephones.gateway.taken
    assert text.texts[0].startswith("Jangan lupa")


@pytest.mark.parametrize("how", ["confirmed", "moved"])
async def test_who_confirmed_or_has_another_place_meanwhile_is_not_asked_by_the_stand_in(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding, how: str
) -> None:
    owner, saturday = story.owner(origin="import", channel="whatsapp"), FRIDAY + timedelta(days=1)
    applied = application(owner.fact.aggregate_id)
    core = {name: applied[name] for name in ("application_id", "exhibition_id", "owner_id", "business_id")}
    await workshop.apply(owner, placed(story, applied, saturday))
    await workshop.send()
    assert await look(workshop, reminding, SOON) == 1
    await workshop.send()
    fact = story.event(ApplicationConfirmed(**core)) if how == "confirmed" else moved(story, applied, saturday, booth=9)
    await workshop.apply(fact)
    await telephones.graph.tell(telephones.graph.taken[1], "failed")
    await workshop.due_now()
    await workshop.send()
    assert await reminders(workshop) == [("application_unconfirmed", "suppressed", VOID)]
    assert telephones.gateway.taken == []


@pytest.mark.parametrize("how", ["withdrawn", "begun"])
async def test_an_operator_sends_no_reminder_again_that_is_over(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding, how: str
) -> None:
    training, seat = await reminded(workshop, story, reminding)
    await workshop.send()
    taken = telephones.graph.taken[1]
    key = key_of("whatsapp", taken.id)
    receipt = Receipt("whatsapp", key, UUID(taken.reference), AttemptState.FAILED, None, SOON)
    await take_receipts(workshop.pool, [receipt], Routes(frozenset({"whatsapp"})))
    assert await reminders(workshop) == [("session_reminder", "failed", None)]
    why = await changed(workshop, training, seat, how)
    [row] = await workshop.pool.fetch("SELECT id FROM message WHERE event_type = 'reminder'")
    async with workshop.pool.acquire() as connection, connection.transaction():
        await resend_message(connection, ResendMessage(row["id"], "coba lagi", "operator-1"))
    await workshop.due_now()
    await workshop.send()
    assert ("session_reminder", "suppressed", why) in await reminders(workshop)
    assert sum("Jangan lupa" in taken.texts[0] for taken in telephones.graph.taken) == 1


async def on_slow(workshop: Workshop, channel: Slow) -> None:
    """Let the reminder go by this channel alone."""
    slow: Any = lambda: channel  # noqa: E731 - one channel for all senders
    workshop.further = {"whatsapp": slow}
    workshop.change_channels({"whatsapp": Rate(60_000), "email": Rate(60_000)}, ("whatsapp",))
    await workshop.send()


@pytest.mark.parametrize("how", ["cancelled", "begun"])
async def test_a_later_try_is_not_made_of_a_reminder_that_is_over(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding, how: str
) -> None:
    training, seat = await reminded(workshop, story, reminding)
    whys: list[str] = []

    async def change() -> None:
        whys.append(await changed(workshop, training, seat, how))

    slow = Slow("Jangan lupa", nothing, change)
    await on_slow(workshop, slow)
    assert (await reminders(workshop))[0] == ("session_reminder", "queued", "busy")
    workshop.rules.clock.forward(minutes=2)  # type: ignore[union-attr]
    await workshop.send()
    assert len(slow.bodies) == 1
    assert ("session_reminder", "suppressed", whys[0]) in await reminders(workshop)


async def test_what_begins_while_a_channel_is_being_reached_is_not_handed_over(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding
) -> None:
    training, seat = await reminded(workshop, story, reminding)

    async def begin() -> None:
        await changed(workshop, training, seat, "begun")

    slow = Slow("Jangan lupa", begin, nothing)
    await on_slow(workshop, slow)
    assert slow.bodies == []
    assert await reminders(workshop) == [("session_reminder", "suppressed", LATE)]


async def test_a_withdrawal_that_meets_a_stand_in_on_its_way_stops_it_at_the_hand_over(
    workshop: Workshop, telephones: Telephones, story: Story, reminding: Reminding
) -> None:
    training, seat = await reminded(workshop, story, reminding)

    async def withdraw() -> None:
        # As where the fact was applied while the message was still with the provider before this one.
        await workshop.pool.execute("UPDATE participation SET attending = false")

    slow = Slow("Jangan lupa", withdraw, nothing)
    await on_slow(workshop, slow)
    assert slow.bodies == []
    assert await reminders(workshop) == [("session_reminder", "suppressed", VOID)]
