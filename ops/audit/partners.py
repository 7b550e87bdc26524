"""The audit of agencies as a whole: the partner service's database in one snapshot, and beside it the topics of agencies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.audit.agencies import KAFKA, Partners, compare_lanes, load_partners, name_reasons, walk_stream
from ops.audit.agency_topics import Place, Topic, TopicWalk, name_what_is_left, rounds_for
from ops.audit.disclosures import Pages
from ops.audit.log import batches_to
from ops.audit.report import AgencyState, Finding, Report, WayState
from shared.broker import KafkaSettings, make_reader
from shared.envelope import headers_of
from shared.topology import AGENCY_DAYS, AGENCY_PREFIX

CLOCKS_DIFFER = timedelta(hours=1)
"""What the clocks of the database and of a broker may differ by."""
Ends = dict[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where to where a topic goes."""

    starts: Ends
    ends: Ends


async def compare_agencies(report: Report, connection: asyncpg.Connection, kafka: KafkaSettings) -> None:
    """Compare what every agency was given, by all ways, with what was granted. Raises the errors of the servers."""
    reader = make_reader(kafka, "audit-agencies")
    await reader.start()
    try:
        # Before the snapshot: a record that is younger may have a page that the snapshot does not show.
        topics = await topics_of(reader, AGENCY_PREFIX)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            partners = await load_partners(connection, report)
            await compare_lanes(connection, report, partners)
            name_reasons(report, topics)
            for agency, bounds in topics.items():
                await _compare_topic(connection, reader, report, partners, agency, bounds)
        _name_lost_topics(report, partners, topics)
    finally:
        await reader.stop()


async def topics_of(reader: AIOKafkaConsumer, prefix: str) -> dict[str, Bounds]:
    """Return the topics whose names begin so, each by the rest of its name, with where it begins and ends."""
    known = await reader._client.fetch_all_metadata()
    found = {}
    for name in sorted(topic for topic in known.topics() if topic.startswith(prefix)):
        places = [TopicPartition(name, number) for number in sorted(known.partitions_for_topic(name) or ())]
        bounds = Bounds(await reader.beginning_offsets(places), await reader.end_offsets(places))
        found[name.removeprefix(prefix)] = bounds
    return found


async def _compare_topic(
    connection: asyncpg.Connection,
    reader: AIOKafkaConsumer,
    report: Report,
    partners: Partners,
    agency: str,
    bounds: Bounds,
) -> None:
    """Read a topic, in as many rounds as its size wants, and walk beside it the streams of which anything is granted."""
    texts = [text for text in partners.texts.all if text.agency == agency and text.names(KAFKA)]
    state = report.agencies.setdefault(agency, AgencyState())
    way = next((found for found in state.ways if found.way == KAFKA.value), None) or WayState(KAFKA.value)
    rounds = rounds_for(sum(bounds.ends.values()) - sum(bounds.starts.values()))
    # A record is kept for so long from when it was written, which is not before its page was told; the clocks may differ a little.
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    kept_since = now - timedelta(days=AGENCY_DAYS) + CLOCKS_DIFFER
    upper = {place.partition: end for place, end in bounds.ends.items()}
    for number in range(rounds):
        topic = Topic(report, way, AGENCY_PREFIX + agency, texts, upper, number, rounds)
        await read_topic(reader, topic, list(bounds.ends))
        for lane in partners.lanes:
            if lane.agency == agency and lane.way is KAFKA and lane.texts:
                last, places = partners.streams[lane.stream][1], partners.texts.places()
                pages = Pages(None, lane.stream, partners.texts, last, places)
                truncated = frozenset(place.partition for place, start in bounds.starts.items() if start > 0)
                walk = TopicWalk(topic, lane.stream, partners.texts, pages, lane.position, truncated, kept_since)
                await walk_stream(connection, lane.stream, agency, walk)
        name_what_is_left(topic)
    if way not in state.ways and way.records:
        state.ways.append(way)


async def read_topic(reader: AIOKafkaConsumer, topic: Topic, places: list[TopicPartition]) -> None:
    """Read a topic to where it ends now: what the snapshot shows as published is before that."""
    reader.assign(places)
    await reader.seek_to_beginning(*places)
    ends, starts = await reader.end_offsets(places), await reader.beginning_offsets(places)
    async for batch in batches_to(reader, {place: end if end > starts[place] else 0 for place, end in ends.items()}):
        for place, record in batch:
            topic.take(Place(place.partition, record.offset), headers_of(record.headers), record.value)


def _name_lost_topics(report: Report, partners: Partners, topics: dict[str, Bounds]) -> None:
    """Name the agencies whose topic is gone, although their agreement goes on and something was written into it."""
    for agency, state in report.agencies.items():
        for way in state.ways:
            if way.way == KAFKA.value and way.delivered and agency not in topics and agency in partners.current:
                report.undelivered += way.delivered
                detail = f"{way.delivered} events were published, and the topic is not there"
                report.add(Finding("topic", AGENCY_PREFIX + agency, None, way.delivered, 0, detail))
