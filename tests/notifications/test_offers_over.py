"""An offer, or a place to confirm, goes out as long as it can be answered, and not after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.timing import Rate, parse_quiet_hours
from shared.contracts.exhibitions import ApplicationMoved, ApplicationPlaced
from shared.contracts.training import EnrolmentOffered
from shared.envelope import Event
from tests.notifications.gatherings import FRIDAY, application, place
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.slow import Slow, nothing
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop

EVENING = datetime.fromisoformat("2026-11-25T22:00:00+08:00")
HALF_PAST_FIVE = datetime.fromisoformat("2026-11-26T05:30:00+08:00")
SEVEN = datetime.fromisoformat("2026-11-26T07:00:00+08:00")
KINDS = ("enrolment_offered", "application_placed", "application_moved")


def asking(story: Story, template: str, owner_id: UUID, until: datetime) -> Event:
    """A fact whose message asks for an answer until an instant."""
    if template == "enrolment_offered":
        ids = {name: uuid4() for name in ("enrolment_id", "batch_id", "course_id", "business_id")}
        seat = {"title": "Pemasaran", "place": "Aula", "starts_at": FRIDAY, "until": until}
        return story.event(EnrolmentOffered(**ids, owner_id=owner_id, **seat), time=EVENING)
    said = application(owner_id) | place(FRIDAY) | {"confirm_by": until}
    if template == "application_placed":
        return story.event(ApplicationPlaced(**said), time=EVENING)
    return story.event(ApplicationMoved(**said, previous_booth_id=uuid4(), previous_wave=1), time=EVENING)


async def asked(workshop: Workshop, story: Story, template: str, until: datetime, **choices: Any) -> None:
    """Tell an owner, known already, of something to answer until an instant, in the evening before."""
    workshop.rules.clock.now = EVENING  # type: ignore[union-attr]
    owner = story.owner(origin="import", **choices)
    await workshop.apply(owner, asking(story, template, owner.fact.aggregate_id, until))


@pytest.mark.parametrize("template", KINDS)
@pytest.mark.parametrize(("until", "told"), [(HALF_PAST_FIVE, False), (SEVEN, False), (FRIDAY, True)])
async def test_after_the_quiet_hours_an_offer_goes_out_only_if_it_still_stands(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock, template: str, until: datetime, told: bool
) -> None:
    workshop.change(quiet=parse_quiet_hours("21:00-07:00"))
    await asked(workshop, story, template, until)
    assert await workshop.send() == 0
    clock.now = SEVEN
    await workshop.send()
    assert await workshop.states() == [(template, *(("sent", None) if told else ("suppressed", "too_late")))]
    assert len(mailbox.bodies) == told


@pytest.mark.parametrize("template", KINDS)
async def test_a_later_try_of_an_offer_is_not_made_when_it_is_over(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock, template: str
) -> None:
    await asked(workshop, story, template, EVENING + timedelta(seconds=30))
    mailbox.mood = Mood.LATER
    await workshop.send()
    assert [state for _, state, _ in await workshop.states()] == ["queued"]
    mailbox.mood = Mood.ACCEPT
    clock.forward(minutes=5)
    await workshop.send()
    assert await workshop.states() == [(template, "suppressed", "too_late")]
    assert mailbox.mails == []


async def test_an_offer_that_ends_while_a_channel_is_being_reached_is_not_handed_over(
    workshop: Workshop, story: Story, clock: Clock
) -> None:
    async def wait() -> None:
        clock.forward(minutes=1)

    slow = Slow("Ada kursi", wait, nothing)
    workshop.further = {"whatsapp": lambda: slow}
    workshop.change_channels({"whatsapp": Rate(60_000), "email": Rate(60_000)}, ())
    await asked(workshop, story, "enrolment_offered", EVENING + timedelta(seconds=30), channel="whatsapp")
    await workshop.send()
    assert slow.bodies == []
    assert await workshop.states() == [("enrolment_offered", "suppressed", "too_late")]
