"""Who reads each type of event, and so whether its major version may end: decision 32.

Of our services the types count of which a consumer keeps something; of agencies the agreements that grant something of a type, or may
yet; of a public type everybody counts. What could not be asked proves nothing. Pure, but that consumers are loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from ops.audit.granting import WAITS
from services.partners.domain.labels import stream_of
from shared.contracts.endings import ENDINGS
from shared.contracts.fact import Fact
from shared.contracts.public import PUBLIC_FACTS
from shared.topology import public_topic

CONSUMERS: Mapping[str, str] = {
    "training": "services.training.consumers",
    "events": "services.events.consumers",
    "projections": "services.projections.consumers.projecting",
    "notifications": "services.notifications.consumers",
    "partners": "services.partners.consumers",
}
"""Service, which is also the name of its consumer group → the module that says what it reads."""

Place = tuple[str, str, str]
"""Agency, stream and way."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The types that the consumer of a service reads: those of which it keeps something, and those that it passes on."""

    service: str
    types: frozenset[str]
    passed_on: frozenset[str] = frozenset()
    """Those that it only passes on: who reads them is who gets them."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group on a topic, as the broker knows it."""

    name: str
    topic: str
    state: str
    lag: int
    """Records of the topic that it has not committed."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The text of an agreement that two have signed, and how the agreement stands."""

    agency: str
    agreement_id: str
    revision: int
    state: str
    types: frozenset[str]
    """What it grants anything of."""
    ways: tuple[str, ...]
    starts_at: datetime
    expires_at: datetime

    def may_grant(self, now: datetime) -> bool:
        """Tell whether it grants, or may yet: before its time too, and while it is suspended, because it may be resumed."""
        return self.state in WAITS and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Agreements:
    """What the partner service keeps, as far as it says who reads."""

    now: datetime
    """By the clock of its database."""
    agreed: tuple[Agreed, ...]
    given: Mapping[Place, datetime]
    """When an agency was last given anything of a stream by a way; absent: never."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What the running platform told. ``None``: it could not be asked, and ``not_asked`` says so in a sentence."""

    groups: Sequence[Group] | None
    agreements: Agreements | None
    not_asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceReader:
    """A service whose consumer reads a type; ``group`` is ``None`` where the broker was not asked, or knows nothing of it."""

    service: str
    passes_on: bool
    group: Group | None

    def sentence(self, topic: str) -> str:
        """Return that it reads the type, and how its group stands."""
        told = f" (its group is {self.group.state}, {self.group.lag} records behind on {topic})" if self.group else ""
        return f"The service {self.service} reads it{told}."

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        state, lag = (self.group.state, self.group.lag) if self.group else (None, None)
        return {"service": self.service, "passes_on": self.passes_on, "group_state": state, "lag": lag}


@dataclass(frozen=True, slots=True)
class AgencyReader:
    """An agency whose agreement grants a type, and when it was last given anything of that stream by each way."""

    agreed: Agreed
    given: Mapping[str, datetime | None]

    def sentence(self, stream: str) -> str:
        """Return that it reads the type, under what, and when it was last given anything."""
        at = self.agreed
        ways = ", ".join(f"{way} {f'at {moment(last)}' if last else 'never'}" for way, last in self.given.items())
        return (
            f"The agreement {at.agreement_id} of {at.agency} (revision {at.revision}, {at.state}, {moment(at.starts_at)} "
            f"until {moment(at.expires_at)}) grants it; last given anything of {stream} by {ways}."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        at = self.agreed
        return {
            "agency": at.agency,
            "agreement_id": at.agreement_id,
            "revision": at.revision,
            "state": at.state,
            "starts_at": moment(at.starts_at),
            "expires_at": moment(at.expires_at),
            "last_given": {way: moment(last) if last else None for way, last in self.given.items()},
        }


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads one type."""

    fact: type[Fact]
    services: tuple[ServiceReader, ...]
    strangers: tuple[Group, ...]
    """Groups on its topic that no service declares."""
    agencies: tuple[AgencyReader, ...]
    public: bool
    groups_asked: bool
    agreements_asked: bool

    @property
    def may_end(self) -> bool | None:
        """Whether nobody reads it; ``None``: nobody is known, and not everybody was asked."""
        if self.sentences():
            return False
        return True if self.groups_asked and self.agreements_asked else None

    def sentences(self) -> list[str]:
        """Return each reader that keeps it from ending, in a sentence. Who only passes it on does not."""
        return list(self._sentences())

    def _sentences(self) -> Iterator[str]:
        topic = self.fact.TOPIC
        yield from (item.sentence(topic) for item in self.services if not item.passes_on)
        for group in self.strangers:
            yield f"The group {group.name} ({group.state}) is on {topic}, and no service declares it: what it reads is not known."
        yield from (item.sentence(stream_of(topic)) for item in self.agencies)
        if self.public:
            yield f"It is public: everybody with a user reads it in {public_topic(topic).name}."

    def as_json(self) -> dict[str, Any]:
        """Return it for programs: ``None`` for what was not asked."""
        ending = ENDINGS.get(self.fact.type_name())
        strangers = [{"group": it.name, "state": it.state, "lag": it.lag} for it in self.strangers]
        return {
            "type": self.fact.type_name(),
            "major": self.fact.MAJOR,
            "topic": self.fact.TOPIC,
            "ends": None
            if ending is None
            else {"last_day": ending.last_day.isoformat(), "successor": ending.successor},
            "may_end": self.may_end,
            "services": [item.as_json() for item in self.services],
            "other_groups": strangers if self.groups_asked else None,
            "agencies": [item.as_json() for item in self.agencies] if self.agreements_asked else None,
            "public": self.public,
        }


def moment(at: datetime) -> str:
    """Return a time in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def declared(now: datetime) -> tuple[Declared, ...]:
    """Return what the consumers of all services read of what happens from ``now`` on. Loads them."""
    found = []
    for service, name in CONSUMERS.items():
        module = import_module(name)
        passed_on = getattr(module, "PASSED_ON", None)  # who passes on reads all
        types = module.MAJORS.reads(module.NAMES, now) if passed_on is None else module.TYPES
        found.append(Declared(service, types, passed_on or frozenset()))
    return tuple(found)


def readers_of(
    fact: type[Fact],
    services: Sequence[Declared],
    platform: Platform,
    public: Collection[type[Fact]] = PUBLIC_FACTS,
) -> Readers:
    """Return who reads a type, by what the services say and what the platform told."""
    name, there = fact.type_name(), [group for group in platform.groups or () if group.topic == fact.TOPIC]
    groups = {group.name: group for group in there}
    return Readers(
        fact,
        tuple(
            ServiceReader(item.service, name in item.passed_on, groups.get(item.service))
            for item in services
            if name in item.types
        ),
        tuple(group for group in there if group.name not in CONSUMERS),
        tuple(_agencies(fact, platform.agreements)),
        fact in public,
        platform.groups is not None,
        platform.agreements is not None,
    )


def _agencies(fact: type[Fact], known: Agreements | None) -> Iterator[AgencyReader]:
    stream = stream_of(fact.TOPIC)
    for agreed in known.agreed if known is not None else ():
        if known is not None and fact.type_name() in agreed.types and agreed.may_grant(known.now):
            yield AgencyReader(agreed, {way: known.given.get((agreed.agency, stream, way)) for way in agreed.ways})
