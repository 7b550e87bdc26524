"""Rules of attendance and results: who was there, and who passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.training.commands import Mark, RecordAttendance
from services.training.domain.courses import check_held, session_of
from services.training.domain.models import ATTENDING, Batch, Changed, Course, Enrolment, S
from services.training.domain.refusals import BatchNotOverError, ScoreError, SessionNotBegunError, StrangersError
from shared.contracts.training import AttendanceRecorded, EnrolmentFailed, FailureCause, TrainingCompleted
from shared.wita import WITA

LOWEST, HIGHEST = 0, 100


def _check_participants(enrolment_ids: Sequence[UUID], enrolments: Mapping[UUID, Enrolment]) -> None:
    """Raise ``StrangersError`` that names all who are no participants: not of this batch, without a seat, or done."""
    strangers = [
        enrolment_id
        for enrolment_id in enrolment_ids
        if enrolment_id not in enrolments or enrolments[enrolment_id].state not in ATTENDING
    ]
    if strangers:
        raise StrangersError(strangers)


def record_attendance(
    batch: Batch,
    command: RecordAttendance,
    enrolments: Mapping[UUID, Enrolment],
    recorded: Mapping[UUID, bool],
    now: datetime,
) -> list[Changed[Enrolment]]:
    """Return what changes: ``recorded`` is what this session's list says so far. Said again, it changes nothing."""
    check_held(batch)
    session = session_of(batch, command.session)
    if now < session.starts_at:
        raise SessionNotBegunError(session.number, session.starts_at)
    _check_participants([presence.enrolment_id for presence in command.presences], enrolments)
    changes: list[Changed[Enrolment]] = []
    for presence in command.presences:
        if recorded.get(presence.enrolment_id) is presence.present:
            continue
        before = enrolments[presence.enrolment_id]
        state = S.HADIR if presence.present else before.state
        fact = AttendanceRecorded(**before.fact_fields(), session=session.number, present=presence.present)
        changes.append(Changed(replace(before, version=before.version + 1, state=state), (fact,)))
    return changes


def attended_enough(attended: int, sessions: int, percent: int) -> bool:
    """Tell whether somebody was at the share of the sessions that the course asks; counted in whole numbers."""
    return attended * 100 >= percent * sessions


def check_score(score: int | None, pass_score: int | None) -> None:
    """Raise ``ScoreError`` for a score out of range, missing where one is asked, or given where none is."""
    if score is not None and not LOWEST <= score <= HIGHEST:
        raise ScoreError(score, f"harus {LOWEST} sampai {HIGHEST}")
    if pass_score is not None and score is None:
        raise ScoreError(score, f"pelatihan ini dinilai, lulus mulai {pass_score}")
    if pass_score is None and score is not None:
        raise ScoreError(score, "pelatihan ini tidak dinilai")


def record_results(
    course: Course,
    batch: Batch,
    marks: Sequence[Mark],
    enrolments: Mapping[UUID, Enrolment],
    attended: Mapping[UUID, int],
    now: datetime,
) -> list[Changed[Enrolment]]:
    """Say of each who passed; ``attended`` counts the sessions that each was at."""
    check_held(batch)
    if now < batch.ends_at:
        raise BatchNotOverError(batch.ends_at)
    _check_participants([mark.enrolment_id for mark in marks], enrolments)
    for mark in marks:
        check_score(mark.score, course.pass_score)
    return [_result(course, batch, mark, enrolments[mark.enrolment_id], attended) for mark in marks]


def _failure(course: Course, attended: int, sessions: int, score: int | None) -> FailureCause | None:
    if not attended_enough(attended, sessions, course.attendance_percent):
        return FailureCause.KEHADIRAN
    if course.pass_score is not None and (score is None or score < course.pass_score):
        return FailureCause.NILAI
    return None


def _result(
    course: Course, batch: Batch, mark: Mark, enrolment: Enrolment, attended: Mapping[UUID, int]
) -> Changed[Enrolment]:
    present, sessions = attended.get(enrolment.id, 0), len(batch.sessions)
    cause = _failure(course, present, sessions, mark.score)
    state = S.LULUS if cause is None else S.TIDAK_LULUS
    after = replace(enrolment, version=enrolment.version + 1, state=state, score=mark.score)
    fields = {**enrolment.fact_fields(), "attended": present, "sessions": sessions, "score": mark.score}
    if cause is not None:
        return Changed(after, (EnrolmentFailed(**fields, cause=cause),))
    fact = TrainingCompleted(
        **fields,
        programme_id=course.programme.id,
        year=year_of(batch),
        title=course.title,
        completed_on=batch.ends_at.astimezone(WITA).date(),
    )
    return Changed(after, (fact,))


def year_of(batch: Batch) -> int:
    """Return the year that a batch counts for: that of its first session, in WITA."""
    return batch.starts_at.astimezone(WITA).year
