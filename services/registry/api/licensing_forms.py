"""What requests and answers of licences, organisations and brands look like."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.registry.api.forms import PastDay
from services.registry.domain.brands import Brand
from services.registry.domain.licences import Licence
from services.registry.domain.organisations import Organisation
from services.registry.importing.cleaning.text import clean_text
from shared.contracts.licensing import LicenceCause, LicenceKind, LicenceStatus
from shared.contracts.organisations import BrandCause, BrandStatus, OrganisationKind, OrganisationRole
from shared.web.app import RequestModel


def _one_line(text: str) -> str:
    cleaned = " ".join(clean_text(text).split())
    if not cleaned:
        raise ValueError("tidak boleh kosong")
    return cleaned


def _in_our_time(day: date) -> date:
    if not 1990 <= day.year <= 2100:
        raise ValueError("tahun harus 1990 sampai 2100")
    return day


Day = Annotated[date, AfterValidator(_in_our_time)]
RecentDay = Annotated[PastDay, AfterValidator(_in_our_time)]
"""A day up to today (WITA)."""
Number = Annotated[str, Field(min_length=1, max_length=60, examples=["2063471010001-31"]), AfterValidator(_one_line)]
Product = Annotated[str, Field(min_length=1, max_length=100, examples=["Amplang ikan"]), AfterValidator(_one_line)]
Title = Annotated[str, Field(min_length=1, max_length=120, examples=["IPEMI Balikpapan"]), AfterValidator(_one_line)]
Mark = Annotated[str, Field(min_length=1, max_length=60, examples=["Amplang Beruang"]), AfterValidator(_one_line)]
RejectionCause = Literal[LicenceCause.DOKUMEN_TIDAK_SESUAI, LicenceCause.NOMOR_TIDAK_DITEMUKAN, LicenceCause.LAINNYA]
RevocationCause = Literal[
    LicenceCause.DICABUT_PENERBIT,
    LicenceCause.DOKUMEN_TIDAK_SESUAI,
    LicenceCause.NOMOR_TIDAK_DITEMUKAN,
    LicenceCause.USAHA_TUTUP,
    LicenceCause.LAINNYA,
]
BrandRejectionCause = Literal[BrandCause.DITOLAK_DJKI, BrandCause.PERMINTAAN_PEMILIK, BrandCause.LAINNYA]
BrandRevocationCause = Literal[BrandCause.DIBATALKAN, BrandCause.PERMINTAAN_PEMILIK, BrandCause.LAINNYA]


class LicenceForm(RequestModel):
    """Izin sebuah usaha, atau sebuah produknya. `renews`: izin yang diperpanjang, dan diganti setelah diverifikasi."""

    business_id: UUID
    kind: LicenceKind
    number: Number
    product: Product | None = None
    valid_from: Day | None = None
    expires_on: Annotated[Day | None, Field(description="Hari terakhir berlaku (WITA).")] = None
    renews: UUID | None = None


class LicenceRejectionForm(RequestModel):
    """Mengapa izin ditolak."""

    cause: RejectionCause


class LicenceRevocationForm(RequestModel):
    """Mengapa dan sejak kapan izin tidak berlaku lagi."""

    cause: RevocationCause
    revoked_on: RecentDay


class OrganisationForm(RequestModel):
    """Mitra dinas: nama, jenis, dan perannya, seluruhnya."""

    title: Title
    kind: OrganisationKind
    roles: tuple[OrganisationRole, ...] = Field(default=(), max_length=10)


class OrganisationEndForm(RequestModel):
    """Hari kerja sama berakhir."""

    ended_on: RecentDay


class BrandForm(RequestModel):
    """Merek kata milik sebuah usaha atau sebuah organisasi; tepat satu dari keduanya."""

    mark: Mark
    business_id: UUID | None = None
    organisation_id: UUID | None = None
    filed_on: RecentDay

    @model_validator(mode="after")
    def _one_owner(self) -> BrandForm:
        if (self.business_id is None) == (self.organisation_id is None):
            raise ValueError("isi tepat satu: business_id atau organisation_id")
        return self

    def owner(self) -> tuple[Literal["business", "organisation"], UUID]:
        """Return whose brand it is."""
        if self.business_id is not None:
            return "business", self.business_id
        if self.organisation_id is not None:
            return "organisation", self.organisation_id
        raise LookupError("a form that was not checked")


class BrandRegistrationForm(RequestModel):
    """Hari merek didaftarkan DJKI."""

    registered_on: RecentDay


class BrandRejectionForm(RequestModel):
    """Mengapa merek tidak didaftarkan."""

    cause: BrandRejectionCause


class BrandRevocationForm(RequestModel):
    """Mengapa dan sejak kapan merek tidak dilindungi lagi."""

    cause: BrandRevocationCause
    revoked_on: RecentDay


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)

    @classmethod
    def _values(cls, thing: object) -> dict[str, Any]:
        return {name: getattr(thing, name) for name in cls.model_fields}


class LicenceOut(_Out):
    """Satu izin. `number` kosong: pemiliknya sudah dihapus. `replaced_by`: izin yang menggantikannya."""

    id: UUID
    version: int
    business_id: UUID
    owner_id: UUID
    kind: LicenceKind
    number: str | None
    product: str | None
    status: LicenceStatus
    cause: LicenceCause | None
    valid_from: date | None
    expires_on: date | None
    renews: UUID | None
    replaced_by: UUID | None
    revoked_on: date | None

    @classmethod
    def of(cls, licence: Licence) -> LicenceOut:
        """Return the answer for a licence."""
        return cls(**cls._values(licence))


class OrganisationOut(_Out):
    """Satu organisasi."""

    id: UUID
    version: int
    title: str
    kind: OrganisationKind
    roles: tuple[OrganisationRole, ...]
    ended_on: date | None

    @classmethod
    def of(cls, organisation: Organisation) -> OrganisationOut:
        """Return the answer for an organisation."""
        return cls(**cls._values(organisation))


class BrandOut(_Out):
    """Satu merek."""

    id: UUID
    version: int
    mark: str
    business_id: UUID | None
    organisation_id: UUID | None
    status: BrandStatus
    cause: BrandCause | None
    filed_on: date
    registered_on: date | None
    expires_on: date | None
    revoked_on: date | None

    @classmethod
    def of(cls, brand: Brand) -> BrandOut:
        """Return the answer for a brand."""
        return cls(**cls._values(brand))


class LicencePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[LicenceOut]
    next: UUID | None


class OrganisationPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[OrganisationOut]
    next: UUID | None


class BrandPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[BrandOut]
    next: UUID | None
