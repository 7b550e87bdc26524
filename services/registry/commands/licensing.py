"""What the registry can be told about licences, organisations and brands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.licensing import LicenceKind
from shared.contracts.organisations import OrganisationKind, OrganisationRole


@dataclass(frozen=True, slots=True)
class SubmitLicence:
    """Hand in a licence of a business. ``number`` is as typed; ``renews``: the licence whose place it is to take."""

    licence_id: UUID
    business_id: UUID
    kind: LicenceKind
    number: str
    product: str | None
    valid_from: date | None
    expires_on: date | None
    """The last valid day (WITA)."""
    renews: UUID | None


@dataclass(frozen=True, slots=True)
class RegisterOrganisation:
    """Take a partner of the office into the registry."""

    organisation_id: UUID
    title: str
    kind: OrganisationKind
    roles: tuple[OrganisationRole, ...]


@dataclass(frozen=True, slots=True)
class ChangeOrganisation(RegisterOrganisation):
    """Replace title, kind and roles, in the version that the actor has seen."""

    expected_version: int


@dataclass(frozen=True, slots=True)
class EndOrganisation:
    """Say that a partner does not work with the office any more."""

    organisation_id: UUID
    expected_version: int
    ended_on: date


@dataclass(frozen=True, slots=True)
class FileBrand:
    """Record that a word mark was filed at the register of trade marks, for a business or for an organisation."""

    brand_id: UUID
    mark: str
    whose: Literal["business", "organisation"]
    whose_id: UUID
    filed_on: date
