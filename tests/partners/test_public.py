"""Public topics on a real broker and a real PostgreSQL: what lands there, for whom, and what comes of deaths and of lost history."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from ops.audit.public import compare_public
from ops.audit.report import Report
from ops.demo.examples import newer_librdkafka
from ops.stack.services import ROOT
from services.partners.domain.erasures import NOTICE_TYPE
from services.partners.domain.public import PUBLIC_STREAMS
from services.partners.handlers import giving
from services.partners.handlers.measuring import deliveries_look
from services.partners.handlers.texts import Texts
from services.partners.handlers.ticking import Ticker
from services.partners.handlers.writing import AgencyPublisher
from shared.broker import make_producer
from shared.contracts.exhibitions import ExhibitionOpened, OutletOpened
from shared.contracts.training import BatchOpened, CourseOpened
from shared.envelope import Event
from shared.metrics import Metrics
from shared.topology import Topic
from tests.desk import rule_of
from tests.metrics.reading import read as read_figures
from tests.partners import public_topics as told
from tests.partners.agency_topics import an_agency, settings_of, writer_of, writing
from tests.partners.bureau import Bureau
from tests.partners.public_topics import COURSE, read_public, until_public
from tests.partners.test_kafka import Dying, first_coming
from tests.partners.test_kafka_replay import write_config
from tests.personal import personal_in
from tests.stack.servers import Kafka

DOCUMENTED = re.compile(r"^kcat -F agency\.conf .*umkm\.public\.course.*$", re.MULTILINE)
LAG = "naikkelas_delivery_lag_events"


async def test_what_is_public_comes_in_its_public_form_to_who_has_no_agreement(bureau: Bureau, kafka: Kafka) -> None:
    story = bureau.story
    member = (await bureau.members(1))[0]
    course = told.course_opened(story)
    course_id = course.fact.aggregate_id
    batch = told.batch_opened(story, course_id)
    fair, outlet = (
        told.exhibition_with_outcome(story),
        told.outlet_with_member(story, member.owner_id, member.business_id),
    )
    await bureau.hear(
        course, batch, told.enrolled(story, member.owner_id, member.business_id, course_id), *fair, *outlet
    )
    with an_agency(kafka) as (_, access):
        async with writing(writer_of(kafka, bureau.pool)):
            for stream in PUBLIC_STREAMS:
                await until_public(bureau, stream)
        found, messages = await read_public(kafka, access, [course_id])
        assert [(event.get_type(), event.get_id(), event.get_extension("sequence")) for event in found] == [
            (CourseOpened.type_name(), str(course.meta.id), "1"),
            (BatchOpened.type_name(), str(batch.meta.id), "2"),
        ]
        assert found[0].get_data() == json.loads(course.fact.model_dump_json())
        assert found[1].get_data()["place"] == "Aula DKUMKMP, hubungi [telepon] atau [surel], NIK [nik]"
        for topic, subject, kind in (
            ("umkm.public.exhibition", fair[0].fact.aggregate_id, ExhibitionOpened),
            ("umkm.public.outlet", outlet[0].fact.aggregate_id, OutletOpened),
        ):
            events, records = await read_public(kafka, access, [subject], topic)
            assert [event.get_type() for event in events] == [kind.type_name()]
            messages += records
        assert [personal_in(message.value() or b"", message.headers() or []) for message in messages] == [[]] * 4
        everything = b"".join(message.value() or b"" for message in messages)
        assert str(member.owner_id).encode() not in everything
        assert str(member.business_id).encode() not in everything
    assert await bureau.pool.fetchval("SELECT count(*) FROM disclosure") == 0


async def test_kcat_reads_it_by_the_line_of_the_documentation(bureau: Bureau, kafka: Kafka, tmp_path: Path) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs kcat")
    course = told.course_opened(bureau.story)
    await bureau.hear(course)
    async with writing(writer_of(kafka, bureau.pool)):
        await until_public(bureau)
    line = DOCUMENTED.search((ROOT / "docs/agencies.md").read_text(encoding="utf-8"))
    assert line is not None
    with an_agency(kafka) as (code, access):
        write_config(kafka, access, tmp_path)
        done = await asyncio.to_thread(
            subprocess.run,
            ["sh", "-c", f"{line[0].replace('dpmptsp', code)} -e"],
            cwd=tmp_path,
            env=os.environ | newer_librdkafka(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    (found,) = (text for text in done.stdout.splitlines() if str(course.fact.aggregate_id) in text)
    assert f"ce_id={course.meta.id}" in found


async def test_aiokafka_reads_it_in_a_group_of_the_agency(bureau: Bureau, kafka: Kafka) -> None:
    course = told.course_opened(bureau.story)
    await bureau.hear(course)
    with an_agency(kafka) as (_, access):
        async with writing(writer_of(kafka, bureau.pool)):
            await until_public(bureau)
        reader = AIOKafkaConsumer(
            COURSE,
            **settings_of(kafka, access).client(),
            group_id=f"{access.group_prefix}aiokafka",
            auto_offset_reset="earliest",
        )
        await reader.start()
        try:
            async with asyncio.timeout(30):
                while (record := await reader.getone()).key != course.meta.subject.encode():
                    pass
        finally:
            await reader.stop()
    assert orjson.loads(record.value)["title"] == "Pemasaran Digital"


async def test_what_dies_after_publishing_publishes_again_with_the_same_ids(bureau: Bureau, kafka: Kafka) -> None:
    courses = [told.course_opened(bureau.story) for _ in range(4)]
    events = list(courses)
    publisher = Dying(kafka.credentials("partners"), "dying-public")
    async with writing(writer_of(kafka, bureau.pool, publisher)):
        await bureau.hear(*courses)
        for quota in range(2, 6):
            changed = [told.quota_changed(bureau.story, course.fact.aggregate_id, quota) for course in courses]
            events += changed
            await bureau.hear(*changed)
            await until_public(bureau)
    with an_agency(kafka) as (_, access):
        found, _ = await read_public(kafka, access, [course.fact.aggregate_id for course in courses])
    assert publisher.died > 1
    assert len(found) > len(events)
    assert first_coming(found) == {course.meta.subject: list(range(1, 6)) for course in courses}
    assert {event.get_id() for event in found} == {str(event.meta.id) for event in events}


async def test_a_worker_killed_in_the_middle_loses_nothing_and_keeps_order_and_ids(
    bureau: Bureau, kafka: Kafka
) -> None:
    courses = [told.course_opened(bureau.story) for _ in range(10)]
    subjects = [course.fact.aggregate_id for course in courses]
    events = courses + [told.quota_changed(bureau.story, subject, n) for n in range(2, 302) for subject in subjects]
    await bureau.hear(*events)
    config, known = kafka.credentials("partners"), "SELECT position FROM kafka_position WHERE agency = '*'"
    given = {"BOOTSTRAP": config.bootstrap, "USERNAME": config.username, "PASSWORD": config.password}
    given |= {"PROTOCOL": config.security_protocol}
    env = os.environ | {f"WRITER_{name}": value for name, value in given.items()}
    killed_at = []
    for least in (0, 500, 1_000):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.partners.writing_process", bureau.database.dsn, cwd=ROOT, env=env
        )
        try:
            async with asyncio.timeout(60):
                while (await bureau.pool.fetchval(known) or 0) <= least:
                    assert process.returncode is None
                    await asyncio.sleep(0.002)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()
        killed_at.append(await bureau.pool.fetchval(known))
    assert killed_at == sorted(killed_at)
    async with writing(writer_of(kafka, bureau.pool)):
        await until_public(bureau)
    with an_agency(kafka) as (_, access):
        found, _ = await read_public(kafka, access, subjects)
    assert first_coming(found) == {str(subject): list(range(1, 302)) for subject in subjects}
    assert {event.get_id() for event in found} == {str(event.meta.id) for event in events}


async def test_a_public_topic_that_falls_behind_the_retention_stops_until_the_operator_says_go_on(
    bureau: Bureau, kafka: Kafka
) -> None:
    first, lost, last = (told.course_opened(bureau.story) for _ in range(3))
    await bureau.hear(first)
    async with writing(writer_of(kafka, bureau.pool)):
        await until_public(bureau)
    await bureau.hear(lost)
    later = datetime.now(UTC) + timedelta(seconds=1)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    await bureau.hear(last)
    async with writing(writer_of(kafka, bureau.pool)):
        async with asyncio.timeout(20):
            while (lane := await public_lane(bureau))["state"] != "berhenti":
                await asyncio.sleep(0.05)
        assert (lane["agency"], lane["reason"], lane["position"]) == ("*", "riwayat_dihapus", 1)
        taken = find(await audited(bureau, kafka, {"course": COURSE}), "taken")
        assert taken == ["1 public events were not published"]
        path = f"/lanes/{lane['id']}/resumption"
        assert (await bureau.agency().get("/lanes")).json()["items"] == []
        assert rule_of(await bureau.agency().post(path, {"skip_lost": True}, lane["version"]))[0] == 404
        refused = await bureau.operator().post(path, {}, lane["version"])
        assert rule_of(refused) == (410, "riwayat-jalur-dihapus")
        resumed = await bureau.operator().post(path, {"skip_lost": True}, lane["version"])
        assert resumed.status_code == 200
        await until_public(bureau)
    with an_agency(kafka) as (_, access):
        subjects = [event.fact.aggregate_id for event in (first, lost, last)]
        found, _ = await read_public(kafka, access, subjects)
    assert [event.get_id() for event in found] == [str(first.meta.id), str(last.meta.id)]


async def public_lane(bureau: Bureau, stream: str = "course") -> dict[str, Any]:
    """Return the lane into a public topic as the operator is shown it."""
    items = (await bureau.operator().get("/lanes?agency=*")).raise_for_status().json()["items"]
    return next((item for item in items if item["stream"] == stream), {"state": None})


async def audited(bureau: Bureau, kafka: Kafka, streams: Mapping[str, str]) -> Report:
    """Return what the audit finds in public topics."""
    report = Report()
    connection = await asyncpg.connect(bureau.database.audit_dsn)
    try:
        await compare_public(report, connection, kafka.credentials(), streams)
    finally:
        await connection.close()
    return report


def find(report: Report, kind: str) -> list[str]:
    """Return the beginnings of the details of findings of a kind."""
    return [item.detail.partition(" while")[0] for item in report.findings if item.kind == kind]


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
            await until_public(self.bureau)

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
    await until_public(bureau)
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
