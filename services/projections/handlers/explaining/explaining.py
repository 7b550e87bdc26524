"""The register of explainers, and the one way through them: read the address, take a page, find its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.projections.domain.addresses import Address, read_address
from services.projections.handlers.explaining import dashboards, funnels, jobs, services
from services.projections.handlers.explaining.explainer import Explainer, Fact
from services.projections.reference import Places
from services.projections.store import explaining
from shared.database import Pool

EXPLAINERS: tuple[Explainer, ...] = (
    dashboards.DISTRICT_DASHBOARD,
    dashboards.CLASS_HISTORY,
    funnels.CLASS_FUNNEL,
    jobs.JOBS,
    jobs.JOB_CHANGES,
    services.TRAINING_OUTCOME,
    services.EXHIBITION_TURNOVER,
    services.MENTORING_ACTIVITY,
    services.SERVICE_EQUITY,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One business, what it adds to the number, and the facts that made it so, in order."""

    business_id: UUID
    amount: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A number and a page of what is behind it; the amounts of all its items add up to ``total``."""

    address: Address
    unit: str
    total: int | None
    """``None``: not known, because nobody told."""
    businesses: int
    items: tuple[Item, ...]
    next_after: UUID | None
    """Where the next page begins; ``None``: this was the last one."""


class Explaining:
    """Explains the numbers of this service."""

    def __init__(self, pool: Pool, places: Places, explainers: Sequence[Explainer] = EXPLAINERS) -> None:
        self._pool = pool
        self._places = places
        self._explainers = {explainer.grammar.name: explainer for explainer in explainers}

    def read(self, text: str) -> Address:
        """Return the address in ``text``, whole. Raises ``AddressRefusedError``."""
        return read_address(text, [explainer.grammar for explainer in self._explainers.values()], self._places)

    async def explain(self, address: Address, after: UUID, limit: int) -> Explained:
        """Return a number with up to ``limit`` businesses after one of them. Raises ``AddressRefusedError``."""
        explainer = self._explainers[address.name]
        async with explaining.one_moment(self._pool) as connection:
            cell = await explainer.cell(connection, address)
            page = await explaining.page(connection, cell.statement, cell.arguments, after, limit)
            facts = _by_business(await explainer.facts(connection, address, page.rows))
        items = tuple(Item(row["business_id"], row["amount"], facts.get(row["business_id"], ())) for row in page.rows)
        return Explained(
            address,
            cell.unit,
            page.total if page.total is not None or cell.known_only else 0,
            page.businesses,
            items,
            items[-1].business_id if len(items) == limit else None,
        )


def _by_business(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, tuple[Fact, ...]]:
    found: dict[UUID, dict[UUID, Fact]] = {}
    for row in rows:
        fact = Fact(**row)
        found.setdefault(fact.business_id, {})[fact.event_id] = fact
    return {
        key: tuple(sorted(facts.values(), key=lambda fact: (fact.at, fact.sequence))) for key, facts in found.items()
    }
