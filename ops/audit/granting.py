"""Which text of which agreement granted what, and when: pure, from what the partner service keeps for ever.

What passes a text is asked of the rule that serves agencies (``services/partners/domain/showing.py``): it is what a text means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.partners.commands import Terms
from services.partners.domain.agreements import LIVE
from services.partners.domain.models import Label
from services.partners.domain.showing import passes, types_of
from shared.contracts.partnership import AgreementState, DeliveryWay

WAITS = LIVE | {AgreementState.DITANGGUHKAN}
"""Grants now, or may again: what an agency was not given yet waits. Of what is over nothing does."""
SLACK = timedelta(seconds=5)
"""How long a stop may take: what was given so shortly after it was on its way."""
EVER = datetime(1, 1, 3, tzinfo=UTC)
NEVER = datetime(9999, 12, 29, tzinfo=UTC)

Span = tuple[datetime, datetime]
"""From, and until (excluded)."""
Class = tuple[str, str | None, str | None, str | None]
"""All of an event that a text looks at: type, kelurahan, sector, kelas."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agreement stood from an instant on."""

    state: str
    revision: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Text:
    """One text of an agreement, and when it granted anything."""

    agency: str
    agreement_id: str
    revision: int
    terms: Terms
    spans: tuple[Span, ...] = ()

    @property
    def ends(self) -> datetime:
        """When it last ceased to grant; ``EVER`` if it never did."""
        return max((until for _, until in self.spans), default=EVER)

    def counted(self, at: datetime) -> bool:
        """Tell whether something may have been given under it at a time."""
        return any(since - SLACK <= at < until + SLACK for since, until in self.spans)

    def names(self, way: DeliveryWay) -> bool:
        """Tell whether it is to be delivered by a way at all."""
        return way in self.terms.ways

    def grants_in(self, stream: str) -> bool:
        """Tell whether it grants anything of a stream."""
        return bool(types_of(self.terms, stream))


def spans_of(standings: Sequence[Standing], revision: int, terms: Terms) -> tuple[Span, ...]:
    """Return when a text granted anything. ``standings`` of its agreement are in order, each until the next.

    Of what was before the first of them nothing is known: an older text may have granted all that time.
    """
    found: list[Span] = []
    for number, standing in enumerate(standings):
        until = standings[number + 1].since if number + 1 < len(standings) else NEVER
        if number == 0 and 0 < revision <= standing.revision:
            found.append((EVER, standing.since))
        if standing.state in LIVE and standing.revision == revision:
            found.append((standing.since, until))
    inside = [(max(since, terms.starts_at), min(until, terms.expires_at)) for since, until in found]
    return tuple((since, until) for since, until in inside if since < until)


@dataclass(slots=True)
class Texts:
    """All texts of all agreements, by their place in ``all``; what passes which is looked up once for each class of events."""

    all: Sequence[Text]
    _passing: dict[Class, frozenset[int]] = field(default_factory=dict)

    def passing(self, what: Class) -> frozenset[int]:
        """Return the places of the texts that an event of a class passes."""
        found = self._passing.get(what)
        if found is None:
            type_name, kelurahan, sector, kelas = what
            label = Label(None, (), kelurahan, sector, kelas)
            found = frozenset(n for n, text in enumerate(self.all) if passes(type_name, label, text.terms))
            self._passing[what] = found
        return found

    def places(self) -> dict[tuple[str, int], int]:
        """Return where each text is, by agreement and revision."""
        return {(text.agreement_id, text.revision): number for number, text in enumerate(self.all)}

    def of(self, agency: str, way: DeliveryWay, stream: str) -> tuple[int, ...]:
        """Return the places of an agency's texts that name a way and grant anything of a stream."""
        return tuple(
            number
            for number, text in enumerate(self.all)
            if text.agency == agency and text.names(way) and text.grants_in(stream)
        )
