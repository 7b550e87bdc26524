"""One message a day or a week instead of many, for owners who chose it. Pure: the time comes in as argument.

Only what can wait is kept for a digest: what became of an owner's own record, seats and places that are not to be answered by
an hour. Whatever has a deadline, a reminder, a move and an announcement go out at once, each by its own rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from services.notifications.commands import Digest
from services.notifications.domain.messages import Decision, State, Suppression
from services.notifications.domain.notices import NAMESPACE
from shared.wita import WITA, monday_of

EVENT_TYPE = TEMPLATE = "digest"
DIGESTIBLE = frozenset(
    {
        "application_lapsed",
        "application_passed",
        "application_rejected",
        "application_reserved",
        "application_withdrawn",
        "brand_expired",
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
        "enrolment_expired",
        "enrolment_received",
        "enrolment_rejected",
        "enrolment_waitlisted",
        "enrolment_withdrawn",
        "licence_expired",
        "licence_rejected",
        "licence_revoked",
        "licence_verified",
    }
)
"""Templates of messages that can wait; any other goes out at once, new ones too."""
_LENGTH: Mapping[Digest, timedelta] = {Digest.HARIAN: timedelta(days=1), Digest.MINGGUAN: timedelta(days=7)}


def held_back(decision: Decision, template: str, digest: str | None) -> Decision:
    """Return the decision on a message whose owner wants digests (``digest`` is not ``None``): what can wait is kept."""
    if digest is None or decision.state is not State.QUEUED or template not in DIGESTIBLE:
        return decision
    return replace(decision, state=State.SUPPRESSED, reason=Suppression.IN_DIGEST)


def last_due(every: Digest, at: time, now: datetime) -> datetime:
    """Return the newest instant, not after ``now``, at which digests are made: each day at ``at`` (WITA), or each Monday."""
    local = now.astimezone(WITA)
    day = monday_of(local.date()) if every is Digest.MINGGUAN else local.date()
    due = datetime.combine(day, at, WITA)
    return due if due <= local else due - _LENGTH[every]


def digest_id(owner_id: UUID, due: datetime) -> UUID:
    """Return the id of the one digest of an owner that is due at an instant: a day has one, whoever makes it."""
    return uuid5(NAMESPACE, f"{TEMPLATE}|{owner_id}|{due.astimezone(WITA).date().isoformat()}")
