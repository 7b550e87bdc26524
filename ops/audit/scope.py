"""Which services an audit looks at, and what it leaves out, in words: nobody is to take a part for the whole. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ops.stack.databases import SERVICES
from shared.topology import PRINCIPALS, TOPICS

STREAMS = tuple(topic.name for topic in TOPICS)
OWNS = {item.name: tuple(name for name in item.writes if name in STREAMS) for item in PRINCIPALS}
READS = {item.name: item.reads for item in PRINCIPALS}


@dataclass(frozen=True, slots=True)
class Scope:
    """The services that are looked at; all of them unless some were named."""

    chosen: tuple[str, ...] = SERVICES

    @property
    def whole(self) -> bool:
        """Whether every service is looked at."""
        return set(self.chosen) >= set(SERVICES)

    @property
    def owned(self) -> tuple[str, ...]:
        """The topics that are compared with their sources."""
        return tuple(topic for topic in STREAMS if any(topic in OWNS[name] for name in self.chosen))

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that are read: also those whose consumers are looked at."""
        return tuple(topic for topic in STREAMS if topic in self.owned or self._followed(topic))

    @property
    def asked(self) -> tuple[str, ...]:
        """The services whose databases are asked: also the sources of what is followed, which are not looked at themselves."""
        return tuple(name for name in SERVICES if name in self.chosen or set(OWNS[name]) & set(self.topics))

    def _followed(self, topic: str) -> bool:
        return any(topic in READS[name] for name in self.chosen)

    def left_out(self) -> list[str]:
        """Return what is not looked at, a line for each service."""
        return [f"{name}: {', '.join(_parts(name))}" for name in SERVICES if name not in self.chosen]


def scope_of(services: Collection[str]) -> Scope:
    """Return the scope of these services, in their declared order; of all if none is named. Raises ``ValueError``."""
    if unknown := sorted(set(services) - set(SERVICES)):
        raise ValueError(f"{', '.join(unknown)}: there is no such service, only {', '.join(SERVICES)}")
    return Scope(tuple(name for name in SERVICES if name in services)) if services else Scope()


def _parts(name: str) -> Iterator[str]:
    if OWNS[name]:
        yield f"its outbox and {len(OWNS[name])} topics"
    if READS[name]:
        yield "positions and effects"
    if name == "notifications":
        yield "messages"
    if name == "partners":
        yield "agencies and public topics"
