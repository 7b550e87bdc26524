"""What the office refuses in a training, or takes back, is told to whom it concerns, with its cause."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.commands import ChooseDigest, Digest
from services.notifications.handlers.digesting import choose_digest
from services.notifications.handlers.rendering import Renderer
from services.notifications.handlers.wording import CAUSES
from services.notifications.reference import load_kelurahan
from shared.contracts.training import (
    CertificateRevoked,
    EnrolmentRegistered,
    EnrolmentRejected,
    EnrolmentState,
    LeavingCause,
    RevocationCause,
)
from shared.envelope import Event
from tests.notifications.mailbox import Mailbox
from tests.notifications.story import Story
from tests.notifications.workshop import Workshop

SAID = {"title": "Pemasaran Digital", "place": "Aula", "starts_at": datetime(2026, 12, 3, 1, tzinfo=UTC)}


def enrolled_and_refused(story: Story, owner_id: UUID, said: dict[str, Any] = SAID) -> list[Event]:
    """An owner enrols to be selected, and is refused."""
    ids = {name: uuid4() for name in ("enrolment_id", "batch_id", "course_id", "business_id")}
    more = {"state": EnrolmentState.DIAJUKAN, "priority": 0, "arrival": 1}
    unfit = LeavingCause.TIDAK_MEMENUHI_SYARAT
    return [
        story.event(EnrolmentRegistered(**ids, owner_id=owner_id, **SAID, **more)),
        story.event(EnrolmentRejected(**ids, owner_id=owner_id, cause=unfit, **said)),
    ]


def revoked(story: Story, owner_id: UUID) -> Event:
    """A certificate is taken back."""
    ids = {name: uuid4() for name in ("certificate_id", "enrolment_id", "batch_id", "business_id")}
    cause = RevocationCause.SALAH_DATA
    return story.event(CertificateRevoked(**ids, owner_id=owner_id, number="0042/DIGI/2026", edition=1, cause=cause))


def last_text(mailbox: Mailbox) -> str:
    """Return the text of the mail that came last."""
    part = mailbox.mails[-1].get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


@pytest.mark.parametrize(
    ("language", "subject", "told"),
    [
        (
            "id",
            "Pendaftaran belum diterima: Pemasaran Digital",
            'pelatihan "Pemasaran Digital" yang mulai 3 Desember 2026 pukul 09.00 WITA belum dapat diterima: persyaratan belum terpenuhi.',
        ),
        (
            "en",
            "Enrolment not accepted: Pemasaran Digital",
            'the training "Pemasaran Digital" that begins on 3 December 2026 at 09:00 WITA (UTC+8) was not accepted: requirements are not met.',
        ),
    ],
)
async def test_who_is_refused_hears_of_it_with_the_cause(
    workshop: Workshop, story: Story, mailbox: Mailbox, language: str, subject: str, told: str
) -> None:
    owner = story.owner(origin="import", language=language)
    enrolled, refused = enrolled_and_refused(story, owner.fact.aggregate_id)
    await workshop.apply(owner, enrolled)
    await workshop.send()
    for _ in range(2):
        await workshop.apply(refused)
        await workshop.send()
    assert [mail["Subject"] for mail in mailbox.mails][1:] == [subject]
    assert told in last_text(mailbox)


async def test_a_refusal_from_before_it_said_for_what_is_told_without_that(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    await workshop.apply(owner, enrolled_and_refused(story, owner.fact.aggregate_id, {})[1])
    await workshop.send()
    assert mailbox.mails[0]["Subject"] == "Pendaftaran belum diterima: pelatihan"
    assert "Pendaftaran Anda untuk pelatihan belum dapat diterima: persyaratan belum terpenuhi." in last_text(mailbox)


async def test_whose_certificate_is_taken_back_hears_of_it_with_the_cause(
    workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    owner = story.owner(origin="import")
    await workshop.apply(owner, revoked(story, owner.fact.aggregate_id))
    await workshop.send()
    assert mailbox.mails[0]["Subject"] == "Sertifikat tidak berlaku lagi: 0042/DIGI/2026"
    assert "bernomor 0042/DIGI/2026 sudah dicabut: datanya salah." in last_text(mailbox)


async def test_both_wait_for_the_digest_of_who_wants_one(workshop: Workshop, story: Story) -> None:
    owner = story.owner(origin="import")
    owner_id = owner.fact.aggregate_id
    await workshop.apply(owner)
    await choose_digest(workshop.pool, ChooseDigest(owner_id, Digest.HARIAN, "budi"))
    await workshop.apply(enrolled_and_refused(story, owner_id)[1], revoked(story, owner_id))
    assert sorted(await workshop.states()) == [
        ("certificate_revoked", "suppressed", "in_digest"),
        ("enrolment_rejected", "suppressed", "in_digest"),
    ]


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_cause_that_they_may_name_has_a_word(language: str) -> None:
    refusing = {LeavingCause.TIDAK_MEMENUHI_SYARAT, LeavingCause.LAINNYA}
    assert {*refusing, *RevocationCause} <= CAUSES[language].keys()
    values = {"name": "Siti", "number": "0042", "cause": RevocationCause.LAINNYA.value}
    assert "_" not in Renderer(load_kelurahan()).render("certificate_revoked", language, values).text
