"""Owners and businesses as the rules see them, and the drafts of facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from services.registry.commands import Profile
from shared.contracts.fact import Fact, PersonalFields
from shared.contracts.registry import (
    BusinessPersonal,
    BusinessStatus,
    Channel,
    ClassRecord,
    Consents,
    Language,
    OwnerPersonal,
    Workers,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact whose personal part is not sealed yet."""

    fact: type[Fact]
    fields: dict[str, Any]
    personal: PersonalFields | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner; ``name`` is ``None`` after erasure only."""

    id: UUID
    version: int
    name: str | None
    nik: str | None
    birth_date: date | None
    phones: tuple[str, ...]
    email: str | None
    language: Language
    channel: Channel | None
    consents: Consents
    flags: tuple[str, ...]
    kelurahan: str
    source: str
    registered_by: str
    erased: bool = False
    restricted: bool = False
    """The owner asked to stop using the data: what they agreed to counts as nothing."""

    @property
    def consents_now(self) -> Consents:
        """What everybody else is told that the owner agrees to."""
        return Consents() if self.restricted else self.consents

    def personal(self) -> OwnerPersonal:
        """Return the part that facts carry sealed."""
        return OwnerPersonal(
            name=self.name or "", nik=self.nik, birth_date=self.birth_date, phones=self.phones, email=self.email
        )


@dataclass(frozen=True, slots=True)
class Business:
    """A business with everything the rules look at."""

    id: UUID
    version: int
    profile: Profile
    kelas: ClassRecord
    workers: Workers | None
    workers_as_of: date | None
    status: BusinessStatus
    status_before: BusinessStatus | None
    status_reason: str | None
    merged_into: UUID | None
    closed_on: date | None
    flags: tuple[str, ...]
    source: str
    as_of: date
    registered_by: str
    submitted_by: str | None
    verified_by: str | None
    status_before_merge: BusinessStatus | None = None
    """Set while it is merged; ``status_before`` is what a business at rest had before that."""

    def personal(self) -> BusinessPersonal:
        """Return the part that facts carry sealed."""
        return BusinessPersonal(name=self.profile.name, address=self.profile.address, nib=self.profile.nib)


class Versioned(Protocol):
    """An aggregate."""

    @property
    def version(self) -> int:
        """The sequence of its last fact."""


Thing_co = TypeVar("Thing_co", bound=Versioned, covariant=True)


@dataclass(frozen=True, slots=True)
class Changed(Generic[Thing_co]):
    """An aggregate after a deed, with the drafts of what happened; no draft: nothing changed."""

    after: Thing_co
    """In its version after all drafts."""
    drafts: tuple[Draft, ...] = ()


BusinessChange = Changed[Business]
