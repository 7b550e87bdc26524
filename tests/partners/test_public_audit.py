"""The audit of public topics on real servers: what was published is green, what waits says why, and each seeded fault is named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import pytest

from ops.audit.public import compare_public
from ops.audit.report import Report
from services.partners.domain.erasures import NOTICE_TYPE
from services.partners.domain.public import PUBLIC_STREAMS
from services.partners.handlers import giving
from services.partners.handlers.measuring import deliveries_look
from services.partners.handlers.texts import Texts
from services.partners.handlers.writing import AgencyPublisher
from shared.broker import make_producer
from shared.contracts.training import CourseOpened
from shared.database import connected
from shared.envelope import Event
from shared.metrics import Metrics
from shared.topology import Topic
from tests.desk import rule_of
from tests.metrics.reading import read as read_figures
from tests.partners import public_topics as told
from tests.partners.agency_topics import writer_of, writing
from tests.partners.bureau import Bureau
from tests.partners.public_topics import until_public
from tests.stack.servers import Kafka

LAG = "naikkelas_delivery_lag_events"


async def audited(bureau: Bureau, kafka: Kafka, streams: Mapping[str, str]) -> Report:
    """Return what the audit finds in public topics."""
    report = Report()
    async with connected(bureau.database.audit_dsn) as connection:
        await compare_public(report, connection, kafka.credentials(), streams)
    return report


@dataclass
class Own:
    """Public topics of one test alone, since the audit looks at all that stands in one; and who writes them."""

    bureau: Bureau
    kafka: Kafka
    streams: dict[str, str]
    courses: list[Event]

    async def write(self) -> None:
        """Write what waits, and end."""
        publisher = AgencyPublisher(self.kafka.credentials(), f"own-{uuid4().hex[:8]}")
        async with writing(writer_of(self.kafka, self.bureau.pool, publisher)):
            for stream in ("course", "exhibition"):
                await until_public(self.bureau, stream)

    async def more(self) -> None:
        """Let something public happen."""
        subjects = [course.fact.aggregate_id for course in self.courses]
        await self.bureau.hear(*(told.batch_opened(self.bureau.story, subject) for subject in subjects))

    async def publish(self, data: Any, **headers: str) -> None:
        """Write a record, as only the platform may."""
        attributes = {"ce_id": str(uuid4()), "ce_type": CourseOpened.type_name(), "ce_sequence": "9"} | headers
        attributes = {"ce_subject": self.courses[0].meta.subject} | attributes
        producer = make_producer(self.kafka.credentials(), "seeded")
        await producer.start()
        try:
            await producer.send_and_wait(
                self.streams["course"],
                orjson.dumps(data),
                headers=[(name, value.encode()) for name, value in attributes.items()],
            )
        finally:
            await producer.stop()

    async def run(self, statement: str) -> None:
        """Change something behind the service's back."""
        assert not (await self.bureau.pool.execute(statement)).endswith(" 0")

    async def audit(self) -> Report:
        """Return what the audit finds."""
        return await audited(self.bureau, self.kafka, self.streams)


@pytest.fixture
async def own(bureau: Bureau, kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Own:
    """Public topics into which three courses were written."""
    streams = {name: kafka.make_topic(Topic(topic, partitions=1)) for name, topic in PUBLIC_STREAMS.items()}
    monkeypatch.setattr(giving, "PUBLIC_STREAMS", streams)
    courses = [told.course_opened(bureau.story) for _ in range(3)]
    made = Own(bureau, kafka, streams, courses)
    await bureau.hear(*courses, *told.exhibition_with_outcome(bureau.story))
    await made.write()
    return made


async def test_the_audit_counts_what_is_public_and_says_what_waits(own: Own) -> None:
    report = await own.audit()
    assert (report.findings, report.ok) == ([], True)
    state = report.public[own.streams["course"]]
    assert (state.delivered, state.waiting, state.records, state.repeated, state.reason) == (3, 0, 3, 0, None)
    await own.more()
    state = (await own.audit()).public[own.streams["course"]]
    assert (state.delivered, state.waiting, state.reason) == (3, 3, "under way")
    report = await audited(own.bureau, own.kafka, {"course": "umkm.public.tidak-ada"})
    assert report.public["umkm.public.tidak-ada"].reason == "the topic is not there: naikkelas topics apply"
    assert "topic" in report.total_findings  # what was written before is not there
    await own.write()
    state = (await own.audit()).public[own.streams["course"]]
    assert (state.delivered, state.waiting) == (6, 0)


async def test_a_public_topic_that_was_lost_is_named_and_written_anew_when_the_operator_says_so(own: Own) -> None:
    own.streams["course"] = own.kafka.make_topic(Topic(PUBLIC_STREAMS["course"], partitions=1))
    (found,) = (await own.audit()).findings
    assert (found.kind, found.expected) == ("topic", 3)
    operator = own.bureau.operator()
    lanes = (await operator.get("/lanes?agency=*")).json()["items"]
    assert {lane["stream"] for lane in lanes} == {"course", "exhibition"}
    for lane in lanes:
        path = f"/lanes/{lane['id']}/refill"
        assert rule_of(await own.bureau.agency().post(path, version=lane["version"]))[0] == 403
        done = await operator.post(path, version=lane["version"])
        assert (done.status_code, done.json()["version"]) == (200, lane["version"] + 1)
        assert rule_of(await operator.post(path, version=lane["version"])) == (412, "versi-usang")
    await own.write()
    report = await own.audit()
    assert report.findings == []
    assert report.public[own.streams["course"]].delivered == 3
    assert report.public[own.streams["exhibition"]].repeated == 1


async def go_over(own: Own) -> None:
    await own.more()
    await own.run("UPDATE kafka_position p SET position = s.last FROM stream s WHERE s.name = p.stream")


async def go_beyond(own: Own) -> None:
    await own.run("UPDATE kafka_position SET position = 1000 WHERE stream = 'course'")


async def publish_a_field_too_many(own: Own) -> None:
    await own.publish({"course_id": own.courses[0].meta.subject, "budget": 1}, ce_id=str(own.courses[0].meta.id))


async def publish_what_is_not_public(own: Own) -> None:
    await own.publish({"course_id": own.courses[0].meta.subject}, ce_type="id.go.balikpapan.umkm.exhibition.curated.v1")


async def publish_what_nobody_told(own: Own) -> None:
    await own.publish({"course_id": own.courses[0].meta.subject})


async def publish_a_notice(own: Own) -> None:
    await own.publish({"owner_id": str(uuid4()), "subjects": [], "due": ""}, ce_type=NOTICE_TYPE, ce_sequence="")


async def publish_backwards(own: Own) -> None:
    await own.more()
    await own.write()
    await own.publish({"course_id": own.courses[0].meta.subject}, ce_sequence="1")


@pytest.mark.parametrize(
    ("fault", "kind", "detail"),
    [
        (go_over, "topic", "3 public events were gone over and are not there"),
        (go_beyond, "beyond", "beyond the end of the stream"),
        (publish_a_field_too_many, "ungranted", "with fields that no text of the agency grants"),
        (publish_what_is_not_public, "ungranted", "with fields that no text of the agency grants"),
        (publish_what_nobody_told, "ungranted", "is of no public event of this stream"),
        (publish_a_notice, "ungranted", "is no event of ours"),
        (publish_backwards, "reordered", "came first when 2 was there already"),
    ],
)
async def test_the_audit_names_a_fault(
    own: Own, fault: Callable[[Own], Awaitable[None]], kind: str, detail: str
) -> None:
    assert (await own.audit()).ok
    await fault(own)
    found = [(item.kind, item.where) for item in (await own.audit()).findings if detail in item.detail]
    assert found == [(kind, own.streams["course"])]


async def test_a_topic_that_is_not_there_yet_is_waited_for_and_holds_nobody_up(own: Own) -> None:
    there, missing = own.streams["course"], f"umkm.public.{uuid4().hex}"
    own.streams["course"] = missing
    await own.more()
    await own.bureau.hear(*told.exhibition_with_outcome(own.bureau.story))
    publisher = AgencyPublisher(own.kafka.credentials(), "waiting")
    async with writing(writer_of(own.kafka, own.bureau.pool, publisher)):
        await until_public(own.bureau, "exhibition")
        metrics = Metrics()
        metrics.look("deliveries", deliveries_look(own.bureau.pool, Texts(own.bureau.pool)))
        assert (await read_figures(metrics))[LAG, "kafka", "*"] == 3
        own.streams["course"] = there
        await until_public(own.bureau)
    assert (LAG, "kafka", "*") not in await read_figures(metrics)
    report = await own.audit()
    assert (report.findings, report.public[there].delivered) == ([], 6)
