"""``training_outcome``: one row per course, enrolment and certificate. Who passed what is counted when it is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from msgspec import Struct

from services.projections.domain.keeping import Step, evolver
from shared.contracts import training as t
from shared.contracts.training import EnrolmentState
from shared.wita import WITA

TOPICS = (t.COURSE_TOPIC, t.ENROLMENT_TOPIC, t.CERTIFICATE_TOPIC)
VALID, REVOKED = "berlaku", "dicabut"
"""States of a certificate."""


class OutcomeRow(Struct, frozen=True, gc=False):
    """One stream, in the order of the columns. What a kind of stream does not tell is ``None``."""

    stream_id: UUID
    topic: str
    course_id: UUID | None = None
    batch_id: UUID | None = None
    enrolment_id: UUID | None = None
    business_id: UUID | None = None
    programme_id: UUID | None = None
    programme: str | None = None
    title: str | None = None
    batches: str | None = None
    """Of a course, JSON: batch id → number, year, the instants its sessions begin, whether it was cancelled."""
    state: str | None = None
    """Of an enrolment as the office names it, of a certificate ``berlaku`` or ``dicabut``."""
    seated: bool = False
    """A seat was theirs, at least for a time."""
    present: str | None = None
    """Of an enrolment, JSON: the numbers of the sessions at which somebody was."""
    year: int | None = None
    """Of an enrolment, the year of the first session (WITA) as it was when they were last told of it."""
    facts: int = 0
    version: int = 0
    changed_at: datetime | None = None
    cause: str | None = None
    """Of an enrolment that was withdrawn, why: the office cancelling the batch is one of the causes."""


def year_of(moment: datetime) -> int:
    """Return the year that a batch counts for, whose first session begins at ``moment``: that of the day in WITA."""
    return moment.astimezone(WITA).year


def _course(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    told = {"programme_id": fact.programme_id, "programme": fact.programme, "title": fact.title}
    return {"course_id": row.stream_id, **told}


def _with_batch(row: OutcomeRow, batch_id: UUID, **changes: Any) -> dict[str, Any]:
    batches: dict[str, dict[str, Any]] = orjson.loads(row.batches or "{}")
    batch = batches.get(str(batch_id), {"number": None, "sessions": {}, "cancelled": False}) | changes
    begins = [datetime.fromisoformat(moment) for moment in batch["sessions"].values()]
    batches[str(batch_id)] = batch | {"year": year_of(min(begins)) if begins else None}
    return {"batches": orjson.dumps(batches, option=orjson.OPT_SORT_KEYS).decode()}


def _batch_opened(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    sessions = {str(session.number): session.starts_at.isoformat() for session in fact.sessions}
    return _with_batch(row, fact.batch_id, number=fact.number, sessions=sessions)


def _session_moved(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    known = orjson.loads(row.batches or "{}").get(str(fact.batch_id), {}).get("sessions", {})
    sessions = known | {str(fact.session.number): fact.session.starts_at.isoformat()}
    return _with_batch(row, fact.batch_id, sessions=sessions)


def _batch_cancelled(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    return _with_batch(row, fact.batch_id, cancelled=True)


def _enrolment(fact: Any) -> dict[str, Any]:
    return {"course_id": fact.course_id, "batch_id": fact.batch_id, "business_id": fact.business_id}


def _registered(_: OutcomeRow, fact: Any) -> dict[str, Any]:
    seated = fact.state == EnrolmentState.DITERIMA
    return {**_enrolment(fact), "state": fact.state, "seated": seated, "year": year_of(fact.starts_at)}


def _state(state: EnrolmentState, **more: Any) -> Callable[[OutcomeRow, Any], dict[str, Any]]:
    return lambda _, fact: {**_enrolment(fact), "state": state.value, **more}


def _withdrawn(_: OutcomeRow, fact: Any) -> dict[str, Any]:
    return {**_enrolment(fact), "state": EnrolmentState.MENGUNDURKAN_DIRI.value, "cause": str(fact.cause)}


def _attendance(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    present = set(orjson.loads(row.present or "[]"))
    present = present | {fact.session} if fact.present else present - {fact.session}
    changes = {**_enrolment(fact), "present": orjson.dumps(sorted(present)).decode()}
    return changes | {"state": EnrolmentState.HADIR.value} if fact.present else changes


def _certificate(row: OutcomeRow, fact: Any) -> dict[str, Any]:
    whose = {"enrolment_id": fact.enrolment_id, "batch_id": fact.batch_id, "business_id": fact.business_id}
    return {**whose, "state": VALID, "title": getattr(fact, "title", row.title)}


_STEPS: dict[str, Step] = {
    t.CourseOpened.NAME: _course,
    t.BatchOpened.NAME: _batch_opened,
    t.SessionMoved.NAME: _session_moved,
    t.BatchCancelled.NAME: _batch_cancelled,
    t.EnrolmentRegistered.NAME: _registered,
    t.EnrolmentAccepted.NAME: _state(EnrolmentState.DITERIMA, seated=True),
    t.EnrolmentWaitlisted.NAME: _state(EnrolmentState.DAFTAR_TUNGGU),
    t.EnrolmentOffered.NAME: _state(EnrolmentState.DITAWARI),
    t.EnrolmentWithdrawn.NAME: _withdrawn,
    t.EnrolmentExpired.NAME: _state(EnrolmentState.KEDALUWARSA),
    t.EnrolmentRejected.NAME: _state(EnrolmentState.DITOLAK),
    t.EnrolmentFailed.NAME: _state(EnrolmentState.TIDAK_LULUS),
    t.AttendanceRecorded.NAME: _attendance,
    t.TrainingCompleted.NAME: _state(EnrolmentState.LULUS),
    t.CertificateIssued.NAME: _certificate,
    t.CertificateReissued.NAME: _certificate,
    t.CertificateRevoked.NAME: lambda row, fact: {**_certificate(row, fact), "state": REVOKED},
}

NAMES = _STEPS.keys()
"""The names of the facts that a row says something of."""
evolve = evolver(OutcomeRow, _STEPS)
