"""What a projection gives so that its numbers can be explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.addresses import Address, Grammar
from shared.contracts import CONTRACTS
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Connection

BUSINESS_FACTS = frozenset(fact.NAME for fact in CONTRACTS.values() if fact.TOPIC == BUSINESS_TOPIC)
"""The names of the facts of businesses: the timeline may tell of others too."""

_TOPICS = {fact.NAME: fact.TOPIC for fact in CONTRACTS.values()}

BUSINESSES, WORKERS, STEPS = "usaha", "orang", "kenaikan"
"""Units."""


class Fact(NamedTuple):
    """One fact behind a number. Facts carry no actor, and of a record's place in its topic only the order is kept."""

    business_id: UUID
    sequence: int
    event_id: UUID
    name: str
    at: Any
    """Aware."""

    @property
    def topic(self) -> str:
        """The topic that it was published to."""
        return _TOPICS[self.name]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a number comes from."""

    statement: str
    """A ``cell_…`` statement of ``sql/queries_explaining.sql``."""
    arguments: tuple[Any, ...]
    """Its arguments, from $3 on."""
    unit: str
    known_only: bool = False
    """A sum over those that told: if nobody did, it is not known, and not 0."""


Facts = Callable[[Connection, Address, Sequence[Mapping[str, Any]]], Awaitable[Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Explainer:
    """How the numbers of one projection are explained."""

    grammar: Grammar
    cell: Callable[[Connection, Address], Awaitable[Cell]]
    """Where the number of an address comes from. Raises ``AddressRefusedError`` for one that has none."""
    facts: Facts
    """The facts behind rows of a page; some may stand twice, in any order."""
