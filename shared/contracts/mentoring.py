"""Facts that ``services/registry`` publishes of mentors (*pendamping*) and the businesses they look after.

A mentor is named by id and by the account of their token, never by name. What was said at a visit stays in the registry;
the facts tell that there was one, how, and which aspects it was about.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC
from shared.contracts.progress import Aspect
from shared.contracts.registry import PlaceCode

MENTOR_TOPIC = "umkm.mentor"
MENTORING_TOPIC = "umkm.mentoring"


class VisitWay(StrEnum):
    """How mentor and owner met."""

    KUNJUNGAN = "kunjungan"
    DARING = "daring"
    TELEPON = "telepon"


class MentoringCause(StrEnum):
    """Why a mentoring ended."""

    SELESAI = "selesai"
    PERMINTAAN_PEMILIK = "permintaan_pemilik"
    USAHA_TUTUP = "usaha_tutup"
    PEMILIK_DIHAPUS = "pemilik_dihapus"
    LAINNYA = "lainnya"


class _MentorFact(Fact):
    TOPIC: ClassVar[str] = MENTOR_TOPIC
    AGGREGATE: ClassVar[str] = "mentor_id"
    mentor_id: Annotated[UUID, AGENCY]


class MentorProfile(_MentorFact):
    """What is known of a mentor, whole; the common part of ``registered`` and ``changed``."""

    account: Annotated[str, AGENCY]
    """The ``sub`` of the mentor's tokens."""
    kelurahan: Annotated[tuple[PlaceCode, ...], AGENCY] = ()
    """Where the mentor works; none: everywhere in the city."""
    weekly_target: Annotated[int, AGENCY]
    """Visits in a week, Monday to Sunday (WITA)."""


class MentorRegistered(MentorProfile):
    """Somebody is a mentor of the office."""

    NAME: ClassVar[str] = "mentor.registered"


class MentorChanged(MentorProfile):
    """Place or target of a mentor changed; carries it whole."""

    NAME: ClassVar[str] = "mentor.changed"


class MentorEnded(_MentorFact):
    """Somebody is no mentor any more; their businesses were handed over before."""

    NAME: ClassVar[str] = "mentor.ended"
    ended_on: Annotated[date, AGENCY]


class _MentoringFact(Fact):
    TOPIC: ClassVar[str] = MENTORING_TOPIC
    AGGREGATE: ClassVar[str] = "mentoring_id"
    mentoring_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, PUBLIC]
    mentor_id: Annotated[UUID, AGENCY]
    """Who looks after the business, after this fact."""


class MentoringStarted(_MentoringFact):
    """A mentor looks after a business; a business has one mentor at a time."""

    NAME: ClassVar[str] = "mentoring.started"
    started_on: Annotated[date, PUBLIC]


class MentoringVisited(_MentoringFact):
    """Mentor and owner met."""

    NAME: ClassVar[str] = "mentoring.visited"
    visit_id: Annotated[UUID, AGENCY]
    visited_on: Annotated[date, PUBLIC]
    way: Annotated[VisitWay, PUBLIC]
    aspects: Annotated[tuple[Aspect, ...], PUBLIC] = ()


class MentoringHandedOver(_MentoringFact):
    """Another mentor goes on."""

    NAME: ClassVar[str] = "mentoring.handed_over"
    previous_mentor_id: Annotated[UUID, AGENCY]
    handed_over_on: Annotated[date, PUBLIC]


class MentoringEnded(_MentoringFact):
    """Nobody looks after the business any more."""

    NAME: ClassVar[str] = "mentoring.ended"
    cause: Annotated[MentoringCause, AGENCY]
    ended_on: Annotated[date, PUBLIC]
