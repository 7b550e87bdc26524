"""What is public on real servers and processes: planned by the trainings, read by an agency that has a user and no agreement."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from ops.audit.audit import audit
from ops.kafka_admin.agencies import Access
from ops.stack import Stack
from shared.contracts.training import BatchOpened, CourseOpened
from tests.partners.public_topics import COURSE, TYPED, read_public
from tests.partners.test_end_to_end import WAIT_SECONDS, asked
from tests.partners.test_kafka import first_coming
from tests.personal import personal_in
from tests.stack.servers import Kafka
from tests.training.test_api import batch_form, course_form
from tests.training.test_end_to_end import Client

PROCESSES = ["training-api", "training-relay", "partners-worker"]
BATCHES = 20


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """Kafka, PostgreSQL, the trainings and what writes the topics, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-public-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.start_servers(owned=True)
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_planned_there_public_here_and_nothing_lost_when_the_worker_is_killed(stack: Stack) -> None:
    told = asked(stack, "agency", "create-user", "tanpa-perjanjian")
    access = Access(told["user"], told["kcat"]["sasl.password"], told["topic"], "tanpa-perjanjian.")
    with Client(stack, "training", "petugas-a") as training:
        programme = training.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})["id"]
        course = training.new("/courses", course_form(programme))["id"]
        for number in range(BATCHES):
            if number == BATCHES // 2:
                stack.kill("partners-worker")
            training.new(f"/courses/{course}/batches", batch_form(place=TYPED))
    stack.start("partners-worker")
    databases = {service: stack.dsn(service, "audit") for service in ("training", "partners")}
    report = await audit(databases, stack.credentials("operator"), WAIT_SECONDS, lambda *_: None)
    assert (report.ok, report.findings) == (True, [])
    state = report.public[COURSE]
    assert (state.delivered + state.waiting, state.reason) in {(BATCHES + 1, None), (BATCHES + 1, "under way")}
    while state.waiting:
        state = (await audit(databases, stack.credentials("operator"), 0, lambda *_: None)).public[COURSE]
    found, records = await read_public(Kafka(stack), access, [UUID(course)])
    assert first_coming(found) == {course: list(range(1, BATCHES + 2))}
    assert {event.get_type() for event in found} == {CourseOpened.type_name(), BatchOpened.type_name()}
    assert found[0].get_data()["title"] == course_form(programme)["title"]
    assert not [found for item in records for found in personal_in(item.value() or b"", item.headers() or [])]
    assert (report.agencies["tanpa-perjanjian"].agreement, report.agencies["tanpa-perjanjian"].ways) == (None, [])
    logs = "".join(path.read_text(errors="replace") for path in stack.home.logs.glob("partners-*.log"))
    assert "process_failed" not in logs
    assert "topic_missing" not in logs
