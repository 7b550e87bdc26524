"""Facts that every agency may read without an agreement, and which of their fields (docs/decisions/0044).

Public are facts about the office's own programme: what is held, where, when, for how many. Never one about a person or one business.
Declared here, fact by fact, and nowhere else; ``why_not_public`` is what the declaration is held against. Pure.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from shared.contracts import CONTRACTS
from shared.contracts.exhibitions import (
    EXHIBITION_TOPIC,
    OUTLET_TOPIC,
    BoothCapacityChanged,
    BoothOpened,
    ExhibitionCancelled,
    ExhibitionOpened,
    OutletOpened,
    TurnoverPublished,
)
from shared.contracts.fact import Fact
from shared.contracts.organisations import ORGANISATION_TOPIC
from shared.contracts.privacy import PERSONAL, PUBLIC, SENSITIVE, privacy_of
from shared.contracts.schemas import models_of
from shared.contracts.training import (
    COURSE_TOPIC,
    BatchCancelled,
    BatchOpened,
    CourseOpened,
    QuotaChanged,
    SessionMoved,
)

PROGRAMME = (COURSE_TOPIC, EXHIBITION_TOPIC, OUTLET_TOPIC)
"""Topics whose aggregates are the office's own: what it holds, whoever comes."""

PUBLIC_FACTS: tuple[type[Fact], ...] = (
    CourseOpened,
    BatchOpened,
    QuotaChanged,
    SessionMoved,
    BatchCancelled,
    ExhibitionOpened,
    BoothOpened,
    BoothCapacityChanged,
    ExhibitionCancelled,
    TurnoverPublished,
    OutletOpened,
)


@cache  # contracts do not change, and it is asked for every event
def public_fields(fact: type[Fact]) -> tuple[str, ...]:
    """Return the fields of a fact that are public: marked so, and made of nothing that is not.

    Raises ``LookupError`` for a field without a privacy class.
    """
    return tuple(
        name
        for name, field in fact.model_fields.items()
        if privacy_of(fact, name) is PUBLIC and _all_public(field.annotation)
    )


def _all_public(annotation: Any) -> bool:
    parts: list[type[BaseModel]] = list(models_of(annotation))
    return all(privacy_of(part, name) is PUBLIC for part in parts for name in part.model_fields)


def why_not_public(fact: type[Fact]) -> str | None:
    """Return why a fact cannot be public, whatever anybody declares; ``None``: nothing speaks against it."""
    if fact.TOPIC not in PROGRAMME:
        return f"{fact.TOPIC} is not about the office's programme"
    fields = [(part, name) for part in models_of(fact) for name in part.model_fields]
    if fact.PERSONAL is not None or any(privacy_of(part, name) in {PERSONAL, SENSITIVE} for part, name in fields):
        return "it holds what is personal"
    if fact.AGGREGATE not in public_fields(fact):
        return f"its public form would lack {fact.AGGREGATE}"
    naming = [name for _, name in fields if name.removesuffix("s").endswith(_somebody())]
    return f"{naming[0]} names a person or a business" if naming else None


def _somebody() -> tuple[str, ...]:
    """Return the names of ids that lead to a person or one business: those of all aggregates but the programme's and partners'."""
    ours = (*PROGRAMME, ORGANISATION_TOPIC)
    return tuple(sorted({fact.AGGREGATE for fact in CONTRACTS.values() if fact.TOPIC not in ours}))
