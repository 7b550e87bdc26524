"""Which fact notifies whom, with which template: the table, and the drafts that facts become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from shared.contracts.fact import Fact
from shared.contracts.registry import (
    BusinessClass,
    BusinessClassChanged,
    BusinessClosed,
    BusinessDeactivated,
    BusinessMerged,
    BusinessMergeUndone,
    BusinessReactivated,
    BusinessRegistered,
    BusinessRejected,
    BusinessReturned,
    BusinessSubmitted,
    BusinessVerified,
    ImportCompleted,
    OwnerRegistered,
)
from shared.contracts.training import (
    CertificateIssued,
    EnrolmentAccepted,
    EnrolmentExpired,
    EnrolmentOffered,
    EnrolmentRegistered,
    EnrolmentState,
    EnrolmentWaitlisted,
    EnrolmentWithdrawn,
    LeavingCause,
)
from shared.envelope import Event

NAMESPACE = UUID("6f1d8f0a-3c57-5d0e-9a35-0d1f6b1c2e47")
"""Of message ids. Never changed: a replay must find the messages that were made before."""

_CLASSES = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH)


class RecipientKind(StrEnum):
    """Whom a message is for."""

    OWNER = "owner"
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that a fact asks for, before it is known how its recipient wants to be told."""

    id: UUID
    event_id: UUID
    event_type: str
    occurred_at: datetime
    template: str
    recipient_kind: RecipientKind
    recipient_id: str
    """The owner's id, or the officer's ``sub``."""
    business_id: UUID | None
    params: dict[str, Any]
    """What the template needs; JSON, nothing personal."""
    sealed_reason: str | None


Params = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Notice:
    """How one type of fact is told. Owners hear of commands only, officers of what they imported."""

    kind: RecipientKind
    template: Callable[[Any], str]
    params: Params = lambda fact: {}
    origins: frozenset[str] = frozenset({"command"})


def is_naik_kelas(previous: BusinessClass, current: BusinessClass) -> bool:
    """Tell whether a class change is a step up: ``mikro`` to ``kecil`` to ``menengah``."""
    return previous in _CLASSES and current in _CLASSES and _CLASSES.index(previous) < _CLASSES.index(current)


def _class_template(fact: BusinessClassChanged) -> str:
    up = is_naik_kelas(fact.previous.kelas, fact.current.kelas)
    return "business_class_up" if up else "business_class_changed"


def _class_params(fact: BusinessClassChanged) -> dict[str, Any]:
    return {
        "previous": fact.previous.kelas.value,
        "current": fact.current.kelas.value,
        "basis": fact.current.basis.value if fact.current.basis else None,
        "year": fact.current.year,
        "as_of": fact.current.as_of.isoformat(),
    }


def _digest_params(fact: ImportCompleted) -> dict[str, Any]:
    return {
        "import_id": str(fact.import_id),
        "kelurahan": fact.kelurahan,
        "completed_at": fact.completed_at.isoformat(),
        **fact.totals.model_dump(),
    }


def _to_owner(template: str, params: Params | None = None) -> Notice:
    return Notice(RecipientKind.OWNER, lambda fact: template, params or (lambda fact: {}))


_ENROLLED = {
    EnrolmentState.DITERIMA: "enrolment_accepted",
    EnrolmentState.DAFTAR_TUNGGU: "enrolment_waitlisted",
    EnrolmentState.DIAJUKAN: "enrolment_received",
}


def _seat_params(fact: Any) -> dict[str, Any]:
    until = {"until": fact.until.isoformat()} if isinstance(fact, EnrolmentOffered) else {}
    return {"title": fact.title, "place": fact.place, "starts_at": fact.starts_at.isoformat(), **until}


def _left_template(fact: EnrolmentWithdrawn) -> str:
    cancelled = fact.cause is LeavingCause.ANGKATAN_DIBATALKAN
    return "enrolment_batch_cancelled" if cancelled else "enrolment_withdrawn"


NOTICES: dict[type[Fact], Notice] = {
    OwnerRegistered: _to_owner("owner_registered"),
    BusinessRegistered: _to_owner("business_registered"),
    BusinessSubmitted: _to_owner("business_submitted"),
    BusinessVerified: _to_owner("business_verified"),
    BusinessReturned: _to_owner("business_returned"),
    BusinessRejected: _to_owner("business_rejected"),
    BusinessDeactivated: _to_owner("business_deactivated"),
    BusinessReactivated: _to_owner("business_reactivated"),
    BusinessClosed: _to_owner("business_closed", lambda fact: {"closed_on": fact.closed_on.isoformat()}),
    BusinessClassChanged: Notice(RecipientKind.OWNER, _class_template, _class_params),
    BusinessMerged: _to_owner("business_merged"),
    BusinessMergeUndone: _to_owner("business_merge_undone"),
    EnrolmentRegistered: Notice(RecipientKind.OWNER, lambda fact: _ENROLLED[fact.state], _seat_params),
    EnrolmentAccepted: _to_owner("enrolment_accepted", _seat_params),
    EnrolmentWaitlisted: _to_owner("enrolment_waitlisted", _seat_params),
    EnrolmentOffered: _to_owner("enrolment_offered", _seat_params),
    EnrolmentWithdrawn: Notice(RecipientKind.OWNER, _left_template, _seat_params),
    EnrolmentExpired: _to_owner("enrolment_expired", _seat_params),
    CertificateIssued: _to_owner("certificate_issued", lambda fact: {"title": fact.title, "number": fact.number}),
    ImportCompleted: Notice(
        RecipientKind.OFFICER, lambda fact: "import_digest", _digest_params, frozenset({"command", "import"})
    ),
}
"""Type of fact to how it is told. Not in it: changes of contact, consent, profile and workers, which the owner gave
to the office; attendance, which the participant saw; proposed duplicates, which are the office's own work; an erasure, after which there is no address."""

NOTIFYING_TYPES: frozenset[tuple[str, str]] = frozenset(
    (fact.type_name(), origin) for fact, notice in NOTICES.items() for origin in notice.origins
)
"""(CloudEvents type, origin) of every event that must have exactly one message."""

TEMPLATES = frozenset(
    {
        "announcement",
        "business_class_changed",
        "business_class_up",
        "business_closed",
        "business_deactivated",
        "business_merge_undone",
        "business_merged",
        "business_reactivated",
        "business_registered",
        "business_rejected",
        "business_returned",
        "business_submitted",
        "business_verified",
        "certificate_issued",
        "enrolment_accepted",
        "enrolment_batch_cancelled",
        "enrolment_expired",
        "enrolment_offered",
        "enrolment_received",
        "enrolment_waitlisted",
        "enrolment_withdrawn",
        "import_digest",
        "owner_registered",
    }
)


def message_id(event_id: UUID, kind: RecipientKind, recipient_id: str, template: str) -> UUID:
    """Return the id of the one message that tells ``recipient_id`` of an event.

    The channel is no part of it: an owner who chose another channel meanwhile must not be told again by a replay.
    """
    return uuid5(NAMESPACE, f"{event_id}|{kind}|{recipient_id}|{template}")


def notice_of(event: Event) -> Notice | None:
    """Return how this event is told, or ``None`` if nobody is."""
    notice = NOTICES.get(type(event.fact))
    return notice if notice is not None and event.meta.origin in notice.origins else None


def draft(event: Event, notice: Notice, recipient_id: str) -> Draft:
    """Return the message that ``event`` asks for."""
    fact: Any = event.fact
    template = notice.template(fact)
    # A profile's personal part is kept with the contact; of the others only the officer's reason is a message's own.
    reason = getattr(fact, "personal", None) if not isinstance(fact, OwnerRegistered | BusinessRegistered) else None
    return Draft(
        id=message_id(event.meta.id, notice.kind, recipient_id, template),
        event_id=event.meta.id,
        event_type=event.meta.type,
        occurred_at=event.meta.time,
        template=template,
        recipient_kind=notice.kind,
        recipient_id=recipient_id,
        business_id=getattr(fact, "business_id", None),
        params=notice.params(fact),
        sealed_reason=reason,
    )
