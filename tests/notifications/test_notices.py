"""Which fact tells whom, and how a message may move: pure."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.folding import drafts, fold
from services.notifications.domain.messages import MOVES, Recipient, State, Suppression, decide, sources_of
from services.notifications.domain.notices import (
    NOTICES,
    NOTIFYING_TYPES,
    TEMPLATES,
    RecipientKind,
    is_naik_kelas,
    message_id,
)
from services.notifications.domain.routes import Routes
from services.notifications.handlers.rendering import TEMPLATES as FOLDER
from shared.contracts.registry import BusinessClass
from shared.contracts.training import (
    EnrolmentAccepted,
    EnrolmentOffered,
    EnrolmentRegistered,
    EnrolmentState,
    EnrolmentWithdrawn,
    LeavingCause,
)
from shared.envelope import Event
from tests.notifications.story import Story


def test_an_import_asks_for_nothing_but_the_officers_digest(story: Story) -> None:
    owner = story.owner(origin="import")
    events = [owner, story.business(owner.fact.aggregate_id, origin="import"), story.import_completed()]
    found = drafts(fold(events), {})
    assert [(d.template, d.recipient_kind, d.recipient_id) for d in found] == [
        ("import_digest", RecipientKind.OFFICER, "petugas-1")
    ]


def test_a_command_tells_the_principal_owner(story: Story) -> None:
    owner = story.owner()
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id)
    returned = story.returned(business.fact.aggregate_id, owner_id, "NIB tidak terbaca")
    found = drafts(fold([owner, business, returned]), {})
    assert [d.template for d in found] == ["owner_registered", "business_registered", "business_returned"]
    assert {d.recipient_id for d in found} == {str(owner_id)}
    assert [d.sealed_reason is not None for d in found] == [False, False, True]


def test_owner_of_a_business_is_looked_up_only_where_the_batch_does_not_tell(story: Story) -> None:
    owner_id = uuid4()
    business = story.business(owner_id)
    business_id = business.fact.aggregate_id
    verified = story.verified(business_id)
    assert fold([business, verified]).contacts_wanted() == []
    assert fold([verified]).contacts_wanted() == [business_id]
    assert drafts(fold([verified]), {business_id: owner_id})[0].recipient_id == str(owner_id)


def test_message_ids_are_the_same_for_ever() -> None:
    event_id = UUID("0190f0c0-a000-7000-8000-00000000abcd")
    found = message_id(event_id, RecipientKind.OFFICER, "petugas-1", "import_digest")
    assert str(found) == "0684df20-9eeb-52d4-8153-5bd293d2a1fd"


@pytest.mark.parametrize(
    ("previous", "current", "up"),
    [
        ("mikro", "kecil", True),
        ("mikro", "menengah", True),
        ("kecil", "menengah", True),
        ("kecil", "mikro", False),
        ("mikro", "mikro", False),
        ("tidak_diketahui", "kecil", False),
        ("menengah", "besar", False),
    ],
)
def test_naik_kelas_is_a_step_up_within_the_programme(previous: str, current: str, up: bool) -> None:
    assert is_naik_kelas(BusinessClass(previous), BusinessClass(current)) is up


def test_only_a_step_up_is_congratulated(story: Story) -> None:
    owner_id, business_id = uuid4(), uuid4()
    events = [
        story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL),
        story.class_changed(business_id, BusinessClass.KECIL, BusinessClass.MIKRO),
    ]
    found = drafts(fold(events), {business_id: owner_id})
    assert [d.template for d in found] == ["business_class_up", "business_class_changed"]


def test_receipts_only_move_forward() -> None:
    assert MOVES[State.DELIVERED] == {State.READ}
    assert not MOVES[State.READ]
    assert not MOVES[State.SUPPRESSED]
    assert State.SENDING not in MOVES[State.SENT] | MOVES[State.UNKNOWN] | MOVES[State.FAILED]
    assert State.QUEUED not in MOVES[State.SENT]
    assert sources_of(State.SENT) == ["queued", "sending", "unknown"]


@pytest.mark.parametrize(
    ("consent", "channel", "erased", "expected"),
    [
        (True, "email", False, None),
        (False, "email", False, Suppression.NO_CONSENT),
        (True, None, False, Suppression.NO_CHANNEL),
        (True, "whatsapp", False, Suppression.CHANNEL_UNAVAILABLE),
        (True, "console", False, Suppression.CHANNEL_UNAVAILABLE),
        (True, "email", True, Suppression.ERASED),
        (False, None, True, Suppression.ERASED),
    ],
)
def test_nobody_is_told_without_consent_channel_or_identity(
    consent: bool, channel: str | None, erased: bool, expected: str | None
) -> None:
    recipient = Recipient(uuid4(), "sealed", "id", channel, consent, erased)
    decision = decide(recipient, Routes(frozenset({"email"})))
    assert decision.reason == expected
    assert decision.state is (State.QUEUED if expected is None else State.SUPPRESSED)


@pytest.mark.parametrize(
    ("chosen", "order", "told_by"),
    [
        ("whatsapp", ("whatsapp", "sms", "email"), "sms"),
        ("sms", ("whatsapp", "sms", "email"), "sms"),
        ("whatsapp", ("whatsapp", "email", "sms"), "email"),
        ("whatsapp", ("sms", "email", "whatsapp"), None),
        ("whatsapp", ("sms", "email"), None),
    ],
)
def test_the_stand_in_of_a_channel_that_is_not_run_is_the_next_one_that_is(
    chosen: str, order: tuple[str, ...], told_by: str | None
) -> None:
    recipient = Recipient(uuid4(), "sealed", "id", chosen, True, False)
    decision = decide(recipient, Routes(frozenset({"sms", "email"}), order))
    assert (decision.channel, decision.reason) == (
        (told_by, None) if told_by else (chosen, Suppression.CHANNEL_UNAVAILABLE)
    )


def test_console_is_used_where_it_is_named() -> None:
    recipient = Recipient(uuid4(), "sealed", "id", "console", True, False)
    assert decide(recipient, Routes(frozenset({"email", "console"}))).state is State.QUEUED


async def test_the_audit_knows_the_notifying_types_of_the_code(pool) -> None:  # type: ignore[no-untyped-def]
    rows = await pool.fetch("SELECT type, origin FROM notifying_type")
    assert {tuple(row) for row in rows} == NOTIFYING_TYPES


def test_every_notice_has_its_template_in_both_languages() -> None:
    expected = {f"{language}/{name}.txt" for language, name in product(("id", "en"), {*TEMPLATES, "footer"})}
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.txt")} == expected
    assert len(NOTICES) == 36


def seat(story: Story, kind: type[Any], enrolment_id: UUID, owner_id: UUID, **more: Any) -> Event:
    """A fact of an enrolment, as the trainings tell it."""
    begins = datetime(2026, 12, 3, 1, tzinfo=UTC)
    ids = {"enrolment_id": enrolment_id, "batch_id": uuid4(), "course_id": uuid4(), "business_id": uuid4()}
    return story.event(kind(**ids, owner_id=owner_id, title="Pemasaran", place="Aula", starts_at=begins, **more))


def test_participants_hear_of_their_seats_and_attendance_moves_no_contact(story: Story) -> None:
    enrolment, owner_id = uuid4(), uuid4()
    waiting = {"state": EnrolmentState.DAFTAR_TUNGGU, "priority": 0, "arrival": 51}
    cancelled = LeavingCause.ANGKATAN_DIBATALKAN
    events = [
        seat(story, EnrolmentRegistered, enrolment, owner_id, **waiting),
        seat(story, EnrolmentOffered, enrolment, owner_id, until=datetime(2026, 11, 27, 4, tzinfo=UTC)),
        seat(story, EnrolmentAccepted, enrolment, owner_id),
        seat(story, EnrolmentWithdrawn, enrolment, owner_id, cause=cancelled),
        seat(story, EnrolmentWithdrawn, enrolment, owner_id, cause=LeavingCause.PERMINTAAN_PESERTA),
    ]
    changes = fold(events)
    assert (changes.contacts, changes.recipients, changes.contacts_wanted()) == ({}, {}, [])
    found = drafts(changes, {})
    assert [d.template for d in found] == [
        "enrolment_waitlisted",
        "enrolment_offered",
        "enrolment_accepted",
        "enrolment_batch_cancelled",
        "enrolment_withdrawn",
    ]
    assert {d.recipient_id for d in found} == {str(owner_id)}
    assert found[1].params["until"] == "2026-11-27T04:00:00+00:00"
