"""Public topics compared with the streams that they are made of: each public fact is on its topic, or waits, and nothing else is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer

from ops.audit.agencies import walk_stream
from ops.audit.agency_topics import Topic, key_of, round_of, rounds_for
from ops.audit.disclosures import Row, Seen
from ops.audit.granting import Text
from ops.audit.partners import Bounds, read_topic, topics_of
from ops.audit.report import Finding, Report, WayState
from services.partners.domain.lanes import EVERYONE
from services.partners.domain.public import PUBLIC_STREAMS, PUBLIC_TERMS
from services.partners.domain.showing import types_of
from shared.broker import KafkaSettings, make_reader
from shared.contracts.partnership import DeliveryWay
from shared.topology import PUBLIC_PREFIX

PUBLIC_TEXT = Text(EVERYONE, "", 0, PUBLIC_TERMS)
_STREAMS = """
SELECT s.name, s.first, s.last, coalesce(p.position, s.first - 1) AS position
FROM audit.stream s LEFT JOIN audit.kafka_position p ON p.stream = s.name AND p.agency = $1
WHERE s.name = ANY($2::text[]) ORDER BY s.name
"""


@dataclass(slots=True)
class PublicWalk:
    """One stream beside what one round has read of its public topic. Only public types are looked at."""

    topic: Topic
    types: frozenset[str]
    first: int
    """The first position whose event is still kept."""
    position: int
    """Everything up to here is in the topic, or is not public."""
    missing: int = 0
    first_missing: Seen | None = None
    taken: int = 0

    def open(self, row: Row) -> None:
        """Take a page of the disclosure log: there is none of what is public."""
        detail = f"page {row.id} of the disclosure log is of no agency"
        self.topic.report.add(Finding("ungranted", self.topic.name, None, 0, row.events, detail))

    def take(self, event: Seen) -> None:
        """Take the next event. What was not kept any more when its topic was begun is asked of nobody."""
        if event.what[0] not in self.types or round_of(event.subject, self.topic.rounds) != self.topic.number:
            return
        if self.topic.seen.pop(key_of(event.event_id), None) is not None:
            self.topic.state.delivered += 1
        elif event.position > self.position:
            self.taken += event.position < self.first
            self.topic.state.waiting += event.position >= self.first
        elif event.position >= self.first:
            self.missing += 1
            self.first_missing = self.first_missing or event

    def end(self) -> None:
        """Name what is missing."""
        report, name = self.topic.report, self.topic.name
        report.undelivered += self.missing + self.taken
        if self.first_missing is not None:
            detail = f"{self.missing} public events were gone over and are not there, the first at {self.first_missing.position}"
            report.add(Finding("topic", name, self.first_missing.subject, self.missing, 0, detail))
        if self.taken:
            detail = (
                f"{self.taken} public events were not published while they were kept; resuming with skip_lost goes on"
            )
            report.add(Finding("taken", name, None, self.taken, 0, detail))


async def compare_public(
    report: Report,
    connection: asyncpg.Connection,
    kafka: KafkaSettings,
    streams: Mapping[str, str] = PUBLIC_STREAMS,
) -> None:
    """Compare the public topics, ``streams`` by their stream, with what is public. Raises the errors of the servers."""
    reader = make_reader(kafka, "audit-public")
    await reader.start()
    try:
        # Before the snapshot: a younger record may be of an event that the snapshot does not show.
        bounds = await topics_of(reader, PUBLIC_PREFIX)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for row in await connection.fetch(_STREAMS, EVERYONE, list(streams)):
                name = streams[row["name"]]
                known = bounds.get(name.removeprefix(PUBLIC_PREFIX))
                await _compare(connection, reader, report, row, name, known)
    finally:
        await reader.stop()


async def _compare(
    connection: asyncpg.Connection,
    reader: AIOKafkaConsumer,
    report: Report,
    row: asyncpg.Record,
    name: str,
    known: Bounds | None,
) -> None:
    state = report.public[name] = WayState(DeliveryWay.KAFKA.value)
    found = known or Bounds({}, {})
    upper = {place.partition: end for place, end in found.ends.items()}
    rounds = rounds_for(sum(found.ends.values()) - sum(found.starts.values()))
    types = frozenset(types_of(PUBLIC_TERMS, row["name"]))
    for number in range(rounds):
        topic = Topic(report, state, name, [PUBLIC_TEXT], upper, number, rounds, notices=False)
        if found.ends:
            await read_topic(reader, topic, list(found.ends))
        walk = PublicWalk(topic, types, row["first"], row["position"])
        await walk_stream(connection, row["name"], EVERYONE, walk)
        _name_what_is_left(topic)
    if row["position"] > row["last"]:
        detail = "the position is beyond the end of the stream"
        report.add(Finding("beyond", name, None, row["last"], row["position"], detail))
    if state.waiting:
        state.reason = _reason(row, known)


def _reason(row: asyncpg.Record, known: Bounds | None) -> str:
    if known is None:
        return "the topic is not there: naikkelas topics apply"
    return "stopped: riwayat_dihapus" if row["position"] < row["first"] - 1 else "under way"


def _name_what_is_left(topic: Topic) -> None:
    """Name the records that are of no public event of the stream."""
    for place in topic.seen.values():
        if place.offset < topic.bounds.get(place.partition, 0):
            detail = f"partition {place.partition}, offset {place.offset}: is of no public event of this stream"
            topic.report.add(Finding("ungranted", topic.name, None, 0, 1, detail))
