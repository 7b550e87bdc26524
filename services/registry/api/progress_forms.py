"""What requests and answers about assessments, classes, readiness for export and workers over time look like."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registry.api.forms import ClassForm, PastDay
from services.registry.reference.progress import Checklist, Method
from shared.contracts.progress import Aspect
from shared.contracts.registry import BusinessClass, Evidence
from shared.web.app import RequestModel

Score = Annotated[int, Field(ge=1, le=5, strict=True, examples=[3])]
Version = Annotated[int, Field(ge=1, le=1000, strict=True)]
ItemCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class ClassChangeForm(ClassForm):
    """Kelas yang dilaporkan; naik kelas memerlukan paling sedikit satu bukti."""

    evidence: Annotated[tuple[Evidence, ...], Field(max_length=6, examples=[["laporan_keuangan"]])] = ()


class ScoresForm(RequestModel):
    """Tingkat setiap aspek: 1 (baru mulai) sampai 5 (siap untuk pembeli besar)."""

    produksi: Score
    sdm: Score
    kelembagaan: Score
    pemasaran: Score
    keuangan: Score

    def to_scores(self) -> dict[Aspect, int]:
        """Return aspect → level."""
        return {aspect: getattr(self, aspect) for aspect in Aspect}


class AssessmentForm(RequestModel):
    """Penilaian lima aspek; tanpa versi dipakai metode terbaru."""

    scores: ScoresForm
    assessed_on: PastDay
    method_version: Version | None = None


class ExportReadinessForm(RequestModel):
    """Daftar periksa ekspor; butir yang tidak disebut atau kosong belum diperiksa."""

    items: dict[ItemCode, bool | None] = Field(
        max_length=100, examples=[{"nib": True, "kemasan": True, "daftar_harga_usd": False, "kode_hs": None}]
    )
    as_of: PastDay
    checklist_version: Version | None = None


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class LevelOut(_Out):
    """Satu aspek dengan arti setiap tingkatnya, mulai dari 1."""

    aspect: Aspect
    levels: tuple[str, ...]


class MethodOut(_Out):
    """Satu versi metode penilaian."""

    method: str
    version: int
    since: date
    aspects: list[LevelOut]

    @classmethod
    def of(cls, method: Method) -> MethodOut:
        """Return the answer for a method."""
        aspects = [LevelOut(aspect=aspect, levels=levels) for aspect, levels in method.levels.items()]
        return cls(method=method.name, version=method.version, since=method.since, aspects=aspects)


class ItemOut(_Out):
    """Satu butir; ``sectors`` kosong berarti untuk semua sektor."""

    code: str
    title: str
    required: bool
    sectors: list[str]


class ChecklistOut(_Out):
    """Satu versi daftar periksa ekspor (daftar dinas sendiri)."""

    version: int
    since: date
    items: list[ItemOut]

    @classmethod
    def of(cls, checklist: Checklist) -> ChecklistOut:
        """Return the answer for a checklist."""
        items = [
            ItemOut(code=item.code, title=item.title, required=item.required, sectors=sorted(item.sectors))
            for item in checklist.items
        ]
        return cls(version=checklist.version, since=checklist.since, items=items)


class AssessmentOut(_Out):
    """Satu penilaian."""

    id: UUID
    sequence: int
    method: str
    method_version: int
    scores: dict[Aspect, int]
    assessor: str
    assessed_on: date


class ClassChangeOut(_Out):
    """Satu perubahan kelas; ``rise`` banyaknya kelas naik, di bawah 0 turun, 0 di luar tangga kelas."""

    id: UUID
    business_id: UUID
    sequence: int
    kelurahan: str
    previous: BusinessClass
    current: BusinessClass
    rise: int
    basis: str | None
    year: int | None
    source: str
    evidence: tuple[Evidence, ...]
    flags: tuple[str, ...]
    changed_on: date


class ExportReadinessOut(_Out):
    """Satu kali pemeriksaan kesiapan ekspor."""

    id: UUID
    sequence: int
    checklist_version: int
    items: dict[str, bool | None]
    ready: bool
    as_of: date


class WorkersOut(_Out):
    """Tenaga kerja pada suatu hari; kosong berarti tidak diketahui."""

    as_of: date
    paid_men: int | None
    paid_women: int | None
    unpaid_men: int | None
    unpaid_women: int | None


class AssessmentPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya: versi usaha pada catatan itu."""

    items: list[AssessmentOut]
    next: int | None


class ClassChangePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya: versi usaha pada catatan itu."""

    items: list[ClassChangeOut]
    next: int | None


class ExportReadinessPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya: versi usaha pada catatan itu."""

    items: list[ExportReadinessOut]
    next: int | None


class RisePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ClassChangeOut]
    next: UUID | None


class WorkersPage(_Out):
    """Dari yang terbaru; ``next`` adalah nilai ``before`` halaman berikutnya."""

    items: list[WorkersOut]
    next: date | None


def following(found: list[dict[str, Any]], limit: int) -> int | None:
    """Return where the next page begins, if one more than ``limit`` was found: the version that the last one speaks of."""
    return found[limit - 1]["sequence"] if len(found) > limit else None
