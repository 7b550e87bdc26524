"""What requests and answers about mentors and mentoring look like."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.registry.api.forms import PastDay
from services.registry.domain.mentoring import Mentor, Mentoring, Week
from services.registry.importing.cleaning.text import clean_text
from shared.contracts.mentoring import MentoringCause, VisitWay
from shared.contracts.progress import Aspect
from shared.contracts.registry import PlaceCode
from shared.web.app import RequestModel

Account = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,120}$", examples=["pendamping-siti"])]
Places = Annotated[tuple[PlaceCode, ...], Field(max_length=34, examples=[["64.71.01.1001"]])]
Target = Annotated[int, Field(ge=0, le=100, strict=True, examples=[8])]


def _note(text: str) -> str | None:
    """Return the note without outer spaces; one of spaces only is none."""
    return clean_text(text) or None


Note = Annotated[str, Field(max_length=4000, examples=["Membahas kemasan dan harga pokok."]), AfterValidator(_note)]


class MentorPlaceForm(RequestModel):
    """Wilayah dan target kunjungan seorang pendamping. Wilayah kosong berarti seluruh kota."""

    kelurahan: Places = ()
    weekly_target: Target


class MentorForm(MentorPlaceForm):
    """Pendamping baru; ``account`` adalah ``sub`` pada tokennya."""

    account: Account


class MentorEndForm(RequestModel):
    """Hari terakhir sebagai pendamping; kosong berarti hari ini."""

    ended_on: PastDay | None = None


class MentoringForm(RequestModel):
    """Pendamping sebuah usaha; tanpa tanggal berarti mulai hari ini."""

    mentor_id: UUID
    started_on: PastDay | None = None


class VisitForm(RequestModel):
    """Kunjungan. Catatan disimpan di registri saja dan ikut hilang bila data pemilik dihapus."""

    visited_on: PastDay
    way: VisitWay = VisitWay.KUNJUNGAN
    aspects: Annotated[tuple[Aspect, ...], Field(max_length=5)] = ()
    note: Note | None = None


class HandOverForm(RequestModel):
    """Pendamping yang meneruskan; tanpa tanggal berarti mulai hari ini."""

    mentor_id: UUID
    handed_over_on: PastDay | None = None


class MentoringEndForm(RequestModel):
    """Sebab berakhirnya pendampingan; tanpa tanggal berarti hari ini."""

    cause: MentoringCause
    ended_on: PastDay | None = None


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class MentorOut(_Out):
    """Satu pendamping."""

    id: UUID
    version: int
    account: str
    kelurahan: tuple[str, ...]
    weekly_target: int
    ended_on: date | None

    @classmethod
    def of(cls, mentor: Mentor) -> MentorOut:
        """Return the answer for a mentor."""
        return cls(**{name: getattr(mentor, name) for name in cls.model_fields})


class MentorPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[MentorOut]
    next: UUID | None


class WeekOut(_Out):
    """Satu minggu, Senin sampai Minggu (WITA): kunjungan dibandingkan dengan target saat itu."""

    monday: date
    sunday: date
    visits: int
    businesses: int
    target: int
    met: bool

    @classmethod
    def of(cls, week: Week) -> WeekOut:
        """Return the answer for a week."""
        return cls(**{name: getattr(week, name) for name in cls.model_fields})


class WeekPage(_Out):
    """Minggu dari yang terbaru; ``next`` adalah nilai ``until`` halaman berikutnya."""

    items: list[WeekOut]
    next: date | None


class MentoringOut(_Out):
    """Satu pendampingan; ``since`` hari mulainya pendamping yang sekarang."""

    id: UUID
    version: int
    business_id: UUID
    mentor_id: UUID
    started_on: date
    since: date
    last_visit_on: date | None
    ended_on: date | None
    cause: MentoringCause | None

    @classmethod
    def of(cls, mentoring: Mentoring) -> MentoringOut:
        """Return the answer for a mentoring."""
        return cls(**{name: getattr(mentoring, name) for name in cls.model_fields})


class MentoringPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[MentoringOut]
    next: UUID | None

    @classmethod
    def of(cls, found: list[Mentoring], limit: int) -> MentoringPage:
        """Return the page of what was found, one more than ``limit`` if there is a next one."""
        page = [MentoringOut.of(mentoring) for mentoring in found[:limit]]
        return cls(items=page, next=page[-1].id if len(found) > limit else None)


class VisitOut(_Out):
    """Satu kunjungan; catatan kosong: tidak ditulis, atau data pemiliknya sudah dihapus."""

    id: UUID
    mentor_id: UUID
    visited_on: date
    way: VisitWay
    aspects: tuple[Aspect, ...]
    note: str | None


class VisitPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[VisitOut]
    next: UUID | None

    @classmethod
    def of(cls, found: list[dict[str, Any]], limit: int) -> VisitPage:
        """Return the page of what was found, one more than ``limit`` if there is a next one."""
        page = [VisitOut(**visit) for visit in found[:limit]]
        return cls(items=page, next=page[-1].id if len(found) > limit else None)
