"""Facts that ``services/registry`` publishes of organisations (partners of the office) and of brands.

An organisation is no person: what it is called is public. A brand's word mark is what the owner shows to the world, and what the
register of trade marks prints; it is public too, and takes no number or address.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC

ORGANISATION_TOPIC = "umkm.organisation"
BRAND_TOPIC = "umkm.brand"


class OrganisationKind(StrEnum):
    """What kind of body a partner is."""

    ASOSIASI = "asosiasi"
    BANK = "bank"
    EKONOMI_KREATIF = "ekonomi_kreatif"
    PEMERINTAH = "pemerintah"
    LAINNYA = "lainnya"


class OrganisationRole(StrEnum):
    """What a partner does with the office."""

    PELATIHAN = "pelatihan"
    PAMERAN = "pameran"
    TEMPAT_JUAL = "tempat_jual"


class BrandStatus(StrEnum):
    """States of a brand (*merek*) at the register of trade marks (DJKI)."""

    DIAJUKAN = "diajukan"
    TERDAFTAR = "terdaftar"
    DITOLAK = "ditolak"
    KEDALUWARSA = "kedaluwarsa"
    DICABUT = "dicabut"


class BrandCause(StrEnum):
    """Why a brand was turned down or is not protected any more."""

    DITOLAK_DJKI = "ditolak_djki"
    DIBATALKAN = "dibatalkan"
    PERMINTAAN_PEMILIK = "permintaan_pemilik"
    LAINNYA = "lainnya"


class _OrganisationFact(Fact):
    TOPIC: ClassVar[str] = ORGANISATION_TOPIC
    AGGREGATE: ClassVar[str] = "organisation_id"
    organisation_id: Annotated[UUID, PUBLIC]


class OrganisationProfile(_OrganisationFact):
    """What is known of a partner, whole; the common part of ``registered`` and ``changed``."""

    title: Annotated[str, PUBLIC]
    kind: Annotated[OrganisationKind, PUBLIC]
    roles: Annotated[tuple[OrganisationRole, ...], PUBLIC] = ()


class OrganisationRegistered(OrganisationProfile):
    """An organisation works with the office."""

    NAME: ClassVar[str] = "organisation.registered"


class OrganisationChanged(OrganisationProfile):
    """Title, kind or roles of a partner changed; carries it whole."""

    NAME: ClassVar[str] = "organisation.changed"


class OrganisationEnded(_OrganisationFact):
    """The organisation does not work with the office any more."""

    NAME: ClassVar[str] = "organisation.ended"
    ended_on: Annotated[date, PUBLIC]


class _BrandFact(Fact):
    TOPIC: ClassVar[str] = BRAND_TOPIC
    AGGREGATE: ClassVar[str] = "brand_id"
    brand_id: Annotated[UUID, PUBLIC]
    mark: Annotated[str, PUBLIC]
    """The word mark, as it is filed."""
    business_id: Annotated[UUID | None, PUBLIC] = None
    """Whose brand it is; exactly one of the two is set."""
    organisation_id: Annotated[UUID | None, PUBLIC] = None


class BrandFiled(_BrandFact):
    """A brand was filed at the register of trade marks."""

    NAME: ClassVar[str] = "brand.filed"
    filed_on: Annotated[date, PUBLIC]


class BrandRegistered(_BrandFact):
    """The brand is protected, for ten years."""

    NAME: ClassVar[str] = "brand.registered"
    registered_on: Annotated[date, PUBLIC]
    expires_on: Annotated[date, PUBLIC]
    """The last day of protection (WITA)."""


class BrandRejected(_BrandFact):
    """The register of trade marks turned it down."""

    NAME: ClassVar[str] = "brand.rejected"
    cause: Annotated[BrandCause, AGENCY]


class BrandRevoked(_BrandFact):
    """The brand is not protected any more, before its time."""

    NAME: ClassVar[str] = "brand.revoked"
    cause: Annotated[BrandCause, AGENCY]
    revoked_on: Annotated[date, PUBLIC]


class BrandExpiring(_BrandFact):
    """The protection runs out soon; told at most once for each of the three spans."""

    NAME: ClassVar[str] = "brand.expiring"
    expires_on: Annotated[date, PUBLIC]
    span: Annotated[Literal[90, 30, 7], AGENCY]
    days_left: Annotated[int, AGENCY]


class BrandExpired(_BrandFact):
    """The last day of protection is over."""

    NAME: ClassVar[str] = "brand.expired"
    expires_on: Annotated[date, PUBLIC]
