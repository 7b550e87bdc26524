"""A batch of facts of registry and trainings, folded into what it changes of the copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from shared.contracts.licensing import (
    LICENCE_TOPIC,
    LicenceExpired,
    LicenceExpiring,
    LicenceKind,
    LicenceRevoked,
    LicenceVerified,
)
from shared.contracts.organisations import ORGANISATION_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.contracts.training import ENROLMENT_TOPIC, TrainingCompleted
from shared.envelope import Event
from shared.majors import names_of
from shared.registry_copy.folding import RegistryChanges
from shared.registry_copy.partners import PARTNER_NAMES, PartnerChanges

COPIED_NAMES = PARTNER_NAMES | names_of(
    TrainingCompleted, LicenceVerified, LicenceExpiring, LicenceExpired, LicenceRevoked
)
"""The names of the facts of other aggregates than owners and businesses that say something which is kept."""


@dataclass(slots=True)
class EnrolmentChange:
    """What a batch says of one enrolment: whose it is, and the day on which the training was passed."""

    version: int
    owner_id: UUID
    business_id: UUID
    completed_on: date | None = None


@dataclass(slots=True)
class LicenceChange:
    """What a batch says of one licence. ``None`` means: not said; days are days in WITA."""

    version: int
    business_id: UUID
    kind: LicenceKind
    verified: bool = False
    valid_from: date | None = None
    expires_on: date | None = None
    """The last day it is valid."""
    revoked_on: date | None = None


@dataclass(slots=True)
class Copies:
    """A batch, folded."""

    registry: RegistryChanges = field(default_factory=RegistryChanges)
    organisations: PartnerChanges = field(default_factory=PartnerChanges)
    enrolments: dict[UUID, EnrolmentChange] = field(default_factory=dict)
    licences: dict[UUID, LicenceChange] = field(default_factory=dict)

    def take_enrolment(self, event: Event) -> None:
        """Fold one fact of an enrolment."""
        fact: Any = event.fact  # every fact of an enrolment names owner and business
        version = event.meta.sequence
        change = self.enrolments.setdefault(
            fact.aggregate_id, EnrolmentChange(version, fact.owner_id, fact.business_id)
        )
        change.version = version
        if isinstance(fact, TrainingCompleted):
            change.completed_on = fact.completed_on

    def take_licence(self, event: Event) -> None:
        """Fold one fact of a licence. What the applicant said of its days is not looked at until somebody verified it."""
        fact: Any = event.fact  # every fact of a licence names business and kind
        version = event.meta.sequence
        change = self.licences.setdefault(fact.aggregate_id, LicenceChange(version, fact.business_id, fact.kind))
        change.version = version
        match fact:
            case LicenceVerified():
                change.verified = True
                change.valid_from, change.expires_on = fact.valid_from, fact.expires_on
            case LicenceExpiring() | LicenceExpired():
                change.expires_on = fact.expires_on
            case LicenceRevoked():
                change.revoked_on = fact.revoked_on


def fold(events: Sequence[Event]) -> Copies:
    """Fold a batch. The facts of one aggregate are in order; those of different ones need not be.

    Facts that say nothing we keep still move the version, and so do facts of a kind that is newer than this code.
    """
    copies = Copies()
    take: dict[str, Callable[[Event], None]] = {
        OWNER_TOPIC: copies.registry.take_owner,
        BUSINESS_TOPIC: copies.registry.take_business,
        ENROLMENT_TOPIC: copies.take_enrolment,
        LICENCE_TOPIC: copies.take_licence,
        ORGANISATION_TOPIC: copies.organisations.take,
    }
    for event in events:
        take[event.fact.TOPIC](event)
    return copies
