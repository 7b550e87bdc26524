"""The audit of agencies: what the partner service's views and the topics of agencies hold, read stream by stream.

One snapshot of the database; of a stream each event and each page once, beside one another, so that neither is kept in memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from ops.audit.disclosures import Pages, Row, Seen
from ops.audit.granting import WAITS, Standing, Text, Texts, spans_of
from ops.audit.lanes import Lane, Walk, reason_of_endpoint, reason_of_failures
from ops.audit.report import AgencyState, Report, WayState
from services.partners.commands import Terms
from services.partners.domain.lanes import EVERYONE
from shared.contracts.partnership import DeliveryWay

FEED, KAFKA, WEBHOOK = DeliveryWay.FEED, DeliveryWay.KAFKA, DeliveryWay.WEBHOOK
AT_ONCE = 5_000
"""Rows that a cursor fetches at a time."""

_TEXTS = """
SELECT a.agency, t.agreement_id::text, t.revision, t.terms::text AS terms FROM audit.agreement_text t
JOIN audit.agreement a USING (agreement_id) ORDER BY t.agreement_id, t.revision
"""
_STANDINGS = """
SELECT agreement_id::text, state, revision, since FROM audit.agreement_standing ORDER BY agreement_id, version
"""
_AGREEMENTS = """
SELECT DISTINCT ON (agency) agency, agreement_id::text, state, revision FROM audit.agreement
ORDER BY agency, state IN ('kedaluwarsa', 'berakhir'), agreement_id DESC
"""
_ENDPOINTS = "SELECT id::text, agency, state, reason, tried_at FROM audit.webhook ORDER BY id"
_PLACES = """
SELECT webhook_id::text AS id, stream, position, done, began, noted_upto, noted_agreement::text, noted_revision, tries, failing_since,
       due_at FROM audit.webhook_position ORDER BY 1, 2
"""
_READ = """
SELECT agency, way, stream, max(upto_position) AS upto, count(*) AS pages FROM audit.disclosure GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_EVENTS = """
SELECT position, type, kelurahan, sector, kelas, recorded_at, event_id::text, subject::text FROM audit.event
WHERE stream = $1 ORDER BY position
"""
_PAGES = """
SELECT id, agency, agreement_id::text, revision, way, after_position, upto_position, events, given_at, endpoint::text
FROM audit.disclosure
WHERE stream = $1 AND ($2::text IS NULL OR agency = $2 AND way = 'kafka') ORDER BY after_position, upto_position, id
"""


@dataclass(slots=True)
class Partners:
    """What the partner service keeps of agencies, but for events and pages."""

    texts: Texts
    streams: dict[str, tuple[int, int]]
    """Stream → the first position that is kept, and the last."""
    current: dict[str, int]
    """Agency → the place of the text by which it goes on."""
    lanes: list[Lane] = field(default_factory=list)
    paged: set[str] = field(default_factory=set)
    """Streams of which anything was given."""

    def lanes_of(self, stream: str) -> list[Lane]:
        """Return the lanes of a stream in which any text of theirs grants something."""
        return [lane for lane in self.lanes if lane.stream == stream and lane.texts]


async def load_partners(connection: asyncpg.Connection, report: Report) -> Partners:
    """Read texts and positions, and put each agency into the report."""
    texts = await _texts(connection)
    places = texts.places()
    streams = {row[0]: (row[1], row[2]) for row in await connection.fetch("SELECT name, first, last FROM audit.stream")}
    partners = Partners(texts, streams, {})
    for row in await connection.fetch(_AGREEMENTS):
        report.agencies[row["agency"]] = AgencyState(row["state"])
        place = places.get((row["agreement_id"], row["revision"]))
        if place is not None and row["state"] in WAITS:
            partners.current[row["agency"]] = place
    await _add_endpoints(connection, report, partners)
    await _add_topics(connection, report, partners)
    await _add_feeds(connection, report, partners)
    return partners


async def _texts(connection: asyncpg.Connection) -> Texts:
    standings: dict[str, list[Standing]] = {}
    for row in await connection.fetch(_STANDINGS):
        standings.setdefault(row[0], []).append(Standing(row[1], row[2], row[3]))
    found = []
    for row in await connection.fetch(_TEXTS):
        terms = Terms.model_validate(json.loads(row["terms"]))
        spans = spans_of(standings.get(row["agreement_id"], []), row["revision"], terms)
        found.append(Text(row["agency"], row["agreement_id"], row["revision"], terms, spans))
    return Texts(found)


def _lane(partners: Partners, agency: str, way: DeliveryWay, stream: str, position: int, state: WayState) -> Lane:
    """Return a lane with the texts that move it; without any if nothing of the stream is granted by any."""
    granting = partners.texts.of(agency, way, stream)
    naming = [n for n, text in enumerate(partners.texts.all) if text.agency == agency and text.names(way)]
    texts = granting if way is KAFKA or not granting else naming
    current = partners.current.get(agency)
    return Lane(agency, way, stream, position, state, frozenset(texts), current if current in texts else None)


async def _add_endpoints(connection: asyncpg.Connection, report: Report, partners: Partners) -> None:
    found: dict[str, tuple[asyncpg.Record, WayState]] = {}
    for row in await connection.fetch(_ENDPOINTS):
        state = WayState(
            WEBHOOK.value, row["id"], reason=reason_of_endpoint(row["state"], row["reason"], row["tried_at"])
        )
        found[row["id"]] = (row, state)
        report.agencies.setdefault(row["agency"], AgencyState()).ways.append(state)
    for place in await connection.fetch(_PLACES):
        endpoint, state = found[place["id"]]
        lane = _lane(partners, endpoint["agency"], WEBHOOK, place["stream"], place["position"], state)
        lane.began, lane.done = place["began"], frozenset(place["done"])
        if place["noted_agreement"] is not None:
            lane.noted = (place["noted_agreement"], place["noted_revision"], place["noted_upto"])
        if endpoint["state"] == "dihapus":
            lane.current = None
        elif state.reason is None and place["failing_since"] is not None:
            state.reason = reason_of_failures(place["failing_since"], place["tries"], place["due_at"])
        partners.lanes.append(lane)


async def _add_topics(connection: asyncpg.Connection, report: Report, partners: Partners) -> None:
    positions = {
        (row[0], row[1]): row[2]
        for row in await connection.fetch("SELECT agency, stream, position FROM audit.kafka_position")
        if row[0] != EVERYONE
    }
    named = {text.agency for text in partners.texts.all if text.names(KAFKA)}
    for agency in sorted(named | {agency for agency, _ in positions}):
        state = WayState(KAFKA.value)
        report.agencies.setdefault(agency, AgencyState()).ways.append(state)
        for stream in partners.streams:
            lane = _lane(partners, agency, KAFKA, stream, positions.get((agency, stream), 0), state)
            lane.began = 0
            partners.lanes.append(lane)


async def _add_feeds(connection: asyncpg.Connection, report: Report, partners: Partners) -> None:
    """The feed is asked for by the agency, so what it has read is where it is."""
    read: dict[tuple[str, str], int] = {}
    for row in await connection.fetch(_READ):
        report.agencies.setdefault(row["agency"], AgencyState()).pages += row["pages"]
        partners.paged.add(row["stream"])
        if row["way"] == FEED.value:
            read[row["agency"], row["stream"]] = row["upto"]
    named = {text.agency for text in partners.texts.all if text.names(FEED)}
    for agency in sorted(named | {agency for agency, _ in read}):
        state = WayState(FEED.value)
        report.agencies.setdefault(agency, AgencyState()).ways.append(state)
        partners.lanes += [
            _lane(partners, agency, FEED, stream, read.get((agency, stream), 0), state) for stream in partners.streams
        ]


def _seen(row: asyncpg.Record) -> Seen:
    position, type_name, kelurahan, sector, kelas, recorded_at, event_id, subject = row
    return Seen(position, (type_name, kelurahan, sector, kelas), recorded_at, event_id, subject)


class Walker(Protocol):
    """What looks at a stream from its first event."""

    def open(self, row: Row) -> None:
        """Take a page, before the first event of it."""

    def take(self, event: Seen) -> None:
        """Take the next event."""

    def end(self) -> None:
        """No event comes any more."""


async def walk_stream(connection: asyncpg.Connection, stream: str, agency: str | None, walk: Walker) -> None:
    """Let ``walk`` take each event of a stream and each page before its first; with ``agency`` only the pages of its topic."""
    pages = connection.cursor(_PAGES, stream, agency, prefetch=AT_ONCE).__aiter__()
    page = await anext(pages, None)
    async for row in connection.cursor(_EVENTS, stream, prefetch=AT_ONCE):
        event = _seen(row)
        while page is not None and page["after_position"] < event.position:
            walk.open(Row(*page))
            page = await anext(pages, None)
        walk.take(event)
    while page is not None:
        walk.open(Row(*page))
        page = await anext(pages, None)
    walk.end()


async def compare_lanes(connection: asyncpg.Connection, report: Report, partners: Partners) -> None:
    """Compare positions and pages of every agency with what its texts granted, stream by stream."""
    places = partners.texts.places()
    for stream, (first, last) in sorted(partners.streams.items()):
        lanes = partners.lanes_of(stream)
        if lanes or stream in partners.paged:
            pages = Pages(report, stream, partners.texts, last, places)
            await walk_stream(connection, stream, None, Walk(report, stream, partners.texts, lanes, first, pages))


def name_reasons(report: Report, topics: Collection[str]) -> None:
    """Say of each way why what waits waits; ``topics`` are the agencies that have one."""
    for agency, state in report.agencies.items():
        for way in state.ways:
            if way.way == KAFKA.value and agency not in topics:
                way.reason = "the agency has no topic"
            way.reason = _reason(state, way) if way.waiting else None


def _reason(state: AgencyState, way: WayState) -> str:
    """Return why something waits: what stops all of an agency comes first."""
    if state.agreement == "ditangguhkan":
        return "the agreement is suspended"
    if state.agreement == "ditandatangani":
        return "the agreement has not begun"
    return way.reason or ("not asked for yet" if way.way == FEED.value else "under way")
