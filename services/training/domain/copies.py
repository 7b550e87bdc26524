"""A batch of the registry's facts folded into what it changes of the copy: owners, and businesses with their owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.registry import (
    OWNER_TOPIC,
    BusinessClass,
    BusinessClassChanged,
    BusinessClosed,
    BusinessDeactivated,
    BusinessMerged,
    BusinessMergeUndone,
    BusinessProfile,
    BusinessReactivated,
    BusinessRegistered,
    BusinessRejected,
    BusinessReturned,
    BusinessStatus,
    BusinessSubmitted,
    BusinessVerified,
    OwnerContactChanged,
    OwnerErased,
    OwnerRegistered,
)
from shared.envelope import Event

_STATUS: dict[type, BusinessStatus] = {
    BusinessSubmitted: BusinessStatus.DIAJUKAN,
    BusinessVerified: BusinessStatus.TERVERIFIKASI,
    BusinessReturned: BusinessStatus.PERLU_PERBAIKAN,
    BusinessRejected: BusinessStatus.DITOLAK,
    BusinessDeactivated: BusinessStatus.NONAKTIF,
    BusinessClosed: BusinessStatus.TUTUP,
    BusinessMerged: BusinessStatus.DIGABUNG,
}


@dataclass(slots=True)
class OwnerChange:
    """What a batch says of one owner. ``None`` means: not said."""

    version: int
    personal: str | None = None
    erased: bool = False


@dataclass(slots=True)
class BusinessChange:
    """What a batch says of one business. ``None`` means: not said."""

    version: int
    owner_ids: tuple[UUID, ...] | None = None
    personal: str | None = None
    kelurahan: str | None = None
    kelas: BusinessClass | None = None
    status: BusinessStatus | None = None


@dataclass(slots=True)
class Copies:
    """A batch, folded."""

    owners: dict[UUID, OwnerChange] = field(default_factory=dict)
    businesses: dict[UUID, BusinessChange] = field(default_factory=dict)
    erased: dict[UUID, Event] = field(default_factory=dict)
    """Owners who were erased, each with the fact that says so."""


def fold(events: Sequence[Event]) -> Copies:
    """Fold a batch. The facts of one aggregate are in order; those of different ones need not be.

    Facts of owners that say nothing we keep still move the version, and so do facts of a kind that is newer than this code.
    """
    copies = Copies()
    for event in events:
        if event.fact.TOPIC == OWNER_TOPIC:
            _fold_owner(copies, event.fact.aggregate_id, event)
        else:
            _fold_business(copies, event)
    return copies


def _fold_owner(copies: Copies, owner_id: UUID, event: Event) -> None:
    change = copies.owners.setdefault(owner_id, OwnerChange(event.meta.sequence))
    change.version = event.meta.sequence
    match event.fact:
        case OwnerRegistered() | OwnerContactChanged() as fact:
            change.personal = fact.personal
        case OwnerErased():
            change.personal, change.erased = None, True
            copies.erased[owner_id] = event


def _fold_business(copies: Copies, event: Event) -> None:
    fact = event.fact
    change = copies.businesses.setdefault(fact.aggregate_id, BusinessChange(event.meta.sequence))
    change.version = event.meta.sequence
    if isinstance(fact, BusinessProfile):
        change.owner_ids, change.personal, change.kelurahan = fact.owner_ids, fact.personal, fact.kelurahan
    match fact:
        case BusinessRegistered():
            change.kelas, change.status = fact.kelas.kelas, fact.status
        case BusinessClassChanged():
            change.kelas = fact.current.kelas
        case BusinessReactivated() | BusinessMergeUndone():
            change.status = fact.status
        case _:
            change.status = _STATUS.get(type(fact), change.status)
