"""The programs of ``examples/agency``, run as they stand there, read what real services, a real Kafka and real clients bring them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from ops.demo.bureau import GRANTS, Bureau, granted_of_case, make_example, published
from ops.demo.examples import (
    FOLDER,
    READERS,
    RECEIVERS,
    Access,
    Example,
    Seen,
    node_receiver,
    python_receiver,
    read_json_lines,
    read_pages,
)
from ops.demo.office import Office
from ops.stack import Stack
from ops.stack.processes import accepts, free_port, send, start, tail, wait_until
from ops.stack.services import ROOT
from shared.contracts.registry import BUSINESS_TOPIC, BusinessVerified

PROCESSES = ["registry-api", "registry-relay", "partners-api", "partners-relay", "partners-worker"]
WAIT_SECONDS = 60.0
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
SECRET_PASTED = f"  {SECRET}\n"


@dataclass
class City:
    """Registry and partner service as processes, and who gives commands."""

    stack: Stack
    bureau: Bureau
    office: Office
    cases: int = 0
    beside: int = 0
    """Granted events that the walk of the documents made, of no case."""

    def work(self, cases: int) -> None:
        """Give the commands of some cases."""
        for _ in range(cases):
            self.cases += 1
            self.office.case(self.cases)

    def granted(self) -> list[tuple[str, str, int]]:
        """Return what Kafka holds of what the agreements grant, as soon as all of it is there."""
        wanted = self.beside + sum(map(granted_of_case, range(1, self.cases + 1)))
        found: list[tuple[str, str, int]] = []

        def all_there() -> bool:
            found[:] = asyncio.run(published(self.stack.credentials("operator"), BUSINESS_TOPIC, list(GRANTS)))
            return len(found) >= wanted

        assert wait_until(all_there, WAIT_SECONDS)
        assert len(found) == wanted
        return found


@pytest.fixture(scope="module")
def city(given_servers: dict[str, str]) -> Iterator[City]:
    """Kafka, PostgreSQL, registry and the partner service, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-examples-"))
    stack = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        stack.start_servers(owned=True)
        stack.start_services(PROCESSES)
        bureau, office = Bureau(stack), Office(stack, ["registry"])
        yield City(stack, bureau, office)
        bureau.close()
        office.close()
    finally:
        stack.down(wipe=True)


def made(name: str, city: City, folder: Path, agency: str) -> Example:
    """Return an example, ready to start; skip where this machine lacks what it needs."""
    found = make_example(name, city.stack, city.bureau, Access(agency, folder), lambda _: None)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@contextmanager
def running(example: Example) -> Iterator[Example]:
    """Run an example meanwhile."""
    example.start()
    try:
        yield example
    finally:
        example.stop()


def keyed(seen: Sequence[Seen]) -> list[tuple[str, str, int]]:
    """Return what identifies each event."""
    return [(item.id, item.subject, item.sequence) for item in seen]


def until_kept(example: Example, wanted: Sequence[tuple[str, str, int]]) -> list[Seen]:
    """Wait until an example has all that is wanted, and return what it has."""
    came = wait_until(lambda: set(keyed(example.seen())) >= set(wanted), WAIT_SECONDS)
    seen = example.seen()
    assert came, f"{len(seen)} of {len(wanted)} came; it said: {example.said()}"
    return seen


def check(seen: Sequence[Seen], wanted: Sequence[tuple[str, str, int]]) -> None:
    """Everything that is granted once, in the order of each subject, and nothing else."""
    assert sorted(keyed(seen)) == sorted(wanted)
    last: dict[str, int] = {}
    for item in seen:
        assert item.sequence > last.get(item.subject, 0)
        last[item.subject] = item.sequence
        assert set(item.data) == set(GRANTS[item.type])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*RECEIVERS, *READERS])
def test_an_example_has_each_granted_event_once_and_in_order_though_it_is_killed(
    city: City, tmp_path: Path, name: str
) -> None:
    agency = f"contoh-{uuid4().hex[:8]}"
    city.bureau.agree(agency, GRANTS)
    example = made(name, city, tmp_path, agency)
    city.work(3)
    with running(example):
        until_kept(example, city.granted())
        example.stop(SIGKILL)
        city.work(3)
        assert not example.alive
        example.start()
        wanted = city.granted()
        check(until_kept(example, wanted), wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_feed_that_is_read_once_ends_and_a_suspension_ends_it_with_the_reason(city: City, tmp_path: Path) -> None:
    agency = f"contoh-{uuid4().hex[:8]}"
    agreement = city.bureau.agree(agency, GRANTS)
    example = made("feed-curl", city, tmp_path, agency)
    city.work(1)
    env = {**os.environ, **example.env, "KEEP_IN": str(example.kept)}

    def read_once() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*example.command, "--once"], env=env, capture_output=True, text=True, check=False, timeout=60
        )

    wanted = city.granted()
    assert wait_until(lambda: read_once().returncode == 0 and len(example.seen()) >= len(wanted), WAIT_SECONDS)
    assert sorted(keyed(example.seen())) == sorted(wanted)
    city.bureau.suspend(agreement)
    assert wait_until(lambda: (refused := read_once()).returncode == 1 and "tanpa-perjanjian" in refused.stderr, 5.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_walk_of_the_documents_brings_the_first_event_by_each_way(city: City, tmp_path: Path) -> None:
    agency, port, folder = f"contoh-{uuid4().hex[:8]}", str(free_port(0)), tmp_path / "agency"
    shutil.copytree(
        FOLDER,
        folder,
        ignore=shutil.ignore_patterns("node_modules", "packages", "newer", "*.conf", "*.jsonl", "*.tsv", "feed-*"),
    )
    if missing := [name for name in ("curl", "jq", "uuidgen") if shutil.which(name) is None]:
        pytest.skip(f"needs {' and '.join(missing)}")
    env = {name: value for name, value in os.environ.items() if name not in {"PORT", "KEEP_IN", "CONF"}} | {
        "NAIKKELAS_HOME": str(city.stack.home.path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = "set -euo pipefail\n" + walk().replace("dpmptsp", agency).replace("8787", port) + "wait\n"
    typed = start(["bash", "-c", words], log=tmp_path / "said.log", env=env, cwd=folder)
    kept = [folder / "webhook-python.jsonl", folder / "kafka-python.jsonl"]
    try:
        wait_until(lambda: not typed.alive or all(map(has_something, kept)), 5 * WAIT_SECONDS)
    finally:
        send(typed, SIGKILL)
        wait_until(lambda: not typed.alive, WAIT_SECONDS)
        city.beside += 1
    assert all(map(has_something, kept)), tail(tmp_path / "said.log")
    ids = [
        {item.id for item in read(folder / name)}
        for read, name in (
            (read_pages, "feed-business"),
            (read_json_lines, "webhook-python.jsonl"),
            (read_json_lines, "kafka-python.jsonl"),
        )
    ]
    assert all(ids)
    assert ids[0] & ids[1] & ids[2]
    versions = []
    for told in (["--yes"], []):
        command = [sys.executable, "-m", "ops", "agency", "refill", agency, "--stream", "business", "--json", *told]
        found = json.loads(subprocess.run(command, env=env, capture_output=True, check=True, timeout=60).stdout)
        assert found["refilled"] == bool(told)
        versions += [lane["version"] for lane in found["lanes"]]
    assert versions == [1, 2]  # the second shows what the first has done


def has_something(path: Path) -> bool:
    """Tell whether a file holds a line."""
    return path.exists() and b"\n" in path.read_bytes()


def walk() -> str:
    """Return what the walk tells to type, but for what a test has already: a stack, packages."""
    text = (ROOT / "docs" / "agencies.md").read_text(encoding="utf-8")
    [part] = re.findall(r"^## From an agreement to the first event\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    typed = "".join(re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL))
    there = ("export PATH=", "naikkelas up", "cd ", "python3 -m venv")
    return "".join(line for line in typed.splitlines(keepends=True) if not line.startswith(there))


# -- the receivers alone ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=[python_receiver, node_receiver])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    """A receiver that listens."""
    access = Access("contoh", tmp_path, secret=SECRET_PASTED, port=free_port(0))
    found = request.param(access, lambda _: None)
    if isinstance(found, str):
        pytest.skip(found)
    with running(found) as example:
        assert wait_until(lambda: accepts(access.port), WAIT_SECONDS), example.said()
        yield example


def event_of(number: int) -> bytes:
    """Return an event as it is posted."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/registry",
        "type": BusinessVerified.type_name(),
        "subject": "0197e5a2-0000-7000-8000-000000000001",
        "time": "2026-11-27T01:02:03.456Z",
        "datacontenttype": "application/json",
        "sequence": str(number),
        "data": {"business_id": "0197e5a2-0000-7000-8000-000000000001", "name": "Kopi “Tiga Roda” ☕"},
    }
    return json.dumps(event, ensure_ascii=False).encode()


def post(receiver: Example, body: bytes, *, secret: str = SECRET, sent: bytes | None = None, ago: float = 0.0) -> int:
    """Post a body, signed as the official library signs, and return the status of the answer."""
    now = datetime.fromtimestamp(datetime.now(UTC).timestamp() - ago, UTC)
    message_id = json.loads(body)["id"]
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }
    return httpx2.post(f"http://127.0.0.1:{receiver.env['PORT']}/", content=sent or body, headers=headers).status_code


def test_a_receiver_keeps_an_event_once_and_says_so_each_time(receiver: Example) -> None:
    first, second = event_of(1), event_of(2)
    assert [post(receiver, body) for body in (first, first, second, first)] == [204] * 4
    seen = receiver.seen()
    assert [item.id for item in seen] == [json.loads(body)["id"] for body in (first, second)]
    assert seen[0].data == json.loads(first)["data"]


@pytest.mark.security(line="S7")
def test_a_receiver_refuses_what_was_not_signed_so_now_with_its_secret(receiver: Example) -> None:
    body = event_of(1)
    assert post(receiver, body, secret="whsec_" + "QUJD" * 8) == 401
    assert post(receiver, body, sent=body.replace(b"Tiga", b"Lima")) == 401
    assert post(receiver, body, ago=400) == 401
    assert httpx2.post(f"http://127.0.0.1:{receiver.env['PORT']}/", content=body).status_code == 401
    assert receiver.seen() == []
    assert post(receiver, body) == 204


def test_a_receiver_that_died_in_the_middle_of_a_line_takes_that_event_again(receiver: Example) -> None:
    first, second = event_of(1), event_of(2)
    assert [post(receiver, body) for body in (first, second)] == [204, 204]
    receiver.stop(SIGKILL)
    receiver.kept.write_bytes(receiver.kept.read_bytes()[:-20])
    receiver.start()
    assert wait_until(lambda: accepts(int(receiver.env["PORT"])), WAIT_SECONDS)
    assert [post(receiver, body) for body in (first, second)] == [204, 204]
    assert [item.sequence for item in receiver.seen()] == [1, 2]


def test_the_examples_ask_for_the_packages_that_the_tests_judge_them_with() -> None:
    asked = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "-r", FOLDER / "requirements.txt"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(name in asked for name in ("standardwebhooks", "cloudevents", "confluent-kafka"))
