"""Rules of applications: who may apply, and what the office refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.events.commands import Apply, RejectApplication
from services.events.domain.curation import GONE
from services.events.domain.exhibitions import check_held, is_open
from services.events.domain.models import SCORABLE, Applicant, Application, Changed, Exhibition, S
from services.events.domain.refusals import (
    AlreadyAppliedError,
    ApplicationsClosedError,
    BusinessGoneError,
    NotAnOwnerError,
    OwnerErasedError,
    TransitionRefusedError,
)
from shared.contracts.exhibitions import ApplicationRejected, ApplicationSubmitted
from shared.refusals import check_version

REFUSABLE = SCORABLE | {S.CADANGAN}
"""Who was chosen is not refused any more."""


def apply(exhibition: Exhibition, command: Apply, applicant: Applicant, now: datetime) -> Changed[Application]:
    """Return a new application, version 1. Who withdrew, or was refused before the deadline, may apply again."""
    check_held(exhibition)
    if not is_open(exhibition, now):
        raise ApplicationsClosedError(exhibition.zone, exhibition.closes_at, now)
    if command.owner_id not in applicant.owner_ids:
        raise NotAnOwnerError(command.owner_id, command.business_id)
    if applicant.erased:
        raise OwnerErasedError(command.owner_id)
    if applicant.applied:
        raise AlreadyAppliedError(exhibition.id, command.business_id)
    if applicant.status in GONE:
        raise BusinessGoneError(command.business_id, applicant.status)
    application = Application(
        id=command.application_id,
        version=1,
        exhibition_id=exhibition.id,
        owner_id=command.owner_id,
        business_id=command.business_id,
        kelurahan=applicant.kelurahan,
        kind=command.kind,
        state=S.DIAJUKAN,
        applied_at=now,
    )
    return Changed(application, (ApplicationSubmitted(**application.fact_fields(), kind=command.kind),))


def reject(exhibition: Exhibition, application: Application, command: RejectApplication) -> Changed[Application]:
    """Refuse somebody to whom no place was given."""
    check_version(application.version, command.expected_version)
    if application.state not in REFUSABLE:
        raise TransitionRefusedError("ditolak", application.state, REFUSABLE)
    after = replace(application, version=application.version + 1, state=S.DITOLAK, cause=command.cause)
    fact = ApplicationRejected(
        **application.fact_fields(), **exhibition.told(), cause=command.cause, total=application.total
    )
    return Changed(after, (fact,))
