"""Rules of seats: who gets one, who waits, whom a free one is offered to, and how it is given up.

The caller holds the batch, so that nobody else moves its seats, and gives the queue in its order: by priority, then by
arrival. Every rule that frees a seat offers it on at once, so that a seat is only free while nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.training.commands import ChangeQuota, Enrol
from services.training.domain.courses import check_held, check_not_begun, is_open, of_course
from services.training.domain.models import (
    ATTENDING,
    LIVE,
    QUEUED,
    SEATED,
    Applicant,
    Batch,
    Changed,
    Course,
    Enrolment,
    S,
    Seats,
)
from services.training.domain.refusals import (
    AlreadyEnrolledError,
    EnrolmentClosedError,
    NotAnOwnerError,
    NotYetClosedError,
    OfferExpiredError,
    OwnerErasedError,
    QuotaBelowHeldError,
    QuotaError,
    RequirementsNotMetError,
    TransitionRefusedError,
)
from services.training.domain.requirements import check_applicant, priority_of
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessStatus
from shared.contracts.training import (
    BatchCancelled,
    EnrolmentAccepted,
    EnrolmentExpired,
    EnrolmentOffered,
    EnrolmentRegistered,
    EnrolmentRejected,
    EnrolmentState,
    EnrolmentWaitlisted,
    EnrolmentWithdrawn,
    LeavingCause,
    QuotaChanged,
)
from shared.refusals import check_version

GONE = frozenset({BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG})
"""Businesses that are not there to be trained."""
LEAVABLE = QUEUED | ATTENDING | {S.DITAWARI}


def _step(
    enrolment: Enrolment, fact: type[Fact], state: EnrolmentState, *, more: dict[str, Any] | None = None, **changes: Any
) -> Changed[Enrolment]:
    """Return the enrolment in another state, one version on, with the fact that says so."""
    after = replace(enrolment, version=enrolment.version + 1, state=state, **changes)
    return Changed(after, (fact.model_validate({**enrolment.fact_fields(), **(more or {})}),))


def order(queue: Iterable[Enrolment]) -> list[Enrolment]:
    """Return a queue in its order: priority first, then who came first."""
    return sorted(queue, key=lambda enrolment: (enrolment.priority, enrolment.arrival))


def _check_may_enrol(course: Course, batch: Batch, command: Enrol, applicant: Applicant, now: datetime) -> None:
    check_held(batch)
    # A partner's list of participants comes when it comes, often after the course.
    if course.held_by == "dinas" and not is_open(batch, now):
        raise EnrolmentClosedError(batch.closes_at, now)
    if command.owner_id not in applicant.owner_ids:
        raise NotAnOwnerError(command.owner_id, command.business_id)
    if applicant.erased:
        raise OwnerErasedError(command.owner_id)
    if applicant.enrolled:
        raise AlreadyEnrolledError(batch.id, command.owner_id)
    if applicant.status in GONE:
        raise RequirementsNotMetError({"usaha_aktif": f"usaha berstatus {applicant.status}"})
    check_applicant(course.requirements, applicant)


def _first_state(batch: Batch) -> EnrolmentState:
    if not batch.selected:
        return S.DIAJUKAN
    return S.DITERIMA if batch.free > 0 else S.DAFTAR_TUNGGU


def enrol(
    course: Course, batch: Batch, command: Enrol, applicant: Applicant, now: datetime
) -> tuple[Batch, Changed[Enrolment]]:
    """Return the batch with one more arrival, and the enrolment: in, waiting, or to be selected after the deadline."""
    _check_may_enrol(course, batch, command, applicant, now)
    state = _first_state(batch)
    enrolment = Enrolment(
        id=command.enrolment_id,
        version=1,
        batch_id=batch.id,
        course_id=batch.course_id,
        owner_id=command.owner_id,
        business_id=command.business_id,
        kelurahan=applicant.kelurahan,
        state=state,
        priority=priority_of(course.requirements, applicant),
        arrival=batch.arrivals + 1,
        offer_until=None,
        cause=None,
        score=None,
    )
    fact = EnrolmentRegistered(
        **enrolment.fact_fields(),
        **batch.seat_fields(),
        state=state,
        priority=enrolment.priority,
        arrival=enrolment.arrival,
    )
    after = replace(batch, arrivals=batch.arrivals + 1, held=batch.held + (state in SEATED))
    return after, Changed(enrolment, (fact,))


def may_offer(batch: Batch, now: datetime) -> bool:
    """Tell whether free seats of a batch are offered on: until it begins, and once the selection has been made."""
    return not batch.cancelled and batch.selected and now < batch.starts_at


def offer(batch: Batch, waiting: Sequence[Enrolment], now: datetime) -> Seats:
    """Offer every free seat to who waits, in order; ``waiting`` holds at least as many as there are seats, if so many wait."""
    if not may_offer(batch, now):
        return Seats(batch)
    more = batch.seat_fields()
    until = min(now + timedelta(hours=batch.offer_hours), batch.starts_at)
    chosen = [enrolment for enrolment in order(waiting) if enrolment.state is S.DAFTAR_TUNGGU][: max(0, batch.free)]
    changes = tuple(
        _step(enrolment, EnrolmentOffered, S.DITAWARI, more={**more, "until": until}, offer_until=until)
        for enrolment in chosen
    )
    return Seats(replace(batch, held=batch.held + len(changes)), changes)


def _leave(batch: Batch, enrolment: Enrolment, change: Changed[Enrolment]) -> tuple[Batch, Changed[Enrolment]]:
    return replace(batch, held=batch.held - (enrolment.state in SEATED)), change


def _then_offer(batch: Batch, change: Changed[Enrolment], waiting: Sequence[Enrolment], now: datetime) -> Seats:
    others = [enrolment for enrolment in waiting if enrolment.id != change.after.id]
    offered = offer(batch, others, now)
    return Seats(offered.batch, (change, *offered.changes))


def withdraw(
    batch: Batch,
    enrolment: Enrolment,
    expected_version: int | None,
    cause: LeavingCause,
    waiting: Sequence[Enrolment],
    now: datetime,
) -> Seats:
    """Give up a seat, an offer or a place in the queue. Said twice it frees one seat: the second changes nothing."""
    if enrolment.state is S.MENGUNDURKAN_DIRI:
        return Seats(batch)
    if expected_version is not None:
        check_version(enrolment.version, expected_version)
    if enrolment.state not in LEAVABLE:
        raise TransitionRefusedError("dibatalkan", enrolment.state, LEAVABLE)
    change = _step(
        enrolment,
        EnrolmentWithdrawn,
        S.MENGUNDURKAN_DIRI,
        more={**batch.seat_fields(), "cause": cause},
        cause=cause,
        offer_until=None,
    )
    return _then_offer(*_leave(batch, enrolment, change), waiting, now)


def accept_offer(batch: Batch, enrolment: Enrolment, expected_version: int, now: datetime) -> Seats:
    """Take the seat that is kept; it was counted when it was offered."""
    if enrolment.state is not S.DITAWARI or enrolment.offer_until is None:
        raise TransitionRefusedError("diterima dari tawaran", enrolment.state, [S.DITAWARI])
    check_version(enrolment.version, expected_version)
    check_held(batch)
    if now > enrolment.offer_until:
        raise OfferExpiredError(enrolment.offer_until, now)
    return Seats(batch, (_step(enrolment, EnrolmentAccepted, S.DITERIMA, more=batch.seat_fields(), offer_until=None),))


def expire(batch: Batch, offered: Sequence[Enrolment], waiting: Sequence[Enrolment], now: datetime) -> Seats:
    """End the offers that ran out, and offer their seats on."""
    late = [item for item in offered if item.state is S.DITAWARI and item.offer_until and now > item.offer_until]
    gone = tuple(
        _step(item, EnrolmentExpired, S.KEDALUWARSA, more=batch.seat_fields(), offer_until=None) for item in late
    )
    offered_on = offer(replace(batch, held=batch.held - len(gone)), waiting, now)
    return Seats(offered_on.batch, (*gone, *offered_on.changes))


def reject(batch: Batch, enrolment: Enrolment, expected_version: int, cause: LeavingCause) -> Seats:
    """Refuse somebody who waits; who has a seat, or is offered one, is not harmed."""
    check_version(enrolment.version, expected_version)
    if enrolment.state not in QUEUED:
        raise TransitionRefusedError("ditolak", enrolment.state, QUEUED)
    more = {**batch.seat_fields(), "cause": cause}
    return Seats(batch, (_step(enrolment, EnrolmentRejected, S.DITOLAK, more=more, cause=cause),))


def select(batch: Batch, applicants: Sequence[Enrolment], now: datetime) -> Seats:
    """After the deadline give the seats to those who come first in the queue; the others wait. Once for each batch."""
    if batch.selected:
        return Seats(batch)
    check_held(batch)
    if is_open(batch, now):
        raise NotYetClosedError(batch.closes_at)
    queue = order(applicant for applicant in applicants if applicant.state is S.DIAJUKAN)
    free, more = max(0, batch.free), batch.seat_fields()
    chosen = tuple(_step(item, EnrolmentAccepted, S.DITERIMA, more=more) for item in queue[:free])
    others = tuple(_step(item, EnrolmentWaitlisted, S.DAFTAR_TUNGGU, more=more) for item in queue[free:])
    after = replace(batch, version=batch.version + 1, held=batch.held + len(chosen), selected=True)
    return Seats(after, (*chosen, *others))


def change_quota(
    course: Course, batch: Batch, command: ChangeQuota, waiting: Sequence[Enrolment], now: datetime
) -> tuple[Changed[Course], Seats]:
    """Set the quota, never below the seats that are held; new seats are offered to who waits."""
    check_version(batch.version, command.expected_version)
    check_held(batch)
    if command.quota < 1:
        raise QuotaError(command.quota)
    if command.quota < batch.held:
        raise QuotaBelowHeldError(command.quota, batch.held)
    if command.quota == batch.quota:
        return Changed(course), Seats(batch)
    fact = QuotaChanged(course_id=course.id, batch_id=batch.id, previous=batch.quota, quota=command.quota)
    after = replace(batch, version=batch.version + 1, quota=command.quota)
    return of_course(course, fact), offer(after, waiting, now)


def cancel(
    course: Course, batch: Batch, expected_version: int, enrolments: Sequence[Enrolment], now: datetime
) -> tuple[Changed[Course], Seats]:
    """Do not hold a batch: everybody who has a seat or waits is told, and no seat is offered on."""
    check_version(batch.version, expected_version)
    check_held(batch)
    check_not_begun(batch, now)
    cause = LeavingCause.ANGKATAN_DIBATALKAN
    more = {**batch.seat_fields(), "cause": cause}
    changes = tuple(
        _step(item, EnrolmentWithdrawn, S.MENGUNDURKAN_DIRI, more=more, cause=cause, offer_until=None)
        for item in order(item for item in enrolments if item.state in LIVE)
    )
    after = replace(batch, version=batch.version + 1, held=0, cancelled=True)
    return of_course(course, BatchCancelled(course_id=course.id, batch_id=batch.id)), Seats(after, changes)
