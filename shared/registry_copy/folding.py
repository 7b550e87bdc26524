"""A batch of the registry's facts folded into what it changes of owners and of businesses with their owners. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from shared.contracts.registry import (
    BusinessChanged,
    BusinessClass,
    BusinessClassChanged,
    BusinessMerged,
    BusinessRegistered,
    BusinessStatus,
    OwnerContactChanged,
    OwnerErased,
    OwnerRegistered,
)
from shared.contracts.statuses import STATUS_NAMES, status_told
from shared.envelope import Event, Read
from shared.lean import lean_reader
from shared.majors import names_of

Change = TypeVar("Change")


@dataclass(slots=True)
class OwnerChange:
    """What a batch says of one owner. ``None`` means: not said."""

    version: int
    personal: str | None = None
    """Sealed ``OwnerPersonal``."""
    erased: bool = False


@dataclass(slots=True)
class BusinessChange:
    """What a batch says of one business. ``None`` means: not said."""

    version: int
    owner_ids: tuple[UUID, ...] | None = None
    personal: str | None = None
    """Sealed ``BusinessPersonal``, under the key of the first owner."""
    kelurahan: str | None = None
    kelas: BusinessClass | None = None
    status: BusinessStatus | None = None
    merged_into: UUID | None = None
    """The business that goes on for it. Said together with ``status``: ``None`` beside one says that it is itself."""

    @property
    def whole(self) -> bool:
        """Whether the batch says all of it, so that a row can be made."""
        return None not in (self.owner_ids, self.kelurahan, self.kelas, self.status)


@dataclass(slots=True)
class RegistryChanges:
    """A batch, folded."""

    owners: dict[UUID, OwnerChange] = field(default_factory=dict)
    businesses: dict[UUID, BusinessChange] = field(default_factory=dict)
    erased: dict[UUID, Event] = field(default_factory=dict)
    """Owners who were erased, each with the fact that says so."""

    def take_owner(self, event: Event) -> None:
        """Fold one fact of an owner. One that says nothing we keep still moves the version."""
        fact: Any = event.fact  # read whole or lean: only its name tells what it is
        version, owner_id = event.meta.sequence, fact.owner_id
        change = self.owners.get(owner_id)
        if change is None:
            change = self.owners[owner_id] = OwnerChange(version)
        change.version = version
        match fact.NAME:
            case OwnerRegistered.NAME | OwnerContactChanged.NAME:
                change.personal = getattr(fact, "personal", None)
            case OwnerErased.NAME:
                change.personal, change.erased = None, True
                self.erased[owner_id] = event

    def take_business(self, event: Event) -> None:
        """Fold one fact of a business, also of a kind that is newer than this code: then only the version moves."""
        fact: Any = event.fact
        version, business_id = event.meta.sequence, fact.business_id
        change = self.businesses.get(business_id)
        if change is None:
            change = self.businesses[business_id] = BusinessChange(version)
        change.version = version
        match fact.NAME:
            case BusinessRegistered.NAME:
                _take_profile(change, fact)
                change.kelas = fact.kelas.kelas
            case BusinessChanged.NAME:
                _take_profile(change, fact)
            case BusinessClassChanged.NAME:
                change.kelas = fact.current.kelas
        status = status_told(fact)
        if status is not None:
            change.status = status
            change.merged_into = fact.into_id if fact.NAME == BusinessMerged.NAME else None


def _take_profile(change: BusinessChange, fact: Any) -> None:
    change.owner_ids, change.kelurahan = fact.owner_ids, fact.kelurahan
    change.personal = getattr(fact, "personal", None)


def folded_names(*, personal: bool) -> frozenset[str]:
    """Return the names of the facts that say something which is kept, with or without the sealed part."""
    of_owners = names_of(OwnerErased, *((OwnerRegistered, OwnerContactChanged) if personal else ()))
    return of_owners | names_of(BusinessRegistered, BusinessChanged, BusinessClassChanged) | STATUS_NAMES


def registry_reader(*, personal: bool) -> Read:
    """Return what reads of the facts that come in great numbers what is folded here, with or without the sealed part."""
    sealed = ("personal",) if personal else ()
    return lean_reader(
        {
            OwnerRegistered: sealed,
            OwnerContactChanged: sealed,
            BusinessRegistered: ("owner_ids", "kelurahan", "status", "kelas", *sealed),
        }
    )


def uuids_text(ids: tuple[UUID, ...] | None) -> str | None:
    """Return ids as PostgreSQL reads a ``uuid[]`` from text; an array in a row of many rows can travel no other way."""
    return None if ids is None else "{" + ",".join(map(str, ids)) + "}"


def in_order(changes: Mapping[UUID, Change]) -> list[tuple[UUID, Change]]:
    """Return changes in the order of their ids, in which everybody locks them."""
    return sorted(changes.items(), key=lambda item: item[0].bytes)
