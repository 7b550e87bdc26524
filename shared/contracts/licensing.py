"""Facts that ``services/registry`` publishes of licences: submitted, judged by another person, running out, run out.

The number of a licence and the product it is for are sealed under the key of the business's principal owner: a NIB is one
person's, and a P-IRT number names a kitchen. Why something happened is a code, because free text may name people.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from shared.contracts.fact import Fact, PersonalFields, Sealed
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, Privacy

LICENCE_TOPIC = "umkm.licence"


class LicenceKind(StrEnum):
    """Licences that the office keeps. A halal statement and a halal certificate are two things; brands are apart."""

    NIB = "nib"
    P_IRT = "p_irt"
    BPOM = "bpom"
    HALAL_PERNYATAAN = "halal_pernyataan"
    HALAL_SERTIFIKAT = "halal_sertifikat"
    SNI = "sni"
    LAIK_HIGIENE = "laik_higiene"


class LicenceStatus(StrEnum):
    """States of a licence, as the office names them."""

    DIAJUKAN = "diajukan"
    BERLAKU = "berlaku"
    DITOLAK = "ditolak"
    KEDALUWARSA = "kedaluwarsa"
    DICABUT = "dicabut"


class LicenceCause(StrEnum):
    """Why a licence was turned down or taken back."""

    DOKUMEN_TIDAK_SESUAI = "dokumen_tidak_sesuai"
    NOMOR_TIDAK_DITEMUKAN = "nomor_tidak_ditemukan"
    DICABUT_PENERBIT = "dicabut_penerbit"
    USAHA_TUTUP = "usaha_tutup"
    PEMILIK_DIHAPUS = "pemilik_dihapus"
    LAINNYA = "lainnya"


class LicencePersonal(PersonalFields):
    """The number of a licence, and the product it is for."""

    LABEL: ClassVar[str] = "licence"
    number: Annotated[str, PERSONAL]
    product: Annotated[str | None, PERSONAL] = None


class _LicenceFact(Fact):
    TOPIC: ClassVar[str] = LICENCE_TOPIC
    AGGREGATE: ClassVar[str] = "licence_id"
    licence_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, PUBLIC]
    owner_id: Annotated[UUID, AGENCY]
    """The principal owner of the business when the licence was submitted: under whose key its number is sealed."""
    kind: Annotated[LicenceKind, PUBLIC]


class LicenceSubmitted(_LicenceFact):
    """A licence was handed in, and waits for somebody else to verify it."""

    NAME: ClassVar[str] = "licence.submitted"
    PERSONAL: ClassVar[type[PersonalFields] | None] = LicencePersonal
    personal: Annotated[Sealed, Privacy.PERSONAL]
    valid_from: Annotated[date | None, AGENCY] = None
    expires_on: Annotated[date | None, AGENCY] = None
    """The last day it is valid (WITA); ``None``: it does not run out."""
    renews: Annotated[UUID | None, AGENCY] = None
    """The licence that this one takes the place of once it is verified."""


class LicenceVerified(_LicenceFact):
    """Somebody other than the applicant saw that the licence is real; it is valid."""

    NAME: ClassVar[str] = "licence.verified"
    valid_from: Annotated[date | None, PUBLIC] = None
    expires_on: Annotated[date | None, PUBLIC] = None
    renews: Annotated[UUID | None, AGENCY] = None


class LicenceRejected(_LicenceFact):
    """The licence was not accepted."""

    NAME: ClassVar[str] = "licence.rejected"
    cause: Annotated[LicenceCause, AGENCY]


class LicenceRevoked(_LicenceFact):
    """The licence is not valid any more, before its time."""

    NAME: ClassVar[str] = "licence.revoked"
    cause: Annotated[LicenceCause, AGENCY]
    revoked_on: Annotated[date, PUBLIC]


class LicenceExpiring(_LicenceFact):
    """The licence runs out soon; told at most once for each of the three spans."""

    NAME: ClassVar[str] = "licence.expiring"
    expires_on: Annotated[date, PUBLIC]
    span: Annotated[Literal[90, 30, 7], AGENCY]
    """The span that was entered, days."""
    days_left: Annotated[int, AGENCY]
    """Days from the day of the pass to the last valid day; at most ``span``."""


class LicenceExpired(_LicenceFact):
    """The last valid day is over."""

    NAME: ClassVar[str] = "licence.expired"
    expires_on: Annotated[date, PUBLIC]
