"""Audits of a part, and audits that continue: what each finds, what it does not, and when it reads all again or refuses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ops.audit import RefusedError, wait_until_quiet
from ops.audit.checkpoint import Place
from ops.audit.log import read_log
from ops.audit.reading import connect, read_positions
from ops.audit.settling import CAME, SETTLING_SECONDS, Afresh
from ops.stack import Stack
from ops.stack.services import ROOT
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from tests.stack.audited import WAIT_SECONDS, Platform, busy, forget, grow, make_anew, named
from tests.stack.commanding import naikkelas_here

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FOLLOWERS = ["training", "events", "projections", "notifications", "partners"]
WORKERS = [f"{service}-worker" for service in FOLLOWERS]
AUDITING = sys.modules["ops.audit.audit"]
"""The module; the package has a function of that name."""
Fault = Callable[[Platform, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def platform(given_servers: dict[str, str]) -> Iterator[Platform]:
    """Every consumer and the registry, each as its own process; one business is there."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-audited-"))
    stack = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        stack.start_servers(owned=True)
        stack.start_mailbox()
        stack.start_services(["registry-api", "registry-relay", *WORKERS])
        made = Platform(stack)
        made.applied()
        yield made
    finally:
        stack.down(wipe=True)


@pytest.fixture
def old(platform: Platform) -> str:
    """A business that an audit has proved."""
    return platform.applied()


async def test_only_what_came_since_is_read_and_the_report_says_so(platform: Platform, old: str) -> None:
    whole = await platform.proved()
    assert (whole.left_out, whole.since) == ([], None)
    platform.register()
    report = await platform.since()
    assert (report.findings, report.fell_back, report.checkpoint) == ([], None, "kept")
    assert (report.events, report.aggregates) == (2, 2)
    assert report.since is not None
    assert (report.since["events"], report.since["aggregates"], report.since["links"]) == (
        whole.events,
        whole.aggregates,
        0,
    )
    assert [line.split(":")[0] for line in report.left_out][-1] == "agencies and public topics"
    assert f"{whole.events:,} events" in report.left_out[0]
    again = await platform.since()
    assert (again.ok, again.events, again.aggregates, again.fell_back) == (True, 0, 0, None)
    assert again.since is not None
    assert (again.since["events"], again.since["links"], again.since["whole_at"]) == (
        whole.events + 2,
        1,
        report.since["whole_at"],
    )
    assert (await platform.whole()).events == whole.events + 2


async def test_the_whole_reads_positions_only_where_they_do_not_add_up(
    platform: Platform, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[tuple[str, str]]()

    async def read(connection: Any, ids: Any, of: Any) -> Any:
        asked.extend(of)
        return await read_positions(connection, ids, of)

    monkeypatch.setattr(AUDITING, "read_positions", read)
    sound = await platform.proved()
    assert asked == []
    assert sound.consumers["training"].aggregates == sound.aggregates > 2
    moved = (
        "UPDATE stream_position SET position = position + $2 WHERE consumer = 'training' AND aggregate_id = $1::uuid"
    )
    platform.run("training", moved, old, 1)
    try:
        report = await platform.whole(wait=0.5)
    finally:
        platform.run("training", moved, old, -1)
    assert set(asked) == {("training", BUSINESS_TOPIC)}
    assert {("ahead", "training"), ("effect", "business_copy")} == named(report)
    assert {finding.aggregate_id for finding in report.findings} == {old}
    assert report.consumers["training"].aggregates == sound.consumers["training"].aggregates


async def test_effects_are_compared_with_the_positions_that_were_read_and_not_with_older_ones(
    platform: Platform, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker catches up after the databases have added up, and what it leaves then is gone: nobody may continue from that."""
    await platform.proved()
    platform.stack.stop("training-worker")
    shop = platform.register()[1]

    async def read_late(*order: Any, **said: Any) -> Any:
        log = await read_log(*order, **said)
        await looked.wait()
        await asyncio.to_thread(platform.stack.start, "training-worker")
        await asyncio.to_thread(platform.until_applied, shop)
        gone.enter_context(platform.away("training", "business_copy", "business_id", shop))
        return log

    async def look(*order: Any) -> Any:
        found = await look_at_services(*order)
        looked.set()
        return found

    looked, look_at_services = asyncio.Event(), AUDITING._look_at_services
    monkeypatch.setattr(AUDITING, "read_log", read_late)
    monkeypatch.setattr(AUDITING, "_look_at_services", look)
    with ExitStack() as gone:
        report = await platform.whole(wait=0)
    assert named(report) == {("effect", "business_copy")}
    assert {finding.aggregate_id for finding in report.findings} == {shop}
    assert report.checkpoint != "kept"


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (
            lambda p, shop: p.away("projections", "district_dashboard", "business_id", shop),
            {("effect", "district_dashboard")},
        ),
        (lambda p, shop: p.away("projections", "class_funnel", "business_id", shop), {("effect", "class_funnel")}),
        (lambda p, shop: p.away("training", "business_copy", "business_id", shop), {("effect", "business_copy")}),
        (lambda p, shop: p.away("training", "stream_position", "aggregate_id", shop), {("behind", "training")}),
        (lambda p, shop: p.raised("business", shop), {("lost", BUSINESS_TOPIC), ("behind", "projections")}),
    ],
    ids=["dashboard", "ledger", "copy", "position", "source"],
)
async def test_a_fault_in_what_came_since_is_named_without_reading_all(
    platform: Platform, fault: Fault, kinds: set[tuple[str, str]]
) -> None:
    await platform.proved()
    shop = platform.applied()
    with fault(platform, shop):
        report = await platform.since(wait=0)
    assert (report.ok, report.fell_back) == (False, None)
    assert kinds <= named(report)
    assert {finding.aggregate_id for finding in report.findings} == {shop}
    assert report.checkpoint is None
    mended = await platform.since()
    assert (mended.findings, mended.events) == ([], 2)


async def test_an_effect_of_before_is_not_looked_at_again_and_the_whole_names_it(platform: Platform, old: str) -> None:
    await platform.proved()
    with platform.away("projections", "district_dashboard", "business_id", old):
        report = await platform.since()
        assert (report.findings, report.fell_back) == ([], None)
        assert "their records, effects and messages were not read again" in " ".join(report.left_out)
        whole = await platform.whole()
    assert ("effect", "district_dashboard") in named(whole)
    assert whole.checkpoint == "not kept: it found faults, and the next one reads all again"
    further = await platform.since()
    assert (further.findings, further.left_out, further.checkpoint) == ([], [], "kept")
    assert (further.fell_back or "").startswith("the last audit of the whole, at ")


@pytest.mark.parametrize(
    ("fault", "why", "kind"),
    [
        (
            lambda p, shop: p.away("training", "stream_position", "aggregate_id", shop),
            "positions of training",
            "behind",
        ),
        (lambda p, shop: p.raised("business", shop), f"versions of {BUSINESS_TOPIC}", "lost"),
    ],
    ids=["position", "source"],
)
async def test_a_version_or_position_of_before_that_changed_has_all_of_it_read_again(
    platform: Platform, old: str, fault: Fault, why: str, kind: str
) -> None:
    await platform.proved()
    with fault(platform, old):
        report = await platform.since(wait=0)
    assert (report.fell_back or "").startswith(why)
    assert kind in {finding.kind for finding in report.findings if finding.aggregate_id == old}
    assert (report.left_out, report.since) == ([], None)


async def test_what_comes_while_it_reads_is_no_fault(platform: Platform, old: str) -> None:
    await platform.proved()
    with busy(platform):
        reports = [await platform.since(wait=SETTLING_SECONDS) for _ in range(2)]
        wholes = [await platform.whole(wait=SETTLING_SECONDS) for _ in range(2)]
    assert [report.findings for report in (*reports, *wholes)] == [[]] * 4
    assert [report.fell_back for report in reports] == [None] * 2
    assert sum(report.events for report in reports) > 0
    assert sum(report.under_way for report in (*reports, *wholes)) > 0
    kept = {report.checkpoint for report in (*reports, *wholes) if not report.under_way}
    assert kept <= {"kept"}
    assert {report.checkpoint for report in (*reports, *wholes) if report.under_way} == {CAME}
    report = await platform.since()
    assert (report.findings, report.fell_back, report.under_way, report.checkpoint) == ([], None, 0, "kept")
    await platform.proved()


Slow = tuple[Callable[[Afresh], Awaitable[set[str]]], list[tuple[str, AbstractContextManager[None]]]]


def unapplied(platform: Platform) -> Slow:
    """Return how positions are asked for, and what takes the position of each business away for a while."""
    shops = [platform.applied() for _ in range(4)]
    away = [(shop, platform.away("training", "stream_position", "aggregate_id", shop)) for shop in shops]
    wanted = dict.fromkeys(shops, 1)
    return lambda afresh: afresh.applied("training", "training", BUSINESS_TOPIC, wanted), away


def untold(platform: Platform) -> Slow:
    """Return how messages are asked for, and what hides those of each event for a while."""
    events = [platform.event_told(platform.register()[0]) for _ in range(4)]
    return lambda afresh: afresh.told("notifications", events), [(one, platform.untold(one)) for one in events]


@pytest.mark.parametrize("kind", [unapplied, untold])
async def test_what_comes_slowly_is_waited_for_and_what_stands_still_is_not(
    platform: Platform, old: str, kind: Callable[[Platform], Slow]
) -> None:
    """A machine that is full takes longer for all of it than a fault may take for the first of it."""
    patience, (ask, things) = 2.0, kind(platform)
    async with AsyncExitStack() as stack:
        connections = await connect(stack, platform.databases, ["training", "notifications"])
        with ExitStack() as all_of_them:
            away = [all_of_them.enter_context(ExitStack()) for _ in things]
            for (_, thing), one in zip(things, away, strict=True):
                one.enter_context(thing)
            assert await ask(Afresh(connections, patience)) == set()
            asked = asyncio.create_task(ask(Afresh(connections, patience)))
            for one in away:  # each comes within the patience, all together do not
                await asyncio.wait([asked], timeout=patience * 0.5)
                await asyncio.to_thread(one.close)
            assert await asked == {name for name, _ in things}


async def test_a_consumer_that_has_not_begun_is_not_at_rest(platform: Platform, old: str) -> None:
    move = "UPDATE stream_position SET consumer = $2 WHERE consumer = $1 AND topic = $3"
    assert await wait_until_quiet(platform.databases, 30)
    platform.run("training", move, "training", "training@away", BUSINESS_TOPIC)
    try:
        assert not await wait_until_quiet(platform.databases, 0.5)
    finally:
        platform.run("training", move, "training@away", "training", BUSINESS_TOPIC)
    assert await wait_until_quiet(platform.databases, 30)


async def test_a_rebuild_since_has_all_of_it_read_again(platform: Platform, old: str) -> None:
    await platform.proved()
    command = [str(Path(".venv/bin/python").absolute()), "-m", "services.projections", "rebuild", "class_history"]
    done = subprocess.run(command, env=platform.stack.env_for("projections-worker"), cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = await platform.since()
    assert (report.findings, report.fell_back, report.left_out) == ([], "a projection was rebuilt", [])


@pytest.mark.parametrize(
    ("fault", "why"),
    [(grow, "partitions"), (make_anew, "made anew"), (forget, "its oldest records were deleted")],
    ids=["grown", "anew", "retention"],
)
async def test_a_log_that_is_not_what_it_was_is_read_again_from_its_first_record(
    platform: Platform, fault: Callable[[Stack], None], why: str
) -> None:
    await platform.proved()
    fault(platform.stack)
    report = await platform.since()
    assert why in (report.fell_back or "")
    assert (report.findings, report.left_out, report.checkpoint) == ([], [], "kept")
    assert (await platform.since()).fell_back is None


async def test_a_record_in_the_place_of_another_is_noticed(platform: Platform, old: str) -> None:
    await platform.proved()
    checkpoint = await platform.checkpoint()
    places = [
        place if place.anchor is None else Place(place.start, place.end, "01900000-0000-7000-8000-00000000000a")
        for place in checkpoint.places[OWNER_TOPIC]
    ]
    await platform.keep(replace(checkpoint, places={**checkpoint.places, OWNER_TOPIC: places}))
    report = await platform.since()
    assert f"{OWNER_TOPIC} holds another record" in (report.fell_back or "")
    assert report.findings == []


async def test_without_a_checkpoint_all_is_read(platform: Platform) -> None:
    platform.run("projections", "DELETE FROM audit_checkpoint")
    report = await platform.since()
    assert (report.fell_back, report.left_out, report.checkpoint) == ("no audit has left a checkpoint yet", [], "kept")


def test_a_checkpoint_that_was_changed_is_refused(platform: Platform) -> None:
    home = platform.stack.home.path
    assert naikkelas_here("audit", "--json", home=home).returncode == 0
    body = bytearray(platform.ask("projections", "SELECT body FROM audit_checkpoint")[0][0])
    body[-1] ^= 1  # the version of one aggregate
    platform.run("projections", "UPDATE audit_checkpoint SET body = $1", bytes(body))
    for words in ((), ("--service", "training")):
        done = naikkelas_here("audit", "--incremental", "--json", *words, home=home)
        assert done.returncode == 2
        assert "audit_checkpoint" in json.loads(done.stdout)["error"]
    assert platform.ask("projections", "SELECT body FROM audit_checkpoint")[0][0] == bytes(body)


@pytest.mark.parametrize("of", ["Kafka", "PostgreSQL of events"])
async def test_a_checkpoint_of_another_cluster_is_refused(platform: Platform, of: str) -> None:
    await platform.proved()
    checkpoint = await platform.checkpoint()
    ground = checkpoint.ground
    other = (
        replace(ground, kafka="x") if of == "Kafka" else replace(ground, clusters={**ground.clusters, "events": "1"})
    )
    await platform.keep(replace(checkpoint, ground=other))
    with pytest.raises(RefusedError, match=f"of another cluster \\({of}\\)"):
        await platform.since()


async def test_a_service_alone_is_told_of_its_own_faults_only(platform: Platform, old: str) -> None:
    await wait_until_quiet(platform.databases, WAIT_SECONDS)
    audit = partial(platform.whole, wait=0.5)  # a fault that stays is not waited for long
    with platform.away("projections", "district_dashboard", "business_id", old):
        registry, training = await audit("registry"), await audit("training")
        own = await audit("projections", "training")
    assert (registry.findings, training.findings) == ([], [])
    assert ("effect", "district_dashboard") in named(own)
    assert {(finding.kind, finding.aggregate_id) for finding in own.findings} == {("effect", old)}
    with platform.raised("business", old):
        readers = await audit("training", "projections", "notifications", "events", "partners")
        owner = await audit("registry")
    assert readers.findings == []
    assert named(owner) == {("lost", BUSINESS_TOPIC)}
    with platform.away("training", "stream_position", "aggregate_id", old):
        assert {kind for kind, _ in named(await audit("training"))} >= {"behind"}
        assert (await audit("projections")).findings == []


async def test_a_part_says_what_it_left_out_and_leaves_no_checkpoint(platform: Platform, old: str) -> None:
    whole = await platform.proved()
    before = await platform.checkpoint()
    report = await platform.whole("registry")
    assert (report.ok, report.services, report.events, report.checkpoint) == (True, ["registry"], whole.events, None)
    assert [line.split(":")[0] for line in report.left_out] == FOLLOWERS
    assert list(report.consumers) == []
    platform.applied()
    part = await platform.since("projections")
    assert (part.findings, part.fell_back, part.checkpoint) == ([], None, None)
    assert part.consumers["projections"].aggregates == 1
    assert "Of projections: their versions and positions still come to the same" in " ".join(part.left_out)
    assert await platform.checkpoint() == before


def test_the_command_says_it_to_people_and_keeps_it_apart_from_the_whole(platform: Platform, old: str) -> None:
    def ask(*words: str) -> tuple[int, Any]:
        done = naikkelas_here("audit", "--by", "rina", *words, home=platform.stack.home.path)
        return done.returncode, done.stdout

    assert ask()[0] == 0
    code, said = ask("--service", "registry", "--service", "training")
    assert (code, "left out: projections: positions and effects" in said) == (0, True)
    assert said.rstrip().endswith("This was no audit of the whole.")
    code, said = ask("--incremental", "--json")
    told = json.loads(said)
    assert (code, told["ok"], told["events"], told["fell_back"]) == (0, True, 0, None)
    assert told["since"]["events"] > 0
    assert told["left_out"]
    code, said = ask("--service", "gudang", "--json")
    assert (code, "there is no such service" in json.loads(said)["error"]) == (2, True)
    runs = platform.ask("projections", "SELECT left_out FROM audit_run ORDER BY id DESC LIMIT 3")
    assert [bool(row[0]) for row in runs] == [True, True, False]
