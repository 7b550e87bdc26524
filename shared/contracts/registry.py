"""Facts that ``services/registry`` publishes: owners, businesses, imports.

Names, NIK, NIB, phones, e-mail, addresses and free text of officers are personal: they travel in
``personal`` only, sealed under the owner's key. A business name is personal too, because most micro
businesses bear the name of their owner.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.fact import Fact, PersonalFields, Sealed
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, Privacy

OWNER_TOPIC = "umkm.owner"
BUSINESS_TOPIC = "umkm.business"
IMPORT_TOPIC = "umkm.import"

UNKNOWN_PLACE = "TIDAK_DIKETAHUI"

PlaceCode = Annotated[str, Field(pattern=r"^(64\.71\.\d{2}\.\d{4}|TIDAK_DIKETAHUI)$")]
"""A kelurahan of Balikpapan by its Kemendagri code, or ``TIDAK_DIKETAHUI``."""


class BusinessStatus(StrEnum):
    """States of a business, as the office names them."""

    DRAF = "draf"
    DIAJUKAN = "diajukan"
    PERLU_PERBAIKAN = "perlu_perbaikan"
    TERVERIFIKASI = "terverifikasi"
    NONAKTIF = "nonaktif"
    TUTUP = "tutup"
    DITOLAK = "ditolak"
    DIGABUNG = "digabung"


class BusinessClass(StrEnum):
    """Classes of PP 7/2021 art. 35; ``besar`` is outside the programme, unknown is a value."""

    MIKRO = "mikro"
    KECIL = "kecil"
    MENENGAH = "menengah"
    BESAR = "besar"
    TIDAK_DIKETAHUI = "tidak_diketahui"


class ClassBasis(StrEnum):
    """What a class was derived from."""

    MODAL = "modal"
    PENJUALAN = "penjualan"
    DILAPORKAN = "dilaporkan"


class Evidence(StrEnum):
    """What showed that a class is as recorded."""

    LAPORAN_KEUANGAN = "laporan_keuangan"
    SPT_TAHUNAN = "spt_tahunan"
    NERACA = "neraca"
    OSS = "oss"
    SURVEI_LAPANGAN = "survei_lapangan"
    PERNYATAAN_PEMILIK = "pernyataan_pemilik"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ClassRecord(_Part):
    """A class with where it comes from. Never recomputed silently; contradictions are flags."""

    kelas: Annotated[BusinessClass, PUBLIC]
    basis: Annotated[ClassBasis | None, PUBLIC] = None
    year: Annotated[int | None, PUBLIC] = None
    source: Annotated[str, PUBLIC]
    as_of: Annotated[date, PUBLIC]


class Workers(_Part):
    """Workers by sex and pay; ``None`` is not known, 0 is none."""

    paid_men: Annotated[int | None, AGENCY] = None
    paid_women: Annotated[int | None, AGENCY] = None
    unpaid_men: Annotated[int | None, AGENCY] = None
    unpaid_women: Annotated[int | None, AGENCY] = None


class Kbli(_Part):
    """A KBLI code with its list: 2025 re-used codes of 2020 with other meanings."""

    version: Annotated[Literal["2020", "2025"], PUBLIC]
    code: Annotated[str, Field(pattern=r"^\d{5}$"), PUBLIC]


class Consents(_Part):
    """What the owner agreed to; absent consent is no consent."""

    notifications: Annotated[bool, AGENCY] = False
    data_sharing: Annotated[bool, AGENCY] = False


class OwnerPersonal(PersonalFields):
    """Who the owner is and how to reach them."""

    LABEL: ClassVar[str] = "owner"
    name: Annotated[str, PERSONAL]
    nik: Annotated[str | None, PERSONAL] = None
    birth_date: Annotated[date | None, PERSONAL] = None
    phones: Annotated[tuple[str, ...], PERSONAL] = ()
    email: Annotated[str | None, PERSONAL] = None


class BusinessPersonal(PersonalFields):
    """Name, address and NIB of a business."""

    LABEL: ClassVar[str] = "business"
    name: Annotated[str, PERSONAL]
    address: Annotated[str | None, PERSONAL] = None
    nib: Annotated[str | None, PERSONAL] = None


class ReasonPersonal(PersonalFields):
    """Free text that an officer wrote; it may name people, so it is sealed."""

    LABEL: ClassVar[str] = "reason"
    reason: Annotated[str, PERSONAL]


Channel = Literal["email", "whatsapp", "sms", "console"]
Language = Literal["id", "en"]


class _OwnerFact(Fact):
    TOPIC: ClassVar[str] = OWNER_TOPIC
    AGGREGATE: ClassVar[str] = "owner_id"
    owner_id: Annotated[UUID, AGENCY]


class OwnerRegistered(_OwnerFact):
    """An owner (*pelaku usaha*) is known to the office."""

    NAME: ClassVar[str] = "owner.registered"
    PERSONAL: ClassVar[type[PersonalFields] | None] = OwnerPersonal
    personal: Annotated[Sealed, Privacy.PERSONAL]
    language: Annotated[Language, AGENCY] = "id"
    channel: Annotated[Channel | None, AGENCY] = None
    consents: Annotated[Consents, AGENCY] = Consents()
    flags: Annotated[tuple[str, ...], AGENCY] = ()


class OwnerContactChanged(_OwnerFact):
    """Name, phones or e-mail of an owner changed; carries the whole personal part anew."""

    NAME: ClassVar[str] = "owner.contact_changed"
    PERSONAL: ClassVar[type[PersonalFields] | None] = OwnerPersonal
    personal: Annotated[Sealed, Privacy.PERSONAL]
    flags: Annotated[tuple[str, ...], AGENCY] = ()


class OwnerConsentChanged(_OwnerFact):
    """The owner gave or withdrew consent, or chose language and channel."""

    NAME: ClassVar[str] = "owner.consent_changed"
    consents: Annotated[Consents, AGENCY]
    """What counts from now on: nothing while ``restricted``."""
    language: Annotated[Language, AGENCY]
    channel: Annotated[Channel | None, AGENCY] = None
    restricted: Annotated[bool, AGENCY] = False
    """The owner asked to stop using their data without erasing it. The consents say it too, for whoever goes by
    them; who uses data on another legal basis has to look here."""


class OwnerErased(_OwnerFact):
    """The owner's key is gone: nothing sealed under it can be read again, anywhere."""

    NAME: ClassVar[str] = "owner.erased"


class BusinessFact(Fact):
    """A fact about one business."""

    TOPIC: ClassVar[str] = BUSINESS_TOPIC
    AGGREGATE: ClassVar[str] = "business_id"
    business_id: Annotated[UUID, PUBLIC]


class BusinessProfile(BusinessFact):
    """What is known of a business, whole; the common part of ``registered`` and ``changed``."""

    PERSONAL: ClassVar[type[PersonalFields] | None] = BusinessPersonal
    owner_ids: Annotated[tuple[UUID, ...], AGENCY]
    """The first one is the principal owner: under whose key the personal part is sealed."""
    personal: Annotated[Sealed, Privacy.PERSONAL]
    kelurahan: Annotated[PlaceCode, PUBLIC] = UNKNOWN_PLACE
    sector: Annotated[str, PUBLIC] = "tidak_diketahui"
    kbli: Annotated[Kbli | None, PUBLIC] = None
    capital: Annotated[int | None, AGENCY] = None
    """Capital without land and building, whole rupiah."""
    sales: Annotated[int | None, AGENCY] = None
    """Annual sales, whole rupiah. ``None`` is not known, never 0."""
    founded_year: Annotated[int | None, PUBLIC] = None
    flags: Annotated[tuple[str, ...], AGENCY] = ()
    source: Annotated[str, PUBLIC]
    """Where this came from: ``petugas`` or ``impor``."""
    as_of: Annotated[date, PUBLIC]
    """The day the data speaks of (WITA)."""


class BusinessRegistered(BusinessProfile):
    """A business (*usaha*), the counting unit, is in the registry."""

    NAME: ClassVar[str] = "business.registered"
    status: Annotated[BusinessStatus, PUBLIC] = BusinessStatus.DRAF
    kelas: Annotated[ClassRecord, PUBLIC]
    workers: Annotated[Workers | None, AGENCY] = None


class BusinessChanged(BusinessProfile):
    """The profile of a business changed; carries it whole, and names what differs."""

    NAME: ClassVar[str] = "business.changed"
    changed: Annotated[tuple[str, ...], AGENCY]


class BusinessSubmitted(BusinessFact):
    """Handed in for verification."""

    NAME: ClassVar[str] = "business.submitted"


class BusinessVerified(BusinessFact):
    """An officer confirmed the business."""

    NAME: ClassVar[str] = "business.verified"


class _WithReason(BusinessFact):
    PERSONAL: ClassVar[type[PersonalFields] | None] = ReasonPersonal
    personal: Annotated[Sealed, Privacy.PERSONAL]


class BusinessReturned(_WithReason):
    """Sent back to the owner for correction."""

    NAME: ClassVar[str] = "business.returned"


class BusinessRejected(_WithReason):
    """Refused for good."""

    NAME: ClassVar[str] = "business.rejected"


class BusinessDeactivated(_WithReason):
    """At rest; may come back."""

    NAME: ClassVar[str] = "business.deactivated"


class BusinessReactivated(BusinessFact):
    """At work again, with the status it had before."""

    NAME: ClassVar[str] = "business.reactivated"
    status: Annotated[BusinessStatus, PUBLIC]


class BusinessClosed(_WithReason):
    """Closed for good."""

    NAME: ClassVar[str] = "business.closed"
    closed_on: Annotated[date, PUBLIC]


class BusinessClassChanged(BusinessFact):
    """The class was recorded anew. ``mikro`` to ``kecil`` to ``menengah`` is *naik kelas*."""

    NAME: ClassVar[str] = "business.class_changed"
    previous: Annotated[ClassRecord, PUBLIC]
    current: Annotated[ClassRecord, PUBLIC]
    flags: Annotated[tuple[str, ...], AGENCY] = ()
    evidence: Annotated[tuple[Evidence, ...], AGENCY] = ()
    """What the rise of a class rests on; facts from before it was asked for carry none."""


class BusinessWorkersRecorded(BusinessFact):
    """Workers counted on a day."""

    NAME: ClassVar[str] = "business.workers_recorded"
    workers: Annotated[Workers, AGENCY]
    as_of: Annotated[date, PUBLIC]


class BusinessDuplicateProposed(BusinessFact):
    """This business may be the same as another; a person decides."""

    NAME: ClassVar[str] = "business.duplicate_proposed"
    other_id: Annotated[UUID, AGENCY]
    grounds: Annotated[tuple[str, ...], AGENCY]


class BusinessMerged(BusinessFact):
    """This business was merged into another, which goes on under its own id."""

    NAME: ClassVar[str] = "business.merged"
    into_id: Annotated[UUID, PUBLIC]


class BusinessMergeUndone(BusinessFact):
    """A merge was a mistake; the business is itself again, with the status it had before."""

    NAME: ClassVar[str] = "business.merge_undone"
    from_id: Annotated[UUID, PUBLIC]
    status: Annotated[BusinessStatus, PUBLIC]


class ImportTotals(_Part):
    """Rows of a file by result; they add up to ``rows``."""

    rows: Annotated[int, AGENCY]
    new: Annotated[int, AGENCY]
    changed: Annotated[int, AGENCY]
    same: Annotated[int, AGENCY]
    possible_duplicate: Annotated[int, AGENCY]
    refused: Annotated[int, AGENCY]


class _ImportFact(Fact):
    TOPIC: ClassVar[str] = IMPORT_TOPIC
    AGGREGATE: ClassVar[str] = "import_id"
    import_id: Annotated[UUID, AGENCY]


class ImportStarted(_ImportFact):
    """A spreadsheet is being applied."""

    NAME: ClassVar[str] = "import.started"
    file_sha256: Annotated[str, AGENCY]
    kelurahan: Annotated[PlaceCode, AGENCY]
    officer: Annotated[str, AGENCY]
    """The ``sub`` of the officer's token."""
    started_at: Annotated[datetime, AGENCY]


class ImportCompleted(_ImportFact):
    """A spreadsheet has been applied whole."""

    NAME: ClassVar[str] = "import.completed"
    file_sha256: Annotated[str, AGENCY]
    kelurahan: Annotated[PlaceCode, AGENCY]
    officer: Annotated[str, AGENCY]
    totals: Annotated[ImportTotals, AGENCY]
    completed_at: Annotated[datetime, AGENCY]
