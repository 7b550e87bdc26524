"""The audit of agencies on real servers: what was delivered three ways is green, what waits says why, and each seeded fault is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from confluent_kafka import OFFSET_END, TopicPartition

from ops.audit.partners import compare_agencies
from ops.audit.report import Report, WayState
from shared.broker import make_producer
from shared.database import connected
from shared.topology import AGENCY_DAYS, AGENCY_PARTITIONS, agency_topic
from tests.desk import MANGGAR, PRAPATAN
from tests.partners.agency_topics import an_agency, writer_of, writing
from tests.partners.bureau import REGISTERED, VERIFIED, Bureau, agreement_form
from tests.partners.receiving import Endpoint, delivering, make_deliverer, receiving, register
from tests.partners.test_kafka import until_written
from tests.stack.servers import Kafka

WAYS = ["feed", "kafka", "webhook"]
INSIDE, EACH = 3, 2
GRANTED = INSIDE * EACH


@dataclass
class Office:
    """An agency that was given everything by each way, and how to look at that."""

    bureau: Bureau
    kafka: Kafka
    agency: str
    agreement: str
    endpoint: Endpoint
    subjects: list[UUID]

    async def audited(self) -> Report:
        """Return what the audit of agencies finds."""
        report = Report()
        async with connected(self.bureau.database.audit_dsn) as connection:
            await compare_agencies(report, connection, self.kafka.credentials())
        return report

    async def way(self, name: str) -> WayState:
        """Return what the audit says of one way."""
        report = await self.audited()
        assert (report.findings, report.ok) == ([], True)
        return next(way for way in report.agencies[self.agency].ways if way.way == name)

    async def run(self, statement: str, *values: Any) -> None:
        """Change something behind the service's back."""
        async with connected(self.bureau.database.superuser_dsn) as connection:
            done = await connection.execute(statement, *values)
        assert not done.endswith(" 0"), f"nothing was changed: {done}"

    async def more(self) -> None:
        """Let something happen that is granted."""
        await self.bureau.hear(*(self.bureau.story.verified(subject) for subject in self.subjects))

    async def publish(self, data: Any, **headers: str) -> None:
        """Write a record into the agency's topic, as only the platform may."""
        subject = str(self.subjects[0])
        attributes = {"ce_id": str(uuid4()), "ce_type": VERIFIED, "ce_subject": subject, "ce_sequence": "9"} | headers
        producer = make_producer(self.kafka.credentials(), "seeded")
        await producer.start()
        try:
            await producer.send_and_wait(
                agency_topic(self.agency).name,
                orjson.dumps(data),
                key=subject.encode(),
                headers=[(name, value.encode()) for name, value in attributes.items()],
            )
        finally:
            await producer.stop()


@asynccontextmanager
async def office(bureau: Bureau, kafka: Kafka) -> AsyncIterator[Office]:
    """An agency with an endpoint, a topic and a feed, each up to date; one business is outside of its filter."""
    with an_agency(kafka) as (agency, _):
        async with receiving() as receiver:
            agreement = await bureau.agree(agency=agency, ways=WAYS, kelurahan=[MANGGAR])
            endpoint = await register(bureau, receiver.url, agency=agency)
            subjects = await bureau.businesses(INSIDE)
            outside = await bureau.businesses(1, kelurahan=PRAPATAN)
            await bureau.hear(*(bureau.story.verified(subject) for subject in subjects + outside))
            async with delivering(make_deliverer(bureau)), writing(writer_of(kafka, bureau.pool)):
                await receiver.until(GRANTED)
                await until_written(bureau, agency)
            await bureau.read_all(agency=agency)
            yield Office(bureau, kafka, agency, agreement, endpoint, subjects)


async def test_what_was_given_by_each_way_is_green_and_counted(bureau: Bureau, kafka: Kafka) -> None:
    async with office(bureau, kafka) as at:
        report = await at.audited()
        assert (report.findings, report.ok) == ([], True)
        state = report.agencies[at.agency]
        assert (state.agreement, state.pages) == ("aktif", 3)
        told = {way.way: (way.delivered, way.waiting, way.reason, way.records) for way in state.ways}
        assert told == {
            "feed": (GRANTED, 0, None, 0),
            "kafka": (GRANTED, 0, None, GRANTED),
            "webhook": (GRANTED, 0, None, 0),
        }
        assert report.as_dict()["agencies"][at.agency]["ways"][0]["endpoint"] == at.endpoint.id


async def test_what_waits_says_why(bureau: Bureau, kafka: Kafka) -> None:
    async with office(bureau, kafka) as at:
        await at.more()
        assert [(await at.way(name)).reason for name in WAYS] == ["not asked for yet", "under way", "under way"]
        await at.endpoint.do("pause")
        found = await at.way("webhook")
        assert (found.delivered, found.waiting, found.reason) == (GRANTED, INSIDE, "paused")
        await bureau.do_with(at.agreement, "suspension", {"cause": "permintaan_instansi"})
        assert {(await at.way(name)).reason for name in WAYS} == {"the agreement is suspended"}
        await bureau.do_with(at.agreement, "end", {"cause": "tujuan_selesai"})
        assert [(await at.way(name)).waiting for name in WAYS] == [0, 0, 0]


async def test_an_endpoint_that_fails_or_was_disabled_waits_with_its_reason(bureau: Bureau, kafka: Kafka) -> None:
    async with office(bureau, kafka) as at:
        await at.more()
        await at.run("UPDATE webhook SET url = 'http://127.0.0.1:9/masuk'")
        async with delivering(make_deliverer(bureau)), asyncio.timeout(20):
            while not (await at.endpoint.lag())["tries"]:
                await asyncio.sleep(0.05)
        found = await at.way("webhook")
        assert found.waiting == INSIDE
        assert found.reason is not None
        assert found.reason.startswith("retrying since ")
        await at.run("UPDATE webhook SET state = 'dimatikan', reason = 'gagal_tiga_hari'")
        found = await at.way("webhook")
        assert found.reason is not None
        assert found.reason.startswith("disabled: gagal_tiga_hari, last tried ")


async def test_an_amendment_does_not_make_the_past_look_missed(bureau: Bureau, kafka: Kafka) -> None:
    async with office(bureau, kafka) as at:
        form = agreement_form(ways=WAYS, kelurahan=[MANGGAR, PRAPATAN])
        del form["agency"]
        version = await bureau.version(at.agreement)
        answer = await bureau.operator().put(f"/agreements/{at.agreement}/draft", form, version)
        assert answer.status_code == 200, answer.text
        await bureau.sign_twice(at.agreement)
        report = await at.audited()
        assert (report.findings, report.ok) == ([], True)
        assert {way.way: way.delivered for way in report.agencies[at.agency].ways} == dict.fromkeys(WAYS, GRANTED)


Fault = Callable[[Office], Awaitable[None]]


async def lose_a_page(at: Office) -> None:
    await at.run("DELETE FROM disclosure WHERE way = 'webhook'")


async def lose_a_page_of_the_topic(at: Office) -> None:
    await at.run("DELETE FROM disclosure WHERE way = 'kafka'")


async def tell_too_much(at: Office) -> None:
    await at.run("UPDATE disclosure SET events = events + 1 WHERE way = 'feed'")


async def go_over_what_was_not_delivered(at: Office) -> None:
    await at.more()
    await at.run("UPDATE webhook_position p SET position = s.last FROM stream s WHERE s.name = p.stream")


async def go_over_what_was_not_published(at: Office) -> None:
    await at.more()
    await at.run("UPDATE kafka_position p SET position = s.last FROM stream s WHERE s.name = p.stream")


async def go_back(at: Office) -> None:
    await at.more()
    async with delivering(make_deliverer(at.bureau)), asyncio.timeout(20):
        while (lag := await at.endpoint.lag())["position"] < lag["last"]:
            await asyncio.sleep(0.05)
    await at.run("UPDATE webhook_position SET position = 0 WHERE stream = 'business'")


async def go_beyond_the_end(at: Office) -> None:
    await at.run("UPDATE kafka_position SET position = 1000 WHERE stream = 'business'")


async def give_while_suspended(at: Office) -> None:
    await at.bureau.do_with(at.agreement, "suspension", {"cause": "permintaan_instansi"})
    await at.run("UPDATE disclosure SET given_at = now() + interval '1 minute' WHERE way = 'feed'")


async def give_by_another_way(at: Office) -> None:
    await at.run("UPDATE agreement_text SET terms = jsonb_set(terms, '{ways}', '[\"kafka\", \"webhook\"]')")


async def publish_a_field_that_is_not_granted(at: Office) -> None:
    event = await at.bureau.pool.fetchrow("SELECT * FROM event WHERE type = $1 ORDER BY position", REGISTERED)
    assert event is not None
    data = {"business_id": str(event["subject"]), "owner_ids": []}
    await at.publish(
        data, ce_id=str(event["event_id"]), ce_type=REGISTERED, ce_subject=str(event["subject"]), ce_sequence="1"
    )


async def publish_a_name(at: Office) -> None:
    await at.publish({"business_id": str(at.subjects[0]), "personal": {"name": "Uji"}})


async def publish_out_of_order(at: Office) -> None:
    await at.publish({"business_id": str(at.subjects[0])}, ce_sequence="1")


async def publish_what_nobody_reads(at: Office) -> None:
    await at.publish({}, ce_sequence="satu")


async def tell_of_what_was_not_published(at: Office) -> None:
    last = await at.bureau.pool.fetchval("SELECT last FROM stream WHERE name = 'business'")
    await go_over_what_was_not_published(at)
    await at.run(
        "INSERT INTO disclosure (agency, agreement_id, revision, way, stream, after_position, upto_position, events, withheld) "
        "SELECT agency, agreement_id, revision, way, stream, $1::bigint, $1 + 3, 3, '{}' FROM disclosure WHERE way = 'kafka'",
        last,
    )


Named = tuple[str, str, str]
"""Kind, a part of where, a part of the detail."""


@pytest.mark.parametrize(
    ("faults", "named"),
    [
        (
            [lose_a_page, go_over_what_was_not_published, tell_too_much],
            [
                ("undelivered", " webhook ", "no page of the disclosure log has them"),
                ("undisclosed", " webhook ", "last page"),
                ("undelivered", " kafka business", "3 granted events were gone over"),
                ("ungranted", " feed business", "another number of events"),
            ],
        ),
        (
            [go_back, lose_a_page_of_the_topic, give_while_suspended],
            [
                ("beyond", " webhook ", "went back behind a page"),
                ("beyond", " webhook ", "begins after"),
                ("undelivered", " kafka business", "6 granted events were gone over"),
                *[("ungranted", "umkm.agency.", "no page of the disclosure log tells of this event")] * GRANTED,
                ("ungranted", " feed business", "when its text did not count"),
            ],
        ),
        (
            [go_over_what_was_not_delivered, go_beyond_the_end, give_by_another_way],
            [
                ("undelivered", " webhook ", "3 granted events were gone over"),
                ("undelivered", " kafka business", "3 granted events were gone over"),
                ("beyond", " kafka business", "beyond the end of the stream"),
                ("ungranted", " feed business", "by a way that its text does not name"),
            ],
        ),
        (
            [
                publish_a_field_that_is_not_granted,
                publish_a_name,
                publish_out_of_order,
                publish_what_nobody_reads,
                tell_of_what_was_not_published,
            ],
            [
                ("ungranted", "umkm.agency.", "with fields that no text of the agency grants"),
                ("personal", "umkm.agency.", "holds names"),
                ("reordered", "umkm.agency.", "event 1 came first when 9 was there already"),
                ("ungranted", "umkm.agency.", "is no event of ours"),
                *[("ungranted", "umkm.agency.", "no page of the disclosure log tells of this event")] * 2,
                ("topic", "umkm.agency.", "3 granted events of business were published and are not there"),
            ],
        ),
    ],
    ids=["pages", "past", "positions", "topic"],
)
async def test_each_seeded_fault_is_named(
    bureau: Bureau, kafka: Kafka, faults: list[Fault], named: list[Named]
) -> None:
    async with office(bureau, kafka) as at:
        assert (await at.audited()).ok
        for fault in faults:
            await fault(at)
        left = (await at.audited()).findings
        assert all(at.agency in finding.where for finding in left)
        for kind, where, detail in named:
            alike = [f for f in left if f.kind == kind and where in f.where and detail in f.detail]
            assert alike, (kind, where, detail, left)
            left.remove(alike[0])
        assert left == []


async def test_one_endpoint_does_not_hide_what_another_of_its_agency_was_not_delivered(
    bureau: Bureau, kafka: Kafka
) -> None:
    async with office(bureau, kafka) as at:
        other = await register(bureau, "http://127.0.0.1:9/masuk", agency=at.agency)
        assert (await at.audited()).ok
        await at.run(
            "UPDATE webhook_position p SET position = s.last FROM stream s WHERE s.name = p.stream AND p.webhook_id = $1::uuid",
            UUID(other.id),
        )
        (found,) = (await at.audited()).findings
        assert (found.kind, f" webhook {other.id} business" in found.where) == ("undelivered", True)
        assert f"{GRANTED} granted events were gone over" in found.detail


async def test_pages_from_before_they_named_their_endpoint_count_for_every_endpoint_of_the_agency(
    bureau: Bureau, kafka: Kafka
) -> None:
    async with office(bureau, kafka) as at:
        await at.run("UPDATE disclosure SET endpoint = NULL WHERE way = 'webhook'")
        report = await at.audited()
        assert (report.findings, report.ok) == ([], True)


async def test_what_a_partition_forgot_is_named_for_thirty_days_after_it_was_given(
    bureau: Bureau, kafka: Kafka
) -> None:
    async with office(bureau, kafka) as at:
        topic = agency_topic(at.agency).name
        everything = [TopicPartition(topic, number, OFFSET_END) for number in range(AGENCY_PARTITIONS)]
        for future in kafka.admin.delete_records(everything).values():
            future.result(15)
        report = await at.audited()
        assert [(finding.kind, finding.expected) for finding in report.findings] == [("topic", GRANTED)]
        await at.run("UPDATE disclosure SET given_at = given_at - $1::interval", timedelta(days=AGENCY_DAYS + 1))
        # Its texts count as of today, which is another matter: the topic has done what it promises.
        assert "topic" not in {finding.kind for finding in (await at.audited()).findings}
