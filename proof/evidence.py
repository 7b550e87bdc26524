"""What a run left: versions in the source, the log read twice, effects in the consumers' tables, mails in the mailbox."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from email import policy
from email.parser import BytesParser
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.stack import Stack
from ops.stack.databases import owner_of
from proof.checker import Evidence, Record
from proof.history import now
from shared.broker import KafkaSettings, make_reader, partitions_of
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.envelope import EnvelopeError, headers_of, read_address
from shared.topology import TOPICS

EVERY_TOPIC = tuple(topic.name for topic in TOPICS)
MAIL = "mail"
SOURCES = ("registry", "partners")
"""The services whose aggregates a run changes."""

_EFFECTS = {
    # Sequences run without gap, so a version stands for all up to it; facts that were folded twice show in the count.
    "projections": {
        "timeline": "SELECT business_id::text, sequence, count(*) FROM business_timeline GROUP BY 1, 2",
        "dashboard": "SELECT business_id::text, s, CASE WHEN s = version THEN greatest(1 + facts - version, 0) ELSE 1 END "
        "FROM district_dashboard, generate_series(1, version) AS s",
    },
    "notifications": {
        "recipients": "SELECT owner_id::text, s, 1 FROM recipient, generate_series(1, version) AS s",
        "contacts": "SELECT business_id::text, s, 1 FROM business_contact, generate_series(1, version) AS s",
    },
}
_EXPECTED = {
    "timeline": {BUSINESS_TOPIC},
    "dashboard": {BUSINESS_TOPIC},
    "recipients": {OWNER_TOPIC},
    "contacts": {BUSINESS_TOPIC},
}


def record_of(raw: object, seen: float = 0.0) -> Record | None:
    """Return a record of Kafka as evidence; ``None`` if it is no event of ours."""
    headers = headers_of(raw.headers)  # type: ignore[attr-defined]
    try:
        address = read_address(headers)
    except EnvelopeError:
        return None
    event_id = headers.get("ce_id", b"").decode(errors="replace")
    place = raw.topic, raw.partition, raw.offset  # type: ignore[attr-defined]
    return Record(*place, address.subject, address.sequence, event_id, seen)


@asynccontextmanager
async def watching(kafka: KafkaSettings) -> AsyncIterator[list[Record]]:
    """Read the topics from their ends for the time of the block, and note each record as it comes."""
    reader, found, ready = make_reader(kafka, "proof-live"), list[Record](), asyncio.Event()
    await reader.start()
    task = asyncio.create_task(_watch(reader, found, ready))
    await ready.wait()
    try:
        yield found
    finally:
        stopping = asyncio.create_task(reader.stop())
        task.cancel()
        await asyncio.wait([task, stopping])  # where its broker is gone, the client's own tasks end as cancelled
        task.cancelled() or task.exception(), stopping.cancelled() or stopping.exception()


async def places_of(reader: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """Return every partition that the topics have now."""
    return [TopicPartition(topic, number) for topic in topics for number in await partitions_of(reader, topic)]


async def _watch(reader: AIOKafkaConsumer, found: list[Record], ready: asyncio.Event) -> None:
    places = await places_of(reader, EVERY_TOPIC)
    reader.assign(places)
    await reader.seek_to_end(*places)
    for place in places:
        await reader.position(place)
    ready.set()
    while True:
        for records in (await reader.getmany(timeout_ms=100)).values():
            found += [record for raw in records if (record := record_of(raw, now())) is not None]


async def records_to_end(reader: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> AsyncIterator[Any]:
    """Yield every record of the places, from the first to where they end now, in the order of each partition."""
    reader.assign(places)
    await reader.seek_to_beginning(*places)
    ends = await reader.end_offsets(places)
    starts = await reader.beginning_offsets(places)
    waiting = {place for place, end in ends.items() if end > starts[place]}
    while waiting:
        for place, records in (await reader.getmany(timeout_ms=500, max_records=5_000)).items():
            for record in records:
                if record.offset < ends[place]:
                    yield record
        waiting = {place for place in waiting if await reader.position(place) < ends[place]}


async def read_whole_log(kafka: KafkaSettings) -> list[Record]:
    """Return every event of the topics, in the order of each partition."""
    reader = make_reader(kafka, "proof-log")
    await reader.start()
    try:
        places = await places_of(reader, EVERY_TOPIC)
        return [record async for raw in records_to_end(reader, places) if (record := record_of(raw)) is not None]
    finally:
        await reader.stop()


async def versions(stack: Stack) -> dict[str, int]:
    """Return the version of each aggregate, as its owner has it."""
    found: dict[str, int] = {}
    for service in SOURCES:
        source = await asyncpg.connect(stack.dsn(service, "audit"))
        try:
            found |= dict(await source.fetch("SELECT aggregate_id::text, version FROM audit.source"))
        finally:
            await source.close()
    return found


_SOURCE = """
SELECT id::text, version, status, kelurahan, CASE WHEN num_nonnulls(paid_men, paid_women, unpaid_men, unpaid_women) > 0 THEN
       coalesce(paid_men, 0) + coalesce(paid_women, 0) + coalesce(unpaid_men, 0) + coalesce(unpaid_women, 0) END AS workers
FROM business
"""
_SHOWN = "SELECT business_id::text AS id, version, status, kelurahan, workers FROM district_dashboard"


async def differing(stack: Stack) -> dict[str, str]:
    """Return the businesses that the dashboard shows otherwise than the registry has them, and in what."""
    found = []
    for service, statement in (("registry", _SOURCE), ("projections", _SHOWN)):
        connection = await asyncpg.connect(stack.dsn(service, owner_of(service)))
        found.append({row["id"]: dict(row) for row in await connection.fetch(statement)})
        await connection.close()
    source, shown = found
    return {
        key: f"the dashboard shows {shown[key]}, the registry holds {source[key]}"
        for key in source.keys() & shown.keys()
        if source[key] != shown[key]
    }


async def collect(stack: Stack, live: list[Record], before: frozenset[str] | None) -> Evidence:
    """Return the evidence, once the platform is quiet. ``before`` are the aggregates that were there before the run."""
    evidence = Evidence(await versions(stack), before, live=list(live), expected=dict(_EXPECTED))
    evidence.differing = await differing(stack)
    evidence.log = await read_whole_log(stack.credentials("operator"))
    for service, statements in _EFFECTS.items():
        connection = await asyncpg.connect(stack.dsn(service, owner_of(service)))
        for name, statement in statements.items():
            evidence.effects[name] = {(row[0], row[1]): row[2] for row in await connection.fetch(statement)}
        await connection.close()
    evidence.effects[MAIL] = {(name, 1): times for name, times in count_mails(stack).items()}
    return evidence


def count_mails(stack: Stack) -> Counter[str]:
    """Return how often each message arrived in the mailbox, by Message-ID."""
    parser = BytesParser(policy=policy.default)
    mails = (parser.parsebytes(path.read_bytes(), headersonly=True) for path in stack.home.mail.glob("*.eml"))
    return Counter(str(mail["Message-ID"]) for mail in mails)
