"""One change in two major versions: which of the two facts a consumer tells, and which it only counts. Pure; decision 52.

While two majors are published, a change is two facts with two sequence numbers and one time. A consumer tells one of them and counts
the other: its place in the stream is taken, and it says nothing. Which one goes by their time alone, so that a batch that is
applied again, a process that restarts in between, and a rebuild years later come to the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact

SILENT = ""
"""The name of a fact that is only counted."""


class Silent:
    """Stands for a fact that is only counted: all that it has, under no name, and of no contract's class."""

    __slots__ = ("_fact",)
    NAME = SILENT

    def __init__(self, fact: Any) -> None:
        self._fact = fact

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fact, name)


class Turn(NamedTuple):
    """From when on a newer major is told in the place of the one before."""

    since: datetime
    major: int


class Majors:
    """What a consumer tells of some topics: of each fact the first major, until it has gone over to a newer one.

    ``gone_over`` names newer majors, each with the instant from which it is told in the place of the one before. That instant must lie
    in the time in which both are published: then exactly one of the two facts of every change is told.
    """

    def __init__(self, topics: Collection[str], gone_over: Mapping[type[Fact], datetime] | None = None) -> None:
        self._facts = {name: fact for name, fact in CONTRACTS.items() if fact.TOPIC in topics}
        self._newer = {fact.NAME for fact in self._facts.values() if fact.MAJOR > 1}
        """Names that have several majors: nothing else has to be looked at."""
        turns: dict[str, list[Turn]] = {}
        for fact, since in (gone_over or {}).items():
            turns.setdefault(fact.NAME, []).append(Turn(since, fact.MAJOR))
        self._turns = {name: sorted(found) for name, found in turns.items()}

    @property
    def types(self) -> frozenset[str]:
        """All types of the topics, also of ended majors: what is understood of a log from its first event on."""
        return frozenset(self._facts)

    def reads(self, names: Collection[str], now: datetime) -> frozenset[str]:
        """Return the types that are told of what happens from ``now`` on, of the facts with these names."""
        return frozenset(
            name
            for name, fact in self._facts.items()
            if fact.NAME in names and fact.MAJOR in {self._told(fact.NAME, now), *self._coming(fact.NAME, now)}
        )

    def _told(self, name: str, time: datetime) -> int:
        """Return the major that is told of what happened at a time."""
        return next((turn.major for turn in reversed(self._turns.get(name, ())) if turn.since <= time), 1)

    def _coming(self, name: str, now: datetime) -> Iterable[int]:
        return (turn.major for turn in self._turns.get(name, ()) if turn.since > now)

    def settle(self, events: Sequence[Any]) -> Sequence[Any]:
        """Return events, of whatever was read of them, with those silent that are only counted."""
        if not self._newer:
            return events
        return [self._settled(event) for event in events]

    def _settled(self, event: Any) -> Any:
        fact = event.fact
        if fact.NAME not in self._newer or fact.MAJOR == self._told(fact.NAME, event.meta.time):
            return event
        return event._replace(fact=Silent(fact))


def names_of(*facts: type[Fact]) -> frozenset[str]:
    """Return the names of facts, which all their majors have."""
    return frozenset(fact.NAME for fact in facts)
