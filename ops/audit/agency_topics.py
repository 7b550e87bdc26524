"""The topic of one agency, record by record, compared with what its texts grant and its pages tell. Pure.

What is kept in memory of a record is some hundred bytes; of a large topic the aggregates are looked at in several rounds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

import orjson

from ops.audit.disclosures import Pages, Row, Seen
from ops.audit.granting import Text, Texts
from ops.audit.report import Finding, Report, WayState
from services.partners.domain.erasures import NOTICE_FIELDS, NOTICE_TYPE
from services.partners.domain.showing import SEALED, shown_fields
from shared.contracts.partnership import DeliveryWay
from shared.envelope import EnvelopeError, read_address
from shared.partitioning import digests_of
from shared.topology import AGENCY_PARTITIONS

KAFKA = DeliveryWay.KAFKA.value
MOST_AT_ONCE = 500_000
"""Records of which something is kept in memory at a time."""
_LOW = (1 << 64) - 1


class Place(NamedTuple):
    """Where a record is."""

    partition: int
    offset: int


def rounds_for(records: int) -> int:
    """Return in how many rounds a topic is looked at."""
    return max(1, -(-records // MOST_AT_ONCE))


def round_of(subject: str, rounds: int) -> int:
    """Return in which round an aggregate is looked at."""
    return crc32(subject.encode()) % rounds if rounds > 1 else 0


def key_of(event_id: str) -> int:
    """Return what stands for an event's id in memory: its last 64 bits, of which 62 are random."""
    return UUID(event_id).int & _LOW


@dataclass(slots=True)
class Topic:
    """What one round has read of an agency's topic. Records come in the order of each partition."""

    report: Report
    state: WayState
    name: str
    texts: Collection[Text]
    """The agency's texts that name Kafka."""
    bounds: dict[int, int]
    """Partition → the end that was there before the database was asked: what is beyond may be younger than the answer."""
    number: int = 0
    """Of this round."""
    rounds: int = 1
    seen: dict[int, Place] = field(default_factory=dict)
    """Event → where it came first."""
    notices: bool = True
    """Whether notices of erasure may be in it."""
    _heads: dict[str, int] = field(default_factory=dict)
    """Aggregate → the highest sequence so far."""
    _allowed: dict[tuple[str, frozenset[str]], bool] = field(default_factory=dict)

    def take(self, place: Place, headers: dict[str, bytes], value: bytes | None) -> None:
        """Take a record, if its aggregate belongs to this round; what nobody can read is named in the first."""
        if self.notices and headers.get("ce_type") == NOTICE_TYPE.encode():
            self._look_at_notice(place, value)
            return
        try:
            address = read_address(headers)
            key = key_of(headers.get("ce_id", b"").decode())
            data = orjson.loads(value or b"")
        except (EnvelopeError, ValueError):
            if self.number == 0:
                self._add("ungranted", place, None, "is no event of ours")
            return
        if round_of(address.subject, self.rounds) != self.number:
            return
        self.state.records += 1
        self._look_at_fields(place, address.type, address.subject, data)
        if key in self.seen:
            self.state.repeated += 1
            return
        self.seen[key] = place
        head = self._heads.get(address.subject, 0)
        if address.sequence < head:
            self.report.reordered += 1
            self._add(
                "reordered",
                place,
                address.subject,
                f"event {address.sequence} came first when {head} was there already",
            )
        self._heads[address.subject] = max(head, address.sequence)

    def _look_at_notice(self, place: Place, value: bytes | None) -> None:
        """Look at a notice of erasure: it is no event, no text grants it, and it holds ids alone."""
        try:
            fields = frozenset(orjson.loads(value or b""))
        except (TypeError, ValueError):
            fields = frozenset()
        if self.number == 0 and fields != NOTICE_FIELDS:
            self._add("ungranted", place, None, "a notice of erasure with other fields")

    def _look_at_fields(self, place: Place, type_name: str, subject: str, data: object) -> None:
        fields = frozenset(data) if isinstance(data, dict) else frozenset({""})
        if SEALED in fields:
            self._add("personal", place, subject, "holds names, which a topic could not erase")
            return
        key = (type_name, fields)
        if key not in self._allowed:
            self._allowed[key] = any(fields <= shown_fields(type_name, text.terms) for text in self.texts)
        if not self._allowed[key]:
            self._add("ungranted", place, subject, f"a {type_name} with fields that no text of the agency grants")

    def _add(self, kind: str, place: Place, subject: str | None, why: str) -> None:
        detail = f"partition {place.partition}, offset {place.offset}: {why}"
        self.report.add(Finding(kind, self.name, subject, None, None, detail))


@dataclass(slots=True)
class TopicWalk:
    """One stream beside an agency's topic: what was published and is not there, and what is there and was not granted."""

    topic: Topic
    stream: str
    texts: Texts
    pages: Pages
    position: int
    """Everything up to here is in the topic, or was not granted."""
    truncated: frozenset[int] = frozenset()
    """Partitions that have forgotten their oldest records: what is theirs and comes before the first that is found there may be among
    them."""
    kept_since: datetime | None = None
    """What was told from then on is kept by every partition, also one that has forgotten something; ``None``: not known."""
    missing: int = 0
    first_missing: Seen | None = None
    _found: set[int] = field(default_factory=set)
    _open: list[tuple[int, datetime]] = field(default_factory=list)
    """Of the pages that are open: where each ends and when it was given; a heap."""

    def open(self, row: Row) -> None:
        """Take a page of the topic."""
        self.pages.open(row)
        heappush(self._open, (row.upto, row.given_at))

    def take(self, event: Seen) -> None:
        """Take the next event. It is published if a page tells so whose text grants it."""
        while self._open and self._open[0][0] < event.position:
            heappop(self._open)
        passing = self.texts.passing(event.what)
        self.pages.take(event.position, passing)
        if not passing or not self.pages.stands(KAFKA, None, passing, event.position):
            return
        if round_of(event.subject, self.topic.rounds) != self.topic.number:
            return
        place = self.topic.seen.pop(key_of(event.event_id), None)
        if place is not None:
            self._found.add(place.partition)
        elif event.position <= self.position and not self._may_be_forgotten(event.subject):
            self.missing += 1
            self.first_missing = self.first_missing or event

    def _may_be_forgotten(self, subject: str) -> bool:
        """Tell whether the partition of an aggregate has forgotten its oldest records, and nothing that it still has came yet.

        Only that one counts. Where partitions were added, those of each number that there was: its older events are in one of these.
        What was given lately is forgotten by none.
        """
        forgotten = self.truncated - self._found
        lately = self.kept_since is not None and any(given_at >= self.kept_since for _, given_at in self._open)
        if lately or not forgotten:
            return False
        (digest,) = digests_of([subject])
        most = max(len(self.topic.bounds), AGENCY_PARTITIONS)
        return any(digest % count in forgotten for count in range(AGENCY_PARTITIONS, most + 1))

    def end(self) -> None:
        """Name what is missing."""
        if self.first_missing is None:
            return
        topic, first = self.topic, self.first_missing
        topic.report.undelivered += self.missing
        detail = f"{self.missing} granted events of {self.stream} were published and are not there, the first at {first.position}"
        topic.report.add(Finding("topic", topic.name, first.subject, self.missing, 0, detail))


def name_what_is_left(topic: Topic) -> None:
    """Name the records that no page tells of, once all streams were walked: nobody granted them."""
    for place in topic.seen.values():
        if place.offset < topic.bounds.get(place.partition, 0):
            detail = (
                f"partition {place.partition}, offset {place.offset}: no page of the disclosure log tells of this event"
            )
            topic.report.add(Finding("ungranted", topic.name, None, 0, 1, detail))
