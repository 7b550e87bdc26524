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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from ops.audit.report import Report
from ops.demo.examples import newer_librdkafka
from ops.stack.services import ROOT
from services.partners.domain.public import PUBLIC_STREAMS
from services.partners.handlers.ticking import Ticker
from shared.contracts.exhibitions import ExhibitionOpened, OutletOpened
from shared.contracts.training import BatchOpened, CourseOpened
from tests.desk import rule_of
from tests.partners import public_topics as told
from tests.partners.agency_topics import an_agency, settings_of, writer_of, writing
from tests.partners.bureau import Bureau
from tests.partners.public_topics import COURSE, read_public, until_public
from tests.partners.test_kafka import Dying, first_coming
from tests.partners.test_kafka_replay import write_config
from tests.partners.test_public_audit import audited
from tests.personal import personal_in
from tests.stack.servers import Kafka

DOCUMENTED = re.compile(r"^kcat -F agency\.conf .*umkm\.public\.course.*$", re.MULTILINE)


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
    assert killed_at[0] < len(events), "it was killed in the middle"
    async with writing(writer_of(kafka, bureau.pool), writer_of(kafka, bureau.pool)):
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
        report = await audited(bureau, kafka, {"course": COURSE})
        assert report.public[COURSE].reason == "stopped: riwayat_dihapus"
        assert find(report, "taken") == ["1 public events were not published"]
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


def find(report: Report, kind: str) -> list[str]:
    """Return the beginnings of the details of findings of a kind."""
    return [item.detail.partition(" while")[0] for item in report.findings if item.kind == kind]
