"""A batch of facts folded into what it changes: recipients, contacts, and drafts of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.notifications.domain.licence_notices import OFFICE
from services.notifications.domain.notices import NOTICES, Addressee, Draft, RecipientKind, draft, notice_of
from shared.contracts.licensing import LICENCE_TOPIC
from shared.contracts.organisations import BRAND_TOPIC
from shared.contracts.registry import (
    BUSINESS_TOPIC,
    OWNER_TOPIC,
    BusinessChanged,
    BusinessClassChanged,
    BusinessProfile,
    BusinessRegistered,
    Consents,
    ImportCompleted,
    OwnerConsentChanged,
    OwnerContactChanged,
    OwnerErased,
    OwnerRegistered,
)
from shared.contracts.statuses import STATUS_NAMES, status_told
from shared.envelope import Event
from shared.majors import names_of

FOLDED_NAMES = names_of(*NOTICES, OwnerContactChanged, OwnerConsentChanged, OwnerErased, BusinessChanged) | STATUS_NAMES
"""The names of the facts that somebody is told of, or that say something which is kept of owners and businesses."""


@dataclass(slots=True)
class RecipientChange:
    """What a batch says of one owner. ``None`` means: not said."""

    version: int
    whole: bool = False
    """The batch holds the first fact: every field is said."""
    personal: str | None = None
    preferences: tuple[Consents, str, str | None] | None = None
    """Consents, language, channel; always said together."""
    erased: bool = False


@dataclass(slots=True)
class ContactChange:
    """What a batch says of one business: who stands behind it, and what audiences ask for. ``None`` means: not said."""

    version: int
    owner_id: UUID | None = None
    personal: str | None = None
    kelurahan: str | None = None
    sector: str | None = None
    kelas: str | None = None
    status: str | None = None


@dataclass(slots=True)
class Changes:
    """A batch, folded. ``notifying`` keeps the order of the events."""

    recipients: dict[UUID, RecipientChange] = field(default_factory=dict)
    contacts: dict[UUID, ContactChange] = field(default_factory=dict)
    notifying: list[tuple[Event, UUID | None]] = field(default_factory=list)
    """Events that somebody is told of, each with the business's owner as far as the batch itself knows it."""

    @property
    def erased(self) -> list[UUID]:
        """Owners who were erased."""
        return [owner_id for owner_id, change in self.recipients.items() if change.erased]

    def contacts_wanted(self) -> list[UUID]:
        """Return the businesses whose owner must be looked up, because the batch does not tell."""
        found = {_business_of(event) for event, owner_id in self.notifying if owner_id is None}
        return [business_id for business_id in found if business_id is not None]


def _business_of(event: Event) -> UUID | None:
    business_id: UUID | None = getattr(event.fact, "business_id", None)
    return business_id


def fold(events: Sequence[Event]) -> Changes:
    """Fold a batch. The facts of one aggregate are in order; those of different ones need not be."""
    changes = Changes()
    for event in events:
        owner_id = _fold_one(changes, event)
        if notice_of(event) is not None:
            changes.notifying.append((event, owner_id))
    return changes


def _fold_one(changes: Changes, event: Event) -> UUID | None:
    """Take one fact in and return the owner that it concerns, if the batch tells."""
    match event.fact:
        case OwnerRegistered() as fact:
            preferences = (fact.consents, fact.language, fact.channel)
            changes.recipients[fact.owner_id] = RecipientChange(event.meta.sequence, True, fact.personal, preferences)
            return fact.owner_id
        case OwnerContactChanged() | OwnerConsentChanged() | OwnerErased() as fact:
            _fold_owner(changes.recipients, fact, event.meta.sequence)
            return fact.owner_id
        case ImportCompleted():
            return None
    if event.fact.TOPIC == OWNER_TOPIC:
        changes.recipients.setdefault(event.fact.aggregate_id, RecipientChange(0)).version = event.meta.sequence
    if event.fact.TOPIC == LICENCE_TOPIC:
        return None  # it names who was the principal owner on the day it was handed in; the contact knows who is today
    if event.fact.TOPIC != BUSINESS_TOPIC:
        # A fact of an enrolment names its business, but its sequence is the enrolment's: it tells nothing of contacts.
        participant: UUID | None = getattr(event.fact, "owner_id", None)
        return participant
    business_id = getattr(event.fact, "business_id", None)
    return None if business_id is None else _fold_business(changes.contacts, business_id, event)


def _fold_owner(
    recipients: dict[UUID, RecipientChange],
    fact: OwnerContactChanged | OwnerConsentChanged | OwnerErased,
    sequence: int,
) -> None:
    change = recipients.setdefault(fact.owner_id, RecipientChange(sequence))
    change.version = sequence
    if isinstance(fact, OwnerContactChanged):
        change.personal = fact.personal
    elif isinstance(fact, OwnerConsentChanged):
        change.preferences = (fact.consents, fact.language, fact.channel)
    else:
        change.erased = True


def _fold_business(contacts: dict[UUID, ContactChange], business_id: UUID, event: Event) -> UUID | None:
    change = contacts.get(business_id)
    if change is None:
        change = contacts[business_id] = ContactChange(event.meta.sequence)
    change.version = event.meta.sequence
    fact = event.fact
    if isinstance(fact, BusinessProfile):
        change.owner_id, change.personal = fact.owner_ids[0], fact.personal
        change.kelurahan, change.sector = fact.kelurahan, fact.sector
    if isinstance(fact, BusinessRegistered):
        change.kelas = fact.kelas.kelas.value
    elif isinstance(fact, BusinessClassChanged):
        change.kelas = fact.current.kelas.value
    status = status_told(fact)
    if status is not None:
        change.status = status.value
    return change.owner_id


def drafts(changes: Changes, owners: Mapping[UUID, UUID]) -> list[Draft]:
    """Return the messages of a batch; ``owners`` tells the owner of the businesses in ``contacts_wanted``.

    Raises ``KeyError`` for a fact of a business that nothing is known of: its first fact always tells its owner.
    """
    found: list[Draft] = []
    for event, owner_id in changes.notifying:
        notice = notice_of(event)
        if notice is not None:
            found.append(draft(event, notice, _addressee(event, owner_id, owners)))
    return found


def _addressee(event: Event, owner_id: UUID | None, owners: Mapping[UUID, UUID]) -> Addressee:
    fact: Any = event.fact
    if isinstance(fact, ImportCompleted):
        return Addressee(RecipientKind.OFFICER, fact.officer, fact.officer)
    if fact.TOPIC == BRAND_TOPIC:
        business_id = _business_of(event)
        if business_id is None:
            return Addressee(RecipientKind.OFFICER, OFFICE, OFFICE)
        # Another topic than the business's: it may be heard of first. And its owner may be another one at a replay.
        known = owners.get(business_id)
        return Addressee(RecipientKind.OWNER, str(known) if known else None, str(business_id))
    if fact.TOPIC == LICENCE_TOPIC:
        # Whoever is told, the id is made of who is named in the fact: a replay finds what was sent to an owner of before.
        known = owners.get(fact.business_id, fact.owner_id)
        return Addressee(RecipientKind.OWNER, str(known), str(fact.owner_id))
    told = str(owner_id or owners[fact.aggregate_id])
    return Addressee(RecipientKind.OWNER, told, told)
