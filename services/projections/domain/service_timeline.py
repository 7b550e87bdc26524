"""``service_timeline``: what trainings, exhibitions, mentors, licences and brands tell of a business, without what is not for all.

What a business sold on a day, scores and certificate numbers stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.projections.domain.keeping import stream_of
from services.projections.domain.trusted import AnyEvent
from shared.contracts import exhibitions, licensing, mentoring, organisations, training

TOPICS = (
    training.ENROLMENT_TOPIC,
    training.CERTIFICATE_TOPIC,
    exhibitions.APPLICATION_TOPIC,
    exhibitions.OUTLET_TOPIC,
    licensing.LICENCE_TOPIC,
    organisations.BRAND_TOPIC,
    mentoring.MENTORING_TOPIC,
)


class ServiceRow(NamedTuple):
    """One fact about one business, in the order of the columns."""

    business_id: UUID
    """The stream's own id where a fact is about no business: so every fact has a row, and a lost one shows."""
    stream_id: UUID
    sequence: int
    topic: str
    event_id: UUID | str
    name: str
    at: datetime
    origin: str
    detail: str | None
    """JSON of what the sentence needs; ``None`` if the name says it all."""


_Detail = Callable[[Any], dict[str, Any]]


def _only(*fields: str) -> _Detail:
    """Return what picks these fields of a fact."""
    return lambda fact: {field: getattr(fact, field) for field in fields}


_SEAT = _only("title", "place", "starts_at")
_PLACE = _only("title", "place", "zone", "booth", "wave", "starts_at", "confirm_by")
_MARK = ("mark",)

_DETAILS: dict[str, _Detail] = {
    training.EnrolmentRegistered.NAME: _only("title", "place", "starts_at", "state"),
    training.EnrolmentAccepted.NAME: _SEAT,
    training.EnrolmentWaitlisted.NAME: _SEAT,
    training.EnrolmentOffered.NAME: _only("title", "place", "starts_at", "until"),
    training.EnrolmentWithdrawn.NAME: _only("title", "cause"),
    training.EnrolmentExpired.NAME: _only("title"),
    training.EnrolmentRejected.NAME: _only("cause"),
    training.EnrolmentFailed.NAME: _only("cause", "attended", "sessions"),
    training.AttendanceRecorded.NAME: _only("session", "present"),
    training.TrainingCompleted.NAME: _only("title", "completed_on", "attended", "sessions"),
    training.CertificateIssued.NAME: _only("title", "issued_on", "edition"),
    training.CertificateReissued.NAME: _only("issued_on", "edition"),
    training.CertificateRevoked.NAME: _only("cause"),
    exhibitions.ApplicationSubmitted.NAME: _only("kind"),
    exhibitions.ApplicationPassed.NAME: _only("title", "place"),
    exhibitions.ApplicationReserved.NAME: _only("title", "place", "rank"),
    exhibitions.ApplicationPromoted.NAME: _only("title", "place"),
    exhibitions.ApplicationRejected.NAME: _only("title", "cause"),
    exhibitions.ApplicationPlaced.NAME: _PLACE,
    exhibitions.ApplicationMoved.NAME: _PLACE,
    exhibitions.ApplicationWithdrawn.NAME: _only("title", "cause"),
    exhibitions.SalesReported.NAME: _only("day"),
    exhibitions.SalesCorrected.NAME: _only("day"),
    exhibitions.OutletMemberLeft.NAME: _only("cause"),
    exhibitions.OutletTurnOpened.NAME: _only("turn", "starts_on", "ends_on"),
    licensing.LicenceSubmitted.NAME: _only("kind", "expires_on"),
    licensing.LicenceVerified.NAME: _only("kind", "expires_on"),
    licensing.LicenceRejected.NAME: _only("kind", "cause"),
    licensing.LicenceRevoked.NAME: _only("kind", "cause", "revoked_on"),
    licensing.LicenceExpiring.NAME: _only("kind", "expires_on", "days_left"),
    licensing.LicenceExpired.NAME: _only("kind", "expires_on"),
    organisations.BrandFiled.NAME: _only(*_MARK, "filed_on"),
    organisations.BrandRegistered.NAME: _only(*_MARK, "registered_on", "expires_on"),
    organisations.BrandRejected.NAME: _only(*_MARK, "cause"),
    organisations.BrandRevoked.NAME: _only(*_MARK, "cause", "revoked_on"),
    organisations.BrandExpiring.NAME: _only(*_MARK, "expires_on", "days_left"),
    organisations.BrandExpired.NAME: _only(*_MARK, "expires_on"),
    mentoring.MentoringStarted.NAME: _only("started_on"),
    mentoring.MentoringVisited.NAME: _only("visited_on", "way", "aspects"),
    mentoring.MentoringHandedOver.NAME: _only("handed_over_on"),
    mentoring.MentoringEnded.NAME: _only("ended_on", "cause"),
}


def _whom(fact: Any) -> tuple[tuple[UUID, dict[str, Any]], ...]:
    """Return the businesses that a fact is about, each with what it says of that one alone."""
    if fact.NAME == exhibitions.OutletTurnOpened.NAME:
        return tuple((business_id, {}) for business_id in dict.fromkeys(fact.business_ids))
    if fact.NAME == exhibitions.OutletTurnPassedOn.NAME:
        left = (fact.business_id, {"turn": fact.turn, "taken_over": False})
        if fact.next_business_id is None or fact.next_business_id == fact.business_id:
            return (left,)
        return left, (fact.next_business_id, {"turn": fact.turn, "taken_over": True})
    business_id = getattr(fact, "business_id", None)
    return () if business_id is None else ((business_id, {}),)


def service_rows(event: AnyEvent) -> list[ServiceRow]:
    """Return the rows that ``event`` adds: one for each business that it is about, else one under its stream's id."""
    meta = event.meta
    fact: Any = event.fact
    detail = _DETAILS.get(fact.NAME)
    told = detail(fact) if detail else {}
    rows = []
    for business_id, more in _whom(fact) or ((stream_of(fact), {}),):
        said = told | more
        text = orjson.dumps(said).decode() if said else None
        rows.append(
            ServiceRow(
                business_id,
                stream_of(fact),
                meta.sequence,
                fact.TOPIC,
                meta.id,
                fact.NAME,
                meta.time,
                meta.origin,
                text,
            )
        )
    return rows
