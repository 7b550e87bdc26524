"""``naikkelas top``: rates of two looks, the outbox and the parked once whatever number of copies tells them, a running stack."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest
from confluent_kafka import Producer

from ops.kafka_admin.client import client_config
from ops.stack import Stack
from ops.top.showing import tables
from shared.auth import Role
from shared.metrics import catalogue
from shared.metrics.exposition import Sample
from shared.metrics.glancing import ConsumerRow, Glance, ServiceRow, Told, make_view
from tests.stack.commanding import naikkelas_here


def sample(metric: str, value: float, **labels: str) -> Sample:
    """Return a figure."""
    return Sample(metric, tuple(labels.items()), value)


def relay(published: float, cpu: float) -> Told:
    """Return a relay that has published so much, of two types."""
    name = catalogue.PUBLISHED.name
    types = (sample(name, published - 10, type="a"), sample(name, 10, type="b"))
    return Told("registry-relay", True, (*types, sample(catalogue.CPU_SECONDS.name, cpu)))


def test_a_rate_is_what_was_added_between_two_looks_per_second() -> None:
    before, now = Glance(100.0, (relay(50, 1.0),), {}), Glance(104.0, (relay(250, 3.0),), {})
    [row] = make_view(now, before).processes
    assert row.rates == {"published": 50.0, "consumed": 0.0, "requests": 0.0, "messages": 0.0}
    assert (row.cpu_percent, row.state) == (50.0, "ready")


@pytest.mark.parametrize(
    "before",
    [
        None,
        Glance(100.0, (), {}),
        Glance(100.0, (Told("registry-relay", False),), {}),
        Glance(100.0, (relay(900, 9),), {}),
    ],
    ids=["no earlier look", "it was not there", "it did not answer", "it began anew"],
)
def test_without_a_look_to_compare_with_there_is_no_rate(before: Glance | None) -> None:
    [row] = make_view(Glance(104.0, (relay(250, 3.0),), {}), before).processes
    assert row.rates["published"] is None


def test_copies_that_tell_the_same_are_not_added_up() -> None:
    outbox = (sample(catalogue.OUTBOX_DEPTH.name, 7), sample(catalogue.OUTBOX_AGE.name, 12.5))
    parked = (sample(catalogue.PARKED.name, 3, consumer="projections", kind="poison"),)
    told = tuple(Told(f"registry-api{n}", True, outbox) for n in ("", "-2"))
    told += tuple(Told(f"projections-worker{n}", True, parked) for n in ("", "-2"))
    view = make_view(Glance(1.0, told, {"projections": 40, "training": 0}))
    assert view.services == [ServiceRow("registry", 7, 12.5)]
    assert view.consumers == [ConsumerRow("projections", 40, {"poison": 3}), ConsumerRow("training", 0)]


def test_who_does_not_answer_is_shown_as_such() -> None:
    view = make_view(Glance(2.0, (Told("registry-api", False),), None), Glance(1.0, (), None))
    [(_, _, [row]), _, _] = tables(view)
    assert row == ("registry-api", "no answer", *["-"] * 7)


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """A stack with two APIs, one relay and one worker."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-top-"))
    stack = Stack(home, environment={"NAIKKELAS_PORTS": "any", **os.environ})
    try:
        stack.up(["registry-api", "registry-relay", "projections-worker", "projections-api"], owned=True)
        yield stack
    finally:
        stack.down(wipe=True)
        shutil.rmtree(home, ignore_errors=True)


OUTBOX = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data)
SELECT 'umkm.brand', gen_random_uuid(), gen_random_uuid(), 'x', 'x', 1, now(), 'x', '{}' FROM generate_series(1, 7)
"""
PARKED = """
INSERT INTO parked_event (consumer, topic, partition, "offset", kind, reason, headers)
SELECT 'projections', 'umkm.brand', 0, n + 1000000, 'unreadable', 'no address', '[]' FROM generate_series(1, 3) AS n
"""


async def check_page_of_operations(running: Stack, ask: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Let there be figures other than 0, and compare what the page tells of them with what the terminal does."""
    running.kill("registry-relay")
    for database, statement in (("registry", OUTBOX), ("projections", PARKED)):
        connection = await asyncpg.connect(running.dsn(database, database))
        await connection.execute(statement)
        await connection.close()
    owner = await asyncpg.connect(running.dsn("projections", "projections_migrate"))
    token = running.token([Role.OPERATOR])
    client = httpx2.AsyncClient(base_url=running.api_url("projections"), headers={"Authorization": f"Bearer {token}"})
    async with client, owner.transaction():
        # The worker cannot settle what it reads until this transaction ends.
        await owner.execute("LOCK TABLE stream_position IN ACCESS EXCLUSIVE MODE")
        producer = Producer(client_config(running.credentials("operator")))
        for _ in range(4):
            producer.produce("umkm.brand", b"?")
        assert producer.flush(15) == 0
        top = json.loads((await asyncio.to_thread(ask, [sys.executable, "-m", "ops", "top", "--json"])).stdout)
        figures = (await client.get("/operations")).json()
        page = (await client.get("/operasi/")).text
    await owner.close()
    assert figures["services"][0]["outbox"] == top["services"][0]["outbox"] == 7
    told = [
        next(row for row in rows if row["consumer"] == "projections")
        for rows in (figures["consumers"], top["consumers"])
    ]
    assert (
        told[0]
        == told[1]
        == {
            "consumer": "projections",
            "lag": 4,
            "parked": {"poison": 0, "gap": 0, "behind": 0, "unreadable": 3},
        }
    )
    states = {row["name"]: row["state"] for row in figures["processes"]}
    # The notifications have a port only, which the mailbox was told of.
    silent = dict.fromkeys(("registry-relay", "notifications-api"), "no answer")
    assert states == {row["name"]: row["state"] for row in top["processes"]} | silent
    assert '<tr data-outbox="registry"><th scope="row">registry</th><td>7</td>' in page
    assert '<tr data-consumer="projections"><th scope="row">projections</th><td>4</td><td>3</td></tr>' in page


@pytest.mark.timeout(240)
@pytest.mark.slow
async def test_a_running_stack_is_seen_whole_and_the_page_tells_the_same(running: Stack) -> None:
    env = os.environ | {"NAIKKELAS_HOME": str(running.home.path)}
    ask = partial(subprocess.run, env=env, capture_output=True, text=True, check=False, timeout=90)
    done = ask([sys.executable, "-m", "ops", "top", "--json"])
    assert done.returncode == 0, done.stderr
    view = json.loads(done.stdout)
    rows = {row["name"]: row for row in view["processes"]}
    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(
        ("registry-api", "registry-relay", "projections-worker", "projections-api"), "ready"
    )
    assert all(row["memory_mb"] > 20 and row["rates"]["published"] == 0 for row in rows.values())
    assert rows["registry-api"]["rates"]["requests"] > 0
    assert view["services"] == [{"service": "registry", "outbox": 0, "oldest_seconds": 0}]
    consumers = {row["consumer"]: row for row in view["consumers"]}
    assert consumers["projections"]["parked"] == {"poison": 0, "gap": 0, "behind": 0, "unreadable": 0}
    assert consumers["projections"]["lag"] == consumers["training"]["lag"] == 0
    shown = ask([sys.executable, "-m", "ops", "top", "--once"])
    assert shown.returncode == 0, shown.stderr
    assert [line for line in shown.stdout.splitlines() if " " not in line] == ["processes", "outboxes", "consumers"]
    await check_page_of_operations(running, ask)


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_the_doctor_sees_of_a_running_stack_what_runs_and_what_was_never_migrated(running: Stack) -> None:
    done = naikkelas_here("doctor", "--json", home=running.home.path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["worst"]) == (1, "fail")
    by_level: dict[str, list[str]] = {"ok": [], "warn": [], "fail": []}
    for finding in told["findings"]:
        by_level[finding["level"]].append(f"{finding['area']}: {finding['what']}")
    behind = ("training", "events", "notifications", "partners")
    # The other test of this stack may have parked something.
    unmigrated = [what.partition(":")[0] for what in by_level["fail"] if "migrations did not run" in what]
    assert unmigrated == list(behind)
    fine = "\n".join(by_level["ok"])
    for part in (
        "settings: ",
        "postgresql: PostgreSQL 18",
        "kafka: Kafka 4",
        "kafka: Topics, users and rights",
        "disk: ",
    ):
        assert part in fine
    assert "registry: All " in fine
    assert "projections: projections reads, 0 events behind." in fine
    assert "keys: The public keys of who signs tokens are at hand." in fine
    assert re.search(
        r"processes: [34] of ", fine
    )  # the other test of this stack fills the outbox with what no relay can publish
    absent = next(what for what in by_level["warn"] if what.startswith("processes: Not started here"))
    assert "training-api" in absent
    assert "registry-api" not in absent
