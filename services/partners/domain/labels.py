"""Events in the order in which agencies may read them, each labelled with the business that it speaks of. Pure.

An event that names a business of which the registry has not told yet waits for that: labelled too early it would be inside of no
filter for ever. All events of such an aggregate name the same business, so that they wait together and keep their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.partners.domain.models import Business, Label
from shared.contracts.exhibitions import OUTLET_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, BusinessChanged, BusinessClassChanged, BusinessRegistered
from shared.envelope import Event

PREFIX = "umkm."
LABELLING = (BusinessRegistered, BusinessChanged, BusinessClassChanged)
"""The facts by which events are labelled: all that ``followed`` looks at but the version."""


def stream_of(topic: str) -> str:
    """Return the name that agencies know a topic by, for example ``business``."""
    return topic.removeprefix(PREFIX)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An event that may be read, with its label."""

    event: Event
    label: Label


@dataclass(slots=True)
class Labelling:
    """What a batch came to."""

    known: dict[UUID, Business]
    """Every business that the batch names and the registry has told of, as it is after the batch."""
    ready: list[Labelled] = field(default_factory=list)
    """In order; those that had waited stand right after what they waited for."""
    waiting: dict[UUID, list[Event]] = field(default_factory=dict)
    """Business → the events that wait for it, in order: those of before and those of this batch."""
    changed: set[UUID] = field(default_factory=set)
    """Businesses of which the batch tells."""
    released: set[UUID] = field(default_factory=set)
    """Businesses for which nothing waits any more."""

    def take(self, event: Event) -> None:
        """Label one event, or let it wait."""
        if event.fact.TOPIC == BUSINESS_TOPIC:
            self._follow(event)
        business_id = business_of(event)
        if business_id is not None and business_id not in self.known:
            self.waiting.setdefault(business_id, []).append(event)
            return
        self.ready.append(Labelled(event, _label(event, business_id, self.known)))
        if business_id is not None and business_id in self.waiting:
            self.released.add(business_id)
            for waiter in self.waiting.pop(business_id):
                self.ready.append(Labelled(waiter, _label(waiter, business_id, self.known)))

    def _follow(self, event: Event) -> None:
        business = followed(self.known.get(event.fact.aggregate_id), event)
        if business is not None:
            self.known[event.fact.aggregate_id] = business
            self.changed.add(event.fact.aggregate_id)


def label_all(
    events: Sequence[Event], known: Mapping[UUID, Business], waiting: Mapping[UUID, Sequence[Event]]
) -> Labelling:
    """Label a batch; ``known`` and ``waiting`` are what is stored of the businesses that it names."""
    labelling = Labelling(dict(known), waiting={key: list(items) for key, items in waiting.items()})
    for event in events:
        labelling.take(event)
    return labelling


def followed(business: Business | None, event: Event) -> Business | None:
    """Return a business after a fact of it; ``None`` while nobody has told where it is."""
    fact, version = event.fact, event.meta.sequence
    match fact:
        case BusinessRegistered():
            return Business(fact.owner_ids, fact.kelurahan, fact.sector, fact.kelas.kelas, version)
        case BusinessChanged() if business is not None:
            return replace(
                business, owner_ids=fact.owner_ids, kelurahan=fact.kelurahan, sector=fact.sector, version=version
            )
        case BusinessClassChanged() if business is not None:
            return replace(business, kelas=fact.current.kelas, version=version)
    return None if business is None else replace(business, version=version)


def business_of(event: Event) -> UUID | None:
    """Return the one business that every fact of this aggregate is about, if it is about one; an outlet is about many."""
    if event.fact.TOPIC == OUTLET_TOPIC:
        return None
    found: UUID | None = getattr(event.fact, "business_id", None)
    return found


def _label(event: Event, business_id: UUID | None, known: Mapping[UUID, Business]) -> Label:
    fact: Any = event.fact
    business = known.get(business_id) if business_id is not None else None
    owners = [*getattr(fact, "owner_ids", ()), *(business.owner_ids if business is not None else ())]
    owner_id: UUID | None = getattr(fact, "owner_id", None)
    owners = [*([owner_id] if owner_id is not None else []), *owners]
    if business is not None:
        place, sector, kelas = business.kelurahan, business.sector, business.kelas
        return Label(business_id, tuple(dict.fromkeys(owners)), place, sector, kelas)
    place_told = getattr(fact, "kelurahan", None)  # an import tells of one place, a mentor of several
    return Label(None, tuple(dict.fromkeys(owners)), place_told if isinstance(place_told, str) else None)
