"""What answers look like. Nothing personal: owners and businesses by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.events.domain.models import Application, Booth, Exhibition, Member, Outlet, Turnover, Turns
from services.events.domain.selling import SalesState
from services.events.handlers.applying import Shown
from services.events.handlers.selling import Report
from shared.contracts.exhibitions import ApplicationCause, ApplicationState, BoothKind, Criterion, Wave
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.web.deeds import SavedOut


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ChangedOut(_Out):
    """Yang berubah."""

    items: list[SavedOut]


class CuratedOut(SavedOut):
    """Hasil kurasi."""

    passed: int
    reserved: int
    rejected: int


class BoothOut(_Out):
    """Satu stan; ``placed`` usaha pada setiap gelombang."""

    id: UUID
    version: int
    exhibition_id: UUID
    number: int
    kind: BoothKind
    capacity: int
    placed: tuple[int, ...]

    @classmethod
    def of(cls, booth: Booth) -> BoothOut:
        """Return the answer for a booth."""
        return cls(**{name: getattr(booth, name) for name in cls.model_fields})


class ExhibitionOut(_Out):
    """Satu pameran atau bazar."""

    id: UUID
    version: int
    title: str
    held_by: str
    partner: str | None
    partner_id: UUID | None
    place: str
    zone: str
    starts_on: date
    ends_on: date
    closes_at: datetime
    waves: tuple[Wave, ...]
    criteria: tuple[Criterion, ...]
    pass_score: int
    curators: int
    confirm_hours: int
    curated: bool
    cancelled: bool

    @classmethod
    def of(cls, exhibition: Exhibition) -> ExhibitionOut:
        """Return the answer for an exhibition."""
        return cls(**{name: getattr(exhibition, name) for name in ExhibitionOut.model_fields})


class ExhibitionDetail(ExhibitionOut):
    """Satu pameran dengan stannya."""

    booths: list[BoothOut]


class ExhibitionPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ExhibitionOut]
    next: UUID | None


class ApplicationOut(_Out):
    """Satu pendaftaran; nilai dalam perseratus."""

    id: UUID
    version: int
    exhibition_id: UUID
    owner_id: UUID
    business_id: UUID
    kelurahan: str
    kind: BoothKind
    state: ApplicationState
    applied_at: datetime
    scores: Mapping[str, int] | None
    total: int | None
    rank: int | None
    booth_id: UUID | None
    wave: int | None
    confirm_by: datetime | None
    cause: ApplicationCause | None

    @classmethod
    def of(cls, application: Application) -> ApplicationOut:
        """Return the answer for an application."""
        return cls(**{name: getattr(application, name) for name in ApplicationOut.model_fields})


class HistoryOut(_Out):
    """Yang dibaca kurasi tentang usaha ini."""

    status: BusinessStatus
    kelas: BusinessClass
    trainings: int
    helped: int
    licences: list[str]


class ScoredOut(_Out):
    """Nilai seorang kurator."""

    curator: str
    criterion: str
    score: int
    given_at: datetime


class ApplicationDetail(ApplicationOut):
    """Satu pendaftaran dengan riwayat usahanya dan nilai para kurator."""

    history: HistoryOut
    scored: list[ScoredOut]

    @classmethod
    def of_shown(cls, shown: Shown) -> ApplicationDetail:
        """Return the answer for an application with what a curator looks at."""
        seen = shown.history
        history = HistoryOut(
            status=seen.status,
            kelas=seen.kelas,
            trainings=seen.trainings,
            helped=seen.helped,
            licences=sorted(seen.licences),
        )
        scored = [
            ScoredOut(curator=item.curator, criterion=item.criterion, score=item.score, given_at=item.given_at)
            for item in shown.scored
        ]
        return cls(**dict(ApplicationOut.of(shown.application)), history=history, scored=scored)


class ApplicationPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ApplicationOut]
    next: UUID | None


class ReportOut(_Out):
    """Laporan satu peserta; hari tanpa laporan bernilai null, bukan 0."""

    application_id: UUID
    version: int
    business_id: UUID
    state: SalesState
    days: Mapping[date, int | None]

    @classmethod
    def of(cls, report: Report) -> ReportOut:
        """Return the answer for a participant's reports."""
        application = report.application
        return cls(
            application_id=application.id,
            version=application.version,
            business_id=application.business_id,
            state=report.state,
            days=report.days,
        )


class ReportPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ReportOut]
    next: UUID | None


class TurnoverOut(_Out):
    """Omzet yang diterbitkan: dari sekurang-kurangnya lima usaha, tidak pernah dari satu usaha."""

    state: Literal["belum_diterbitkan", "diterbitkan"]
    participants: int | None = None
    reported: int | None = None
    not_reported: int | None = None
    total: int | None = None
    published_at: datetime | None = None

    @classmethod
    def of(cls, turnover: Turnover | None) -> TurnoverOut:
        """Return the answer for a published total, or for none."""
        if turnover is None:
            return cls(state="belum_diterbitkan")
        return cls(
            state="diterbitkan",
            participants=turnover.participants,
            reported=turnover.reported,
            not_reported=turnover.participants - turnover.reported,
            total=turnover.total,
            published_at=turnover.published_at,
        )


class OutletOut(_Out):
    """Satu gerai tetap."""

    id: UUID
    version: int
    title: str
    held_by: str
    partner: str | None
    partner_id: UUID | None
    place: str
    stalls: int

    @classmethod
    def of(cls, outlet: Outlet) -> OutletOut:
        """Return the answer for an outlet."""
        return cls(**{name: getattr(outlet, name) for name in OutletOut.model_fields})


class MemberOut(_Out):
    """Satu anggota giliran, dengan banyak giliran yang pernah didapat."""

    business_id: UUID
    turns: int
    last_turn: int
    active: bool


class TurnOut(_Out):
    """Satu giliran."""

    number: int
    starts_on: date
    ends_on: date
    business_ids: tuple[UUID, ...]


class OutletDetail(OutletOut):
    """Satu gerai dengan anggota dan gilirannya."""

    members: list[MemberOut]
    turns: list[TurnOut]

    @classmethod
    def of_shown(cls, outlet: Outlet, members: list[Member], turns: Turns) -> OutletDetail:
        """Return the answer for an outlet with its rota."""
        return cls(
            **dict(OutletOut.of(outlet)),
            members=[MemberOut(**{name: getattr(m, name) for name in MemberOut.model_fields}) for m in members],
            turns=[TurnOut(**{name: getattr(turn, name) for name in TurnOut.model_fields}) for turn, _ in turns],
        )


class OutletPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[OutletOut]
    next: UUID | None
