"""Rules of courses and batches: dates, sessions, deadline, and what may be changed when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from services.training.commands import MoveSession, OpenBatch, OpenCourse, Timing
from services.training.domain.models import Batch, Changed, Course, Programme
from services.training.domain.refusals import (
    BatchBegunError,
    BatchCancelledError,
    CourseDatesError,
    DeadlineError,
    NoSessionsError,
    PartnerError,
    QuotaError,
    SessionTimesError,
)
from services.training.domain.requirements import check_requirements
from shared.contracts.fact import Fact
from shared.contracts.organisations import OrganisationRole
from shared.contracts.training import BatchOpened, CourseOpened, Selection, SessionMoved, SessionTime
from shared.refusals import NotFoundError, check_version
from shared.registry_copy.partners import Partner, names_one_holder, title_of
from shared.wita import WITA


def check_held(batch: Batch) -> None:
    """Raise ``BatchCancelledError`` if the batch is not held."""
    if batch.cancelled:
        raise BatchCancelledError(batch.id)


def check_not_begun(batch: Batch, now: datetime) -> None:
    """Raise ``BatchBegunError`` once the first session has begun."""
    if now >= batch.starts_at:
        raise BatchBegunError(batch.starts_at)


def is_open(batch: Batch, now: datetime) -> bool:
    """Tell whether one may still enrol: the whole of the last second counts."""
    return now.replace(microsecond=0) <= batch.closes_at


def _holder_of(command: OpenCourse, found: Partner | None) -> str | None:
    """Return what the partner that holds a course is called, ``None`` for the office itself."""
    if not names_one_holder(command.held_by, command.partner, command.partner_id):
        raise PartnerError(command.held_by, command.partner, command.partner_id)
    if command.partner_id is None:
        return command.partner
    return title_of(command.partner_id, found, OrganisationRole.PELATIHAN)


def open_course(
    command: OpenCourse, programme: Programme, actor: str, partner: Partner | None = None
) -> Changed[Course]:
    """Return a new course, version 1; ``partner`` is what is known of the organisation that it names.

    Raises ``CourseDatesError``, ``PartnerError``, ``RequirementValuesError``, and what ``title_of`` raises.
    """
    if command.ends_on < command.starts_on:
        raise CourseDatesError(command.starts_on, command.ends_on)
    holder = _holder_of(command, partner)
    check_requirements(command.requirements)
    course = Course(
        id=command.course_id,
        version=1,
        programme=programme,
        title=command.title,
        held_by=command.held_by,
        partner=holder,
        partner_id=command.partner_id,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        attendance_percent=command.attendance_percent,
        pass_score=command.pass_score,
        requirements=command.requirements,
        opened_by=actor,
    )
    fact = CourseOpened(
        course_id=course.id,
        programme_id=programme.id,
        programme=programme.title,
        title=course.title,
        held_by=course.held_by,
        partner=course.partner,
        partner_id=course.partner_id,
        starts_on=course.starts_on,
        ends_on=course.ends_on,
        attendance_percent=course.attendance_percent,
        pass_score=course.pass_score,
        requirements=course.requirements,
    )
    return Changed(course, (fact,))


def _session(course: Course, number: int, timing: Timing) -> SessionTime:
    """Return a session that fits its course. Raises ``SessionTimesError``."""
    if timing.ends_at <= timing.starts_at:
        raise SessionTimesError(number, "berakhir sebelum mulai", timing.starts_at, timing.ends_at)
    first, last = timing.starts_at.astimezone(WITA).date(), timing.ends_at.astimezone(WITA).date()
    if first < course.starts_on or last > course.ends_on:
        why = f"di luar masa pelatihan, {course.starts_on.isoformat()} sampai {course.ends_on.isoformat()}"
        raise SessionTimesError(number, why, timing.starts_at, timing.ends_at)
    return SessionTime(number=number, starts_at=timing.starts_at, ends_at=timing.ends_at)


def _check_apart(sessions: tuple[SessionTime, ...]) -> None:
    """Raise ``SessionTimesError`` for a session that begins before the one before it has ended."""
    ordered = sorted(sessions, key=lambda session: session.starts_at)
    for before, after in pairwise(ordered):
        if after.starts_at < before.ends_at:
            raise SessionTimesError(
                after.number, f"bertumpang tindih dengan sesi {before.number}", after.starts_at, after.ends_at
            )


def _check_deadline(batch: Batch) -> None:
    if batch.closes_at >= batch.starts_at:
        raise DeadlineError(batch.closes_at, batch.starts_at)


def of_course(course: Course, fact: Fact) -> Changed[Course]:
    """Return the course one version on, with a fact that it or one of its batches brought."""
    return Changed(replace(course, version=course.version + 1), (fact,))


def open_batch(course: Course, command: OpenBatch, number: int) -> tuple[Changed[Course], Batch]:
    """Return a new batch; ``number`` is its place among the batches of the course, from 1."""
    if command.quota < 1:
        raise QuotaError(command.quota)
    if not command.sessions:
        raise NoSessionsError
    sessions = tuple(_session(course, place, timing) for place, timing in enumerate(command.sessions, 1))
    _check_apart(sessions)
    batch = Batch(
        id=command.batch_id,
        version=1,
        course_id=course.id,
        title=course.title,
        number=number,
        place=command.place,
        quota=command.quota,
        held=0,
        arrivals=0,
        closes_at=command.closes_at,
        selection=command.selection,
        selected=command.selection is Selection.LANGSUNG,
        offer_hours=command.offer_hours,
        cancelled=False,
        sessions=sessions,
    )
    _check_deadline(batch)
    fact = BatchOpened(
        course_id=course.id,
        batch_id=batch.id,
        number=number,
        place=batch.place,
        quota=batch.quota,
        closes_at=batch.closes_at,
        selection=batch.selection,
        sessions=sessions,
    )
    return of_course(course, fact), batch


def session_of(batch: Batch, number: int) -> SessionTime:
    """Return a session by its number. Raises ``NotFoundError``."""
    for session in batch.sessions:
        if session.number == number:
            return session
    raise NotFoundError("Sesi", number)


def move_session(course: Course, batch: Batch, command: MoveSession, now: datetime) -> tuple[Changed[Course], Batch]:
    """Hold a session at another time; not one that has begun. No fact if nothing differs."""
    check_version(batch.version, command.expected_version)
    check_held(batch)
    previous = session_of(batch, command.number)
    if now >= previous.starts_at:
        raise SessionTimesError(command.number, "sudah mulai", previous.starts_at, previous.ends_at)
    session = _session(course, command.number, command.timing)
    if session == previous:
        return Changed(course), batch
    sessions = tuple(session if item.number == command.number else item for item in batch.sessions)
    _check_apart(sessions)
    after = replace(batch, version=batch.version + 1, sessions=sessions)
    _check_deadline(after)
    fact = SessionMoved(course_id=course.id, batch_id=batch.id, previous=previous, session=session)
    return of_course(course, fact), after
