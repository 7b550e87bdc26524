"""Which fact notifies whom, with which template: the table, and the drafts that facts become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.notifications.domain.exhibition_notices import EXHIBITION_NOTICES, EXHIBITION_TEMPLATES
from services.notifications.domain.licence_notices import LICENCE_NOTICES, LICENCE_TEMPLATES
from services.notifications.domain.notice_forms import Notice, RecipientKind, to_owner
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
    CertificateRevoked,
    EnrolmentAccepted,
    EnrolmentExpired,
    EnrolmentOffered,
    EnrolmentRegistered,
    EnrolmentRejected,
    EnrolmentState,
    EnrolmentWaitlisted,
    EnrolmentWithdrawn,
    LeavingCause,
)
from shared.envelope import Event
from shared.tracing.traceparent import parent_of

__all__ = [
    "NAMESPACE",
    "NOTICES",
    "NOTIFYING_TYPES",
    "REMINDER_TEMPLATES",
    "TEMPLATES",
    "Addressee",
    "Draft",
    "Notice",
    "RecipientKind",
    "draft",
    "is_naik_kelas",
    "message_id",
    "notice_of",
]

NAMESPACE = UUID("6f1d8f0a-3c57-5d0e-9a35-0d1f6b1c2e47")
"""Of message ids. Never changed: a replay must find the messages that were made before."""

_CLASSES = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that a fact asks for, before it is known how its recipient wants to be told."""

    id: UUID
    event_id: UUID
    event_type: str
    occurred_at: datetime
    template: str
    recipient_kind: RecipientKind
    recipient_id: str | None
    """The owner's id, or the officer's ``sub``; ``None``: the owner of a business that is not known yet."""
    business_id: UUID | None
    params: dict[str, Any]
    """What the template needs; JSON, nothing personal."""
    sealed_reason: str | None
    traceparent: str | None = None
    """The span under which sending it is told; ``None`` where nobody follows the fact, or none stands behind it."""


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


_ENROLLED = {
    EnrolmentState.DITERIMA: "enrolment_accepted",
    EnrolmentState.DAFTAR_TUNGGU: "enrolment_waitlisted",
    EnrolmentState.DIAJUKAN: "enrolment_received",
}


def _seat_params(fact: Any) -> dict[str, Any]:
    until = {"until": fact.until.isoformat()} if isinstance(fact, EnrolmentOffered) else {}
    return {"title": fact.title, "place": fact.place, "starts_at": fact.starts_at.isoformat(), **until}


def _refused_params(fact: EnrolmentRejected) -> dict[str, Any]:
    begins = fact.starts_at.isoformat() if fact.starts_at else None
    return {"title": fact.title, "starts_at": begins, "cause": fact.cause.value}


def _revoked_params(fact: CertificateRevoked) -> dict[str, Any]:
    return {"number": fact.number, "cause": fact.cause.value}


def _left_template(fact: EnrolmentWithdrawn) -> str:
    cancelled = fact.cause is LeavingCause.ANGKATAN_DIBATALKAN
    return "enrolment_batch_cancelled" if cancelled else "enrolment_withdrawn"


NOTICES: dict[type[Fact], Notice] = {
    OwnerRegistered: to_owner("owner_registered"),
    BusinessRegistered: to_owner("business_registered"),
    BusinessSubmitted: to_owner("business_submitted"),
    BusinessVerified: to_owner("business_verified"),
    BusinessReturned: to_owner("business_returned"),
    BusinessRejected: to_owner("business_rejected"),
    BusinessDeactivated: to_owner("business_deactivated"),
    BusinessReactivated: to_owner("business_reactivated"),
    BusinessClosed: to_owner("business_closed", lambda fact: {"closed_on": fact.closed_on.isoformat()}),
    BusinessClassChanged: Notice(RecipientKind.OWNER, _class_template, _class_params),
    BusinessMerged: to_owner("business_merged"),
    BusinessMergeUndone: to_owner("business_merge_undone"),
    EnrolmentRegistered: Notice(RecipientKind.OWNER, lambda fact: _ENROLLED[fact.state], _seat_params),
    EnrolmentAccepted: to_owner("enrolment_accepted", _seat_params),
    EnrolmentWaitlisted: to_owner("enrolment_waitlisted", _seat_params),
    EnrolmentOffered: to_owner("enrolment_offered", _seat_params),
    EnrolmentWithdrawn: Notice(RecipientKind.OWNER, _left_template, _seat_params),
    EnrolmentExpired: to_owner("enrolment_expired", _seat_params),
    EnrolmentRejected: to_owner("enrolment_rejected", _refused_params),
    CertificateIssued: to_owner("certificate_issued", lambda fact: {"title": fact.title, "number": fact.number}),
    CertificateRevoked: to_owner("certificate_revoked", _revoked_params),
    ImportCompleted: Notice(
        RecipientKind.OFFICER, lambda fact: "import_digest", _digest_params, frozenset({"command", "import"})
    ),
    **EXHIBITION_NOTICES,
    **LICENCE_NOTICES,
}
"""Type of fact to how it is told. Not in it: changes of contact, consent, profile and workers, which the owner gave
to the office; attendance, which the participant saw; a training that was not passed, of which its fact does not say which one it
was, and whose participants hear of it where it is held; a certificate's new edition, which they asked for; proposed duplicates, which are the office's own work; an erasure, after which there is no address."""

NOTIFYING_TYPES: frozenset[tuple[str, str]] = frozenset(
    (fact.type_name(), origin) for fact, notice in NOTICES.items() for origin in notice.origins
)
"""(CloudEvents type, origin) of every event that must have exactly one message."""

REMINDER_TEMPLATES = frozenset({"application_unconfirmed", "exhibition_reminder", "session_moved", "session_reminder"})
"""Of messages behind which no fact stands: they are made as time passes."""

TEMPLATES = (
    frozenset(
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
            "certificate_revoked",
            "enrolment_accepted",
            "enrolment_batch_cancelled",
            "enrolment_expired",
            "enrolment_offered",
            "enrolment_received",
            "enrolment_rejected",
            "enrolment_waitlisted",
            "enrolment_withdrawn",
            "import_digest",
            "owner_registered",
        }
    )
    | {"digest"}
    | EXHIBITION_TEMPLATES
    | LICENCE_TEMPLATES
    | REMINDER_TEMPLATES
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


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a fact is told. ``identity`` goes into the message's id, so it must be the same at every replay."""

    kind: RecipientKind
    id: str | None
    """``None``: the owner of a business that is not known yet."""
    identity: str


def _is_recorded_after(event: Event) -> bool:
    """Tell whether a fact tells of what had begun already: a partner's list of participants comes when it comes."""
    begins: datetime | None = getattr(event.fact, "starts_at", None)
    return begins is not None and begins <= event.meta.time


def draft(event: Event, notice: Notice, addressee: Addressee) -> Draft:
    """Return the message that ``event`` asks for."""
    fact: Any = event.fact
    template = notice.template(fact)
    # A profile's personal part is kept with the contact; of the others only the officer's reason is a message's own.
    reason = getattr(fact, "personal", None) if not isinstance(fact, OwnerRegistered | BusinessRegistered) else None
    return Draft(
        id=message_id(event.meta.id, addressee.kind, addressee.identity, template),
        event_id=event.meta.id,
        event_type=event.meta.type,
        occurred_at=event.meta.time,
        template=template,
        recipient_kind=addressee.kind,
        recipient_id=addressee.id,
        business_id=getattr(fact, "business_id", None),
        params=notice.params(fact) | ({"begun": True} if _is_recorded_after(event) else {}),
        sealed_reason=reason,
        traceparent=parent_of(event.meta.traceparent, event.meta.origin),
    )
