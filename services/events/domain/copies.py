"""A batch of facts of registry and trainings, folded into what it changes of the copy: owners, businesses, enrolments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
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
    OwnerErased,
)
from shared.contracts.training import ENROLMENT_TOPIC, TrainingCompleted
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
    """What a batch says of one owner."""

    version: int
    erased: bool = False


@dataclass(slots=True)
class BusinessChange:
    """What a batch says of one business. ``None`` means: not said."""

    version: int
    owner_ids: tuple[UUID, ...] | None = None
    kelurahan: str | None = None
    kelas: BusinessClass | None = None
    status: BusinessStatus | None = None


@dataclass(slots=True)
class EnrolmentChange:
    """What a batch says of one enrolment: whose it is, and the day on which the training was passed."""

    version: int
    owner_id: UUID
    business_id: UUID
    completed_on: date | None = None


@dataclass(slots=True)
class Copies:
    """A batch, folded."""

    owners: dict[UUID, OwnerChange] = field(default_factory=dict)
    businesses: dict[UUID, BusinessChange] = field(default_factory=dict)
    enrolments: dict[UUID, EnrolmentChange] = field(default_factory=dict)
    erased: dict[UUID, Event] = field(default_factory=dict)
    """Owners who were erased, each with the fact that says so."""


def fold(events: Sequence[Event]) -> Copies:
    """Fold a batch. The facts of one aggregate are in order; those of different ones need not be.

    Facts that say nothing we keep still move the version, and so do facts of a kind that is newer than this code.
    """
    copies = Copies()
    for event in events:
        if event.fact.TOPIC == OWNER_TOPIC:
            _fold_owner(copies, event.fact.aggregate_id, event)
        elif event.fact.TOPIC == ENROLMENT_TOPIC:
            _fold_enrolment(copies, event)
        else:
            _fold_business(copies, event)
    return copies


def _fold_owner(copies: Copies, owner_id: UUID, event: Event) -> None:
    change = copies.owners.setdefault(owner_id, OwnerChange(event.meta.sequence))
    change.version = event.meta.sequence
    if isinstance(event.fact, OwnerErased):
        change.erased = True
        copies.erased[owner_id] = event


def _fold_business(copies: Copies, event: Event) -> None:
    fact = event.fact
    change = copies.businesses.setdefault(fact.aggregate_id, BusinessChange(event.meta.sequence))
    change.version = event.meta.sequence
    if isinstance(fact, BusinessProfile):
        change.owner_ids, change.kelurahan = fact.owner_ids, fact.kelurahan
    match fact:
        case BusinessRegistered():
            change.kelas, change.status = fact.kelas.kelas, fact.status
        case BusinessClassChanged():
            change.kelas = fact.current.kelas
        case BusinessReactivated() | BusinessMergeUndone():
            change.status = fact.status
        case _:
            change.status = _STATUS.get(type(fact), change.status)


def _fold_enrolment(copies: Copies, event: Event) -> None:
    fact: Any = event.fact  # every fact of an enrolment names owner and business
    change = copies.enrolments.setdefault(
        fact.aggregate_id, EnrolmentChange(event.meta.sequence, fact.owner_id, fact.business_id)
    )
    change.version = event.meta.sequence
    if isinstance(fact, TrainingCompleted):
        change.completed_on = fact.completed_on
