"""What a partner held and the office records afterwards asks nobody to come, to confirm, or to say that they cannot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.timing import parse_quiet_hours
from services.notifications.handlers.reminding import Reminding
from shared.contracts.exhibitions import ApplicationMoved, ApplicationPlaced
from shared.contracts.training import EnrolmentAccepted, EnrolmentRegistered, EnrolmentState
from shared.envelope import Event
from tests.notifications.gatherings import application, place
from tests.notifications.looking import look, reminders
from tests.notifications.mailbox import Mailbox
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop

HELD = datetime.fromisoformat("2026-10-01T09:00:00+08:00")
RECORDED = datetime.fromisoformat("2026-10-20T10:00:00+08:00")
ASKING = ("Konfirmasi", "berhalangan", "menawarkannya", "Confirm", "cannot come", "offered to you")


def placed(story: Story, owner_id: UUID, starts_at: datetime, *, again: bool = False) -> Event:
    """A partner's exhibition is recorded: two days for the confirmation, whenever it is held."""
    said = application(owner_id) | place(starts_at) | {"confirm_by": RECORDED + timedelta(hours=48)}
    moved = {"previous_booth_id": uuid4(), "previous_wave": 1}
    fact = ApplicationMoved(**said, **moved) if again else ApplicationPlaced(**said)
    return story.event(fact, time=RECORDED)


def seated(story: Story, owner_id: UUID, *, waiting: bool = False) -> Event:
    """A partner's list of participants is recorded."""
    ids = {name: uuid4() for name in ("enrolment_id", "batch_id", "course_id", "business_id")}
    seat: dict[str, Any] = {**ids, "owner_id": owner_id, "title": "Pemasaran", "place": "Aula", "starts_at": HELD}
    queued = {"state": EnrolmentState.DAFTAR_TUNGGU, "priority": 0, "arrival": 9}
    return story.event(EnrolmentRegistered(**seat, **queued) if waiting else EnrolmentAccepted(**seat), time=RECORDED)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "id",
            [
                'Anda tercatat sebagai peserta pelatihan "Pemasaran", yang mulai 1 Oktober 2026 pukul 09.00 WITA, di Aula.',
                'Kursi pelatihan "Pemasaran", yang mulai 1 Oktober 2026 pukul 09.00 WITA, sudah penuh',
                'tercatat menempati stan 7, gelombang 1, pada pameran "Pameran Nusantara" di Jakarta Convention Center, yang mulai 1 Oktober 2026 pukul 08.00 WIB.',
                'sekarang tercatat menempati stan 7, gelombang 1, pada pameran "Pameran Nusantara"',
            ],
        ),
        (
            "en",
            [
                'You are on record as a participant of the training "Pemasaran", which began on 1 October 2026 at 09:00 WITA (UTC+8), at Aula.',
                'The training "Pemasaran", which began on 1 October 2026 at 09:00 WITA (UTC+8), is full',
                'is on record with booth 7, wave 1, at the exhibition "Pameran Nusantara"',
                'is now on record with booth 7, wave 1, at the exhibition "Pameran Nusantara"',
            ],
        ),
    ],
)
async def test_what_was_over_when_it_was_recorded_is_told_as_a_record(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock, language: str, told: list[str]
) -> None:
    clock.now = RECORDED
    owner = story.owner(origin="import", language=language)
    owner_id = owner.fact.aggregate_id
    exhibited = [placed(story, owner_id, HELD), placed(story, owner_id, HELD, again=True)]
    events = [seated(story, owner_id), seated(story, owner_id, waiting=True), *exhibited]
    await workshop.apply(owner)
    for event, text in zip(events, told, strict=True):
        await workshop.apply(event)
        await workshop.send()
        part = mailbox.mails[-1].get_body(("plain",))
        assert part is not None
        assert text in part.get_content()
        assert not any(word in f"{mailbox.mails[-1]['Subject']} {part.get_content()}" for word in ASKING)


async def test_a_record_is_told_whatever_time_was_given_to_confirm_it(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    clock.now = RECORDED
    owner = story.owner(origin="import")
    await workshop.apply(owner, placed(story, owner.fact.aggregate_id, HELD))
    clock.forward(days=3)
    await workshop.send()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Tempat Anda tercatat: Pameran Nusantara"]


async def test_nobody_is_reminded_to_confirm_a_place_that_is_over(
    workshop: Workshop, story: Story, reminding: Reminding, clock: Clock
) -> None:
    owner = story.owner(origin="import")
    owner_id = owner.fact.aggregate_id
    # And one of a wave that begins between the record and the end of the time to confirm.
    begins = RECORDED + timedelta(hours=6)
    await workshop.apply(owner, placed(story, owner_id, HELD), placed(story, owner_id, begins))
    for hours in range(7, 49, 6):
        assert await look(workshop, reminding, RECORDED + timedelta(hours=hours)) == 0
    assert await reminders(workshop) == []


async def test_what_begins_before_it_can_be_told_asks_for_no_confirmation(
    workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    clock.now = RECORDED
    workshop.change(quiet=parse_quiet_hours("09:00-17:00"))
    owner = story.owner(origin="import")
    await workshop.apply(owner, placed(story, owner.fact.aggregate_id, RECORDED + timedelta(hours=6)))
    assert await workshop.send() == 0
    clock.forward(hours=7)
    await workshop.send()
    assert await workshop.states() == [("application_placed", "suppressed", "too_late")]
    assert mailbox.bodies == []
