"""A batch of the registry's facts folded into what it changes of the copy: owners, businesses, organisations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.contracts.organisations import ORGANISATION_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.envelope import Event
from shared.registry_copy.folding import RegistryChanges
from shared.registry_copy.partners import PartnerChanges


@dataclass(slots=True)
class Copies:
    """A batch, folded."""

    registry: RegistryChanges = field(default_factory=RegistryChanges)
    organisations: PartnerChanges = field(default_factory=PartnerChanges)


def fold(events: Sequence[Event]) -> Copies:
    """Fold a batch. The facts of one aggregate are in order; those of different ones need not be.

    Facts that say nothing we keep still move the version, and so do facts of a kind that is newer than this code.
    """
    copies = Copies()
    take: dict[str, Callable[[Event], None]] = {
        OWNER_TOPIC: copies.registry.take_owner,
        BUSINESS_TOPIC: copies.registry.take_business,
        ORGANISATION_TOPIC: copies.organisations.take,
    }
    for event in events:
        take[event.fact.TOPIC](event)
    return copies
