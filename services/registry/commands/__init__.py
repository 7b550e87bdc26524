"""What the registry can be told to do. Names say the deed; ids, time and actor come in, nothing is looked up here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.contracts.registry import BusinessClass, Channel, ClassBasis, Consents, Evidence, Kbli, Language, Workers


@dataclass(frozen=True, slots=True)
class RegisterOwner:
    """Take an owner into the registry. ``phones`` are E.164; ``kelurahan`` is the place that registers."""

    owner_id: UUID
    name: str
    nik: str | None
    birth_date: date | None
    phones: tuple[str, ...]
    email: str | None
    language: Language
    channel: Channel | None
    consents: Consents
    kelurahan: str


@dataclass(frozen=True, slots=True)
class ChangeOwnerContact:
    """Replace name, phones and e-mail of an owner."""

    owner_id: UUID
    expected_version: int
    name: str
    phones: tuple[str, ...]
    email: str | None


@dataclass(frozen=True, slots=True)
class ChangeOwnerConsent:
    """Replace what an owner agreed to, and how they want to be told."""

    owner_id: UUID
    expected_version: int
    consents: Consents
    language: Language
    channel: Channel | None


@dataclass(frozen=True, slots=True)
class ChangeOwnerRestriction:
    """Restrict the use of an owner's data without erasing it (UU 27/2022 art. 11), or allow it again."""

    owner_id: UUID
    expected_version: int
    restricted: bool


@dataclass(frozen=True, slots=True)
class EraseOwner:
    """Delete an owner's key and personal columns for good (UU 27/2022 art. 8). ``None``: in whatever version."""

    owner_id: UUID
    expected_version: int | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is told of a business, whole. Money is whole rupiah; ``None`` is not known, never 0."""

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


@dataclass(frozen=True, slots=True)
class ReportedClass:
    """A class as somebody reports it, with where it comes from."""

    kelas: BusinessClass
    basis: ClassBasis | None
    year: int | None
    source: str


@dataclass(frozen=True, slots=True)
class RegisterBusiness:
    """Take a business into the registry, as a draft. Without ``reported`` the class is read from the figures."""

    business_id: UUID
    profile: Profile
    reported: ReportedClass | None
    workers: Workers | None


@dataclass(frozen=True, slots=True)
class OnBusiness:
    """A deed on one business, in the version that its actor has seen."""

    business_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class ChangeBusiness(OnBusiness):
    """Replace the profile."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class SubmitBusiness(OnBusiness):
    """Hand in for verification."""


@dataclass(frozen=True, slots=True)
class VerifyBusiness(OnBusiness):
    """Confirm. The verifier is neither who registered nor who handed in."""


@dataclass(frozen=True, slots=True)
class ReactivateBusiness(OnBusiness):
    """Bring back from rest, with the status it had."""


@dataclass(frozen=True, slots=True)
class WithReason(OnBusiness):
    """A deed that has to be explained to the owner."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReturnBusiness(WithReason):
    """Send back for correction."""


@dataclass(frozen=True, slots=True)
class RejectBusiness(WithReason):
    """Refuse for good."""


@dataclass(frozen=True, slots=True)
class DeactivateBusiness(WithReason):
    """Put to rest."""


@dataclass(frozen=True, slots=True)
class CloseBusiness(WithReason):
    """Close for good, on a day."""

    closed_on: date


@dataclass(frozen=True, slots=True)
class ChangeBusinessClass(OnBusiness):
    """Record a class. Nothing is recomputed; what the figures say otherwise becomes a flag."""

    reported: ReportedClass
    evidence: tuple[Evidence, ...] = ()
    """What the rise of a class rests on; *naik kelas* needs some."""


@dataclass(frozen=True, slots=True)
class RecordWorkers(OnBusiness):
    """Record the workers counted on a day."""

    workers: Workers
    as_of: date


@dataclass(frozen=True, slots=True)
class ProposeDuplicate(OnBusiness):
    """Say that this business may be the same as another."""

    other_id: UUID


@dataclass(frozen=True, slots=True)
class MergeBusiness(OnBusiness):
    """Merge this business into another, which goes on."""

    into_id: UUID


@dataclass(frozen=True, slots=True)
class UndoMerge(OnBusiness):
    """Take a merge back."""
