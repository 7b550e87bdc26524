"""What requests and answers look like. Requests forbid unknown fields; every refusal names field and rule."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.registry.commands import Profile, ReportedClass
from services.registry.domain.models import Business, Owner
from services.registry.importing.cleaning.nik import check_nik
from services.registry.importing.cleaning.phone import to_e164
from services.registry.importing.cleaning.text import clean_text
from services.registry.importing.codes import CODES
from services.registry.reference.sectors import SECTORS
from shared.contracts.registry import (
    UNKNOWN_PLACE,
    BusinessClass,
    BusinessStatus,
    Channel,
    ClassBasis,
    ClassRecord,
    Consents,
    Kbli,
    Language,
    PlaceCode,
    Workers,
)
from shared.web.app import RequestModel
from shared.wita import WITA

MOST_RUPIAH = 9_000_000_000_000_000
"""Far above any business, and safe as a number in every JSON reader (below 2**53)."""


def _cleaned(text: str) -> str:
    cleaned = clean_text(text)
    if not cleaned:
        raise ValueError("tidak boleh kosong")
    return cleaned


def _nik(text: str) -> str:
    checked = check_nik(text)
    if checked.value is None:
        raise ValueError(CODES[checked.code or "NIK_KOSONG"].reason)
    return checked.value


def _phone(text: str) -> str:
    number = to_e164(text)
    if number is None:
        raise ValueError("bukan nomor telepon; contoh: 081200000001 atau +6281200000001")
    return number


def _sector(text: str) -> str:
    if text not in SECTORS:
        raise ValueError(f"pilih salah satu: {', '.join(SECTORS)}")
    return text


def _not_ahead(day: date) -> date:
    if day.year < 1900:
        raise ValueError("tahun paling awal 1900")
    today = datetime.now(WITA).date()
    if day > today:
        raise ValueError(f"tidak boleh sesudah hari ini ({today.isoformat()})")
    return day


PastDay = Annotated[date, AfterValidator(_not_ahead)]
"""A day up to today (WITA)."""
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Siti Aminah"]), AfterValidator(_cleaned)]
BusinessName = Annotated[str, Field(min_length=1, max_length=100, examples=["Warung Siti"]), AfterValidator(_cleaned)]
Reason = Annotated[
    str, Field(min_length=3, max_length=1000, examples=["Foto produk belum jelas"]), AfterValidator(_cleaned)
]
Nik = Annotated[str, Field(pattern=r"^\d{16}$", examples=["6471014107909901"]), AfterValidator(_nik)]
Phone = Annotated[str, Field(min_length=7, max_length=25, examples=["081200000001"]), AfterValidator(_phone)]
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        examples=["siti@contoh.example"],
    ),
]
Rupiah = Annotated[int, Field(ge=0, le=MOST_RUPIAH, strict=True, examples=[36_000_000])]
Year = Annotated[int, Field(ge=1900, le=2100, strict=True)]
Head = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Sector = Annotated[str, Field(max_length=40, examples=["kuliner"]), AfterValidator(_sector)]


class ConsentsForm(RequestModel):
    """Persetujuan pemilik."""

    notifications: bool = False
    data_sharing: bool = False

    def to_consents(self) -> Consents:
        """Return the consents."""
        return Consents(notifications=self.notifications, data_sharing=self.data_sharing)


class OwnerForm(RequestModel):
    """Pemilik baru. Tanpa NIK boleh; catatannya diberi tanda."""

    name: Name
    nik: Nik | None = None
    birth_date: PastDay | None = None
    phones: tuple[Phone, ...] = Field(default=(), max_length=5)
    email: Email | None = None
    language: Language = "id"
    channel: Channel | None = None
    consents: ConsentsForm = ConsentsForm()
    kelurahan: PlaceCode = UNKNOWN_PLACE


class ContactForm(RequestModel):
    """Nama, telepon, dan surel yang baru, seluruhnya."""

    name: Name
    phones: tuple[Phone, ...] = Field(default=(), max_length=5)
    email: Email | None = None


class ConsentForm(RequestModel):
    """Persetujuan, bahasa, dan saluran yang baru, seluruhnya."""

    consents: ConsentsForm
    language: Language
    channel: Channel | None = None


class RestrictionForm(RequestModel):
    """Apakah pemakaian data pemilik dibatasi."""

    restricted: bool


class KbliForm(RequestModel):
    """Kode KBLI dengan daftarnya."""

    version: Literal["2020", "2025"]
    code: Annotated[str, Field(pattern=r"^\d{5}$", examples=["56101"])]


class ClassForm(RequestModel):
    """Kelas yang dilaporkan, dengan dasar, tahun, dan sumbernya."""

    kelas: BusinessClass
    basis: ClassBasis | None = None
    year: Year | None = None
    source: Annotated[str, Field(pattern=r"^[a-z0-9_ .-]{1,60}$", examples=["laporan keuangan"])]

    def to_reported(self) -> ReportedClass:
        """Return the class as reported."""
        return ReportedClass(self.kelas, self.basis, self.year, self.source)


class WorkersForm(RequestModel):
    """Tenaga kerja; kosong berarti tidak diketahui, 0 berarti tidak ada."""

    paid_men: Head | None = None
    paid_women: Head | None = None
    unpaid_men: Head | None = None
    unpaid_women: Head | None = None

    @model_validator(mode="after")
    def _says_something(self) -> WorkersForm:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError("isi paling sedikit satu angka")
        return self

    def to_workers(self) -> Workers:
        """Return the workers."""
        return Workers(**self.model_dump(include=set(Workers.model_fields)))


class WorkersCountForm(WorkersForm):
    """Tenaga kerja pada suatu hari."""

    as_of: PastDay


class ProfileForm(RequestModel):
    """Data usaha, seluruhnya. Kosong berarti tidak diketahui."""

    owner_ids: tuple[UUID, ...] = Field(min_length=1, max_length=20)
    name: BusinessName
    address: Annotated[str, Field(max_length=500), AfterValidator(_cleaned)] | None = None
    nib: Annotated[str, Field(pattern=r"^\d{13}$", examples=["0220001234567"])] | None = None
    kelurahan: PlaceCode = UNKNOWN_PLACE
    sector: Sector = "tidak_diketahui"
    kbli: KbliForm | None = None
    capital: Rupiah | None = None
    sales: Rupiah | None = None
    founded_year: Year | None = None

    def to_profile(self) -> Profile:
        """Return the profile; an owner named twice counts once."""
        return Profile(
            owner_ids=tuple(dict.fromkeys(self.owner_ids)),
            name=self.name,
            address=self.address,
            nib=self.nib,
            kelurahan=self.kelurahan,
            sector=self.sector,
            kbli=None if self.kbli is None else Kbli(version=self.kbli.version, code=self.kbli.code),
            capital=self.capital,
            sales=self.sales,
            founded_year=self.founded_year,
        )


class BusinessForm(ProfileForm):
    """Usaha baru, sebagai draf."""

    kelas: ClassForm | None = None
    workers: WorkersForm | None = None


class ReasonForm(RequestModel):
    """Alasan yang disampaikan kepada pemilik."""

    reason: Reason


class ClosureForm(ReasonForm):
    """Penutupan usaha."""

    closed_on: PastDay


class DuplicateForm(RequestModel):
    """Usaha lain yang mungkin sama."""

    other_id: UUID


class MergeForm(RequestModel):
    """Usaha yang tetap berjalan."""

    into_id: UUID


class KeysForm(RequestModel):
    """Kunci siapa, dan untuk apa."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]{2,59}$", examples=["notifikasi"])]
    owner_ids: tuple[UUID, ...] = Field(min_length=1, max_length=500)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class OwnerOut(_Out):
    """Satu pemilik."""

    id: UUID
    version: int
    name: str | None
    nik: str | None
    birth_date: date | None
    phones: tuple[str, ...]
    email: str | None
    language: str
    channel: str | None
    consents: Consents
    flags: tuple[str, ...]
    kelurahan: str
    source: str
    erased: bool
    restricted: bool

    @classmethod
    def of(cls, owner: Owner) -> OwnerOut:
        """Return the answer for an owner."""
        return cls(**{name: getattr(owner, name) for name in cls.model_fields})


class BusinessOut(_Out):
    """Satu usaha."""

    id: UUID
    version: int
    owner_ids: tuple[UUID, ...]
    name: str
    address: str | None
    nib: str | None
    kelurahan: str
    sector: str
    kbli: Kbli | None
    capital: int | None
    sales: int | None
    founded_year: int | None
    kelas: ClassRecord
    workers: Workers | None
    workers_as_of: date | None
    status: BusinessStatus
    status_reason: str | None
    merged_into: UUID | None
    closed_on: date | None
    flags: tuple[str, ...]
    source: str
    as_of: date

    @classmethod
    def of(cls, business: Business) -> BusinessOut:
        """Return the answer for a business."""
        values: dict[str, Any] = {name: getattr(business.profile, name) for name in Profile.__slots__}
        own = cls.model_fields.keys() - values.keys()
        return cls(**values, **{name: getattr(business, name) for name in own})


class OwnerPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[OwnerOut]
    next: UUID | None


class BusinessPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[BusinessOut]
    next: UUID | None


class ProposalOut(_Out):
    """Satu usulan ganda."""

    id: UUID
    business_id: UUID
    other_id: UUID
    grounds: list[str]
    state: str
    proposed_at: datetime
    decided_at: datetime | None


class ProposalPage(_Out):
    """Satu halaman usulan."""

    items: list[ProposalOut]
    next: UUID | None
