"""Rebuilds beside live traffic: equal, swapped without an empty read, found out when tampered with, taken back."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import asyncpg
import pytest

from services.projections.commands import Projection, RebuildProjections
from services.projections.handlers.generations import look_at_generations
from services.projections.handlers.rebuilding import Rebuild, RebuildRefusedError
from services.projections.store.operations import begin_rebuild
from shared.consumer import discard, redrive_requested
from shared.database import Pool
from shared.trail import Deed, append, read_newest, verify
from shared.trail.keeping import NEWEST
from tests.projections.logs import MemoryLog
from tests.projections.rebuilds import BUSINESS, Bench
from tests.projections.stories import random_story
from tests.projections.test_batches import LIVE, SOUND, TABLES, effects, tables

PAUSE_SECONDS = 0.02
"""Between one story that is published and the next: who publishes as fast as he can leaves a rebuild a log without an end."""


async def test_a_rebuild_gives_the_same_rows_and_takes_their_place(bench: Bench) -> None:
    await bench.go_on()
    before = await tables(bench.auditor)
    result = await bench.rebuild()
    assert (result.equal, result.swapped, result.events) == (True, True, 100)
    assert {name: found["rows"] for name, found in result.comparisons.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert await tables(bench.auditor) == before
    assert await bench.states() == ["standby", "live"]
    assert await effects(bench.auditor) == SOUND


@pytest.mark.parametrize("again", [False, True], ids=["moved", "published again from the start"])
async def test_a_topic_that_grew_is_read_whole_and_each_fact_counts_once(bench: Bench, again: bool) -> None:
    story = [random_story(seed, 7) for seed in range(100, 130)]
    bench.log.publish(event for life in story for event in life[:4])
    bench.log.grow(4)
    bench.log.publish(event for life in story for event in life[0 if again else 4 :])
    await bench.go_on()
    before = await tables(bench.auditor)
    result = await bench.rebuild()
    assert (result.equal, result.swapped, result.events) == (True, True, 100 + 30 * 7)
    assert await tables(bench.auditor) == before
    assert await effects(bench.auditor) == SOUND
    assert await bench.owner.fetchval("SELECT count(*) FROM parked_event") == 0


@pytest.mark.parametrize("seed", range(8))
async def test_facts_that_stand_in_the_log_twice_and_in_disorder_count_once(bench: Bench, seed: int) -> None:
    rng = Random(seed)
    story = [random_story(seed * 1_000 + number, 6) for number in range(200, 212)]
    for life in story:
        wire = [each for each in life for _ in range(rng.choice((1, 1, 2, 3)))]
        for _ in range(rng.randrange(4)):
            spot = rng.randrange(len(wire) - 1)
            wire[spot], wire[spot + 1] = wire[spot + 1], wire[spot]
        bench.log.publish(wire)
    await bench.go_on()
    before = await tables(bench.auditor)
    result = await bench.rebuild()
    assert (result.equal, result.swapped, result.events) == (True, True, 100 + 12 * 6)
    assert await tables(bench.auditor) == before
    assert await effects(bench.auditor) == SOUND


async def test_the_new_generation_has_the_indexes_and_rights_of_the_old(bench: Bench) -> None:
    await bench.go_on()
    shape = (
        "SELECT tablename, regexp_replace(indexdef, '(INDEX )\\S+( ON)', '\\1\\2') AS def FROM pg_indexes "
        "WHERE tablename = ANY ($1) ORDER BY 1, 2"
    )
    rights = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'projections' AND table_name = ANY ($1) ORDER BY 1, 2"
    )
    before = [await bench.auditor.fetch(query, list(TABLES)) for query in (shape, rights)]
    await bench.rebuild()
    await bench.rebuild()
    assert [await bench.auditor.fetch(query, list(TABLES)) for query in (shape, rights)] == before


async def test_the_live_consumer_goes_on_in_the_new_generation(bench: Bench) -> None:
    await bench.go_on()
    await bench.rebuild(Projection.DISTRICT_DASHBOARD)
    bench.log.publish(random_story(4711, 4))
    await bench.go_on()
    assert await bench.live.fetchval("SELECT count(*) FROM district_dashboard WHERE facts = version") == 21
    assert await effects(bench.auditor) == SOUND


async def test_a_live_consumer_that_lags_comes_later_to_what_the_new_generation_holds(bench: Bench) -> None:
    await bench.go_on(upto=40)
    result = await bench.rebuild()
    assert result.swapped
    await bench.go_on()
    assert await effects(bench.auditor) == SOUND
    assert await bench.live.fetchval("SELECT count(*) FROM business_timeline") == 100


async def test_a_row_that_was_tampered_with_is_found_and_nothing_is_swapped(bench: Bench) -> None:
    await bench.go_on()
    large = "SELECT count(*) FROM district_dashboard WHERE kelas = 'besar'"
    before = await bench.live.fetchval(large)
    victim = await bench.auditor.fetchval("UPDATE district_dashboard SET kelas = 'besar' WHERE business_id = (SELECT "
                                          "min(business_id::text)::uuid FROM district_dashboard WHERE kelas <> 'besar') RETURNING business_id")  # fmt: skip
    result = await bench.rebuild(Projection.DISTRICT_DASHBOARD)
    found = result.comparisons["district_dashboard"]
    assert (result.equal, result.swapped, found["differing"], found["ids"]) == (False, False, 1, (str(victim),))
    assert await bench.states(Projection.DISTRICT_DASHBOARD) == ["live", "ready"]
    mended = await bench.rebuild(Projection.DISTRICT_DASHBOARD, accept_differences=True)
    assert mended.swapped
    assert await bench.live.fetchval(large) == before


@pytest.mark.parametrize("projection", BUSINESS)
async def test_a_lost_row_is_named_by_the_comparison(bench: Bench, projection: Projection) -> None:
    await bench.go_on()
    await bench.auditor.execute(
        f"DELETE FROM {projection.value} WHERE ctid = (SELECT min(ctid) FROM {projection.value})"
    )
    result = await bench.rebuild(projection, swap=False)
    found = result.comparisons[projection.value]
    assert (found["extra"], found["missing"], found["differing"], result.equal) == (1, 0, 1, False)


async def test_a_roll_back_brings_the_old_generation_up_to_date(bench: Bench) -> None:
    await bench.go_on(upto=60)
    await bench.rebuild()
    await bench.go_on()
    bench.log.publish(random_story(815, 3))
    result = await bench.roll_back()
    assert result.swapped
    await bench.go_on()
    assert await bench.states() == ["live", "standby"]
    assert await effects(bench.auditor) == SOUND
    again = await bench.rebuild(swap=False)
    assert again.equal
    assert again.comparisons["business_timeline"]["rows"] == 103


async def test_a_swap_and_a_way_back_stand_in_the_trail_with_who_asked(bench: Bench) -> None:
    chosen = Projection.JOBS, Projection.CLASS_HISTORY
    await bench.go_on()
    await bench.rebuild(*chosen, swap=False, actor="sari")
    assert await read_newest(bench.auditor, NEWEST, 9) == []  # the live generation is as it was
    await bench.rebuild(*chosen, actor="rina")
    await bench.roll_back(chosen[0])
    told = [(it.actor, it.deed, it.thing, json.loads(it.details)) for it in await read_newest(bench.auditor, NEWEST, 9)]
    assert told == [
        ("operator", "rollback", "projection/jobs", {"live": 1}),
        ("rina", "rebuild", "projection/class_history", {"equal": True, "live": 3}),
        ("rina", "rebuild", "projection/jobs", {"equal": True, "live": 3}),
    ]
    assert (await verify(bench.auditor))[0].faults == []


async def test_a_swap_that_cannot_be_told_of_is_not_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.projections.handlers.rebuilding.SWAP_ATTEMPTS", 1)
    await bench.go_on()
    async with bench.live.transaction():
        await append(bench.live, Deed("uji", "cli", "discard", "parked/1", "masih berjalan", {}))
        with pytest.raises(RebuildRefusedError, match="another deed of the trail did not end"):
            await bench.rebuild(Projection.JOBS)
    assert await bench.states(Projection.JOBS) == ["live", "ready"]
    assert [it.deed for it in await read_newest(bench.auditor, NEWEST, 9)] == ["discard"]


async def test_generations_are_told_with_their_states(bench: Bench) -> None:
    await bench.go_on()
    await bench.rebuild(Projection.JOBS)
    await bench.rebuild(Projection.CLASS_HISTORY, swap=False)
    generations, runs = await look_at_generations(bench.live, 5)
    assert [(it.generation, it.state, it.swapped_at is not None) for it in generations if it.projection == "jobs"] == [
        (1, "standby", True),
        (2, "live", True),
    ]
    assert [(it.generation, it.state) for it in generations if it.projection == "class_history"] == [
        (1, "live"),
        (2, "ready"),
    ]
    assert {it.projection for it in generations} == set(Projection)
    assert runs == []  # these told nobody how far they were


async def test_a_rebuild_is_found_behind_any_number_of_those_of_others(bench: Bench) -> None:
    await begin_rebuild(bench.owner, ["class_history", "jobs"])
    for _ in range(3):
        await begin_rebuild(bench.owner, ["business_timeline"])
    generations, runs = await look_at_generations(bench.live, 2, ["jobs"])
    assert [it.projection for it in generations] == ["jobs"]
    assert [it.projections for it in runs] == [("class_history", "jobs")]
    _, runs = await look_at_generations(bench.live, 2)
    assert [it.projections for it in runs] == [("business_timeline",)] * 2


async def test_there_is_nothing_to_go_back_to_before_the_first_rebuild(bench: Bench) -> None:
    with pytest.raises(RebuildRefusedError, match="no other generation"):
        await bench.roll_back()


async def test_readers_never_see_an_empty_table_while_facts_keep_coming(bench: Bench, projections_db: Any) -> None:
    await bench.go_on()
    stop, reads = asyncio.Event(), []

    async def read_on() -> None:
        reader = await asyncpg.connect(projections_db.dsn)
        while not stop.is_set():
            reads.append(await reader.fetchval("SELECT count(*) FROM district_dashboard"))
        await reader.close()

    async def publish_on() -> None:
        seed = 10_000
        while not stop.is_set():
            bench.log.publish(random_story(seed, 2))
            seed += 1
            await bench.go_on()
            await asyncio.sleep(PAUSE_SECONDS)

    traffic = [asyncio.create_task(work) for work in (read_on(), publish_on())]
    for _ in range(3):
        result = await bench.rebuild()
        assert (result.swapped, result.equal) == (True, True)
    stop.set()
    await asyncio.gather(*traffic)
    assert min(reads) >= 20
    assert reads == sorted(reads)
    assert await effects(bench.auditor) == SOUND


async def test_a_rebuild_that_was_killed_can_be_started_again(bench: Bench) -> None:
    await bench.go_on()
    before = await tables(bench.auditor)
    victim = await asyncpg.connect(bench.migrate_dsn)

    def die(stage: str, done: int, total: int) -> None:
        if stage == "load" and done > 50:
            victim.terminate()

    with pytest.raises((asyncpg.InterfaceError, OSError)):
        await Rebuild(victim, bench.log, BUSINESS, "projections", die).rebuild(RebuildProjections(BUSINESS))
    assert await tables(bench.auditor) == before
    await bench.until_unlocked()
    result = await bench.rebuild()
    assert (result.swapped, result.equal) == (True, True)
    assert await bench.states() == ["standby", "dropped", "live"]


async def test_every_stage_is_told_also_where_nothing_came_meanwhile(bench: Bench) -> None:
    await bench.go_on()
    told: list[tuple[str, int, int]] = []
    connection = await asyncpg.connect(bench.migrate_dsn)
    rebuild = Rebuild(connection, bench.log, BUSINESS, "projections", lambda *progress: told.append(progress))
    assert (await rebuild.rebuild(RebuildProjections(BUSINESS))).swapped
    await connection.close()
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["load", "index", "catch up", "compare"]
    assert ("catch up", 0, 0) in told


async def test_two_rebuilds_of_one_projection_do_not_run_at_once(bench: Bench) -> None:
    await bench.go_on()
    other = await asyncpg.connect(bench.migrate_dsn)
    await other.execute("SELECT pg_advisory_lock($1, hashtext('class_history'))", 0x6E6B7262)
    with pytest.raises(RebuildRefusedError, match="another rebuild"):
        await bench.rebuild(Projection.CLASS_HISTORY)
    await other.close()


async def test_a_fact_that_is_parked_live_is_parked_in_the_new_generation_too(bench: Bench) -> None:
    bad = random_story(2026, 4)
    bench.log.publish(bad, spoil=frozenset({(bad[0].meta.subject, 2)}))
    await bench.go_on()
    result = await bench.rebuild()
    assert (result.equal, result.swapped) == (True, True)
    assert await effects(bench.auditor) == SOUND
    count = "SELECT count(*) FROM parked_event WHERE consumer = $1"
    assert await bench.auditor.fetchval(count, "projections") == 3
    assert await bench.auditor.fetchval(count, "projections@class_history") == 0


async def test_a_fact_that_was_discarded_stays_out_of_the_new_generation(bench: Bench) -> None:
    bad = random_story(2027, 2)
    bench.log.publish(bad, spoil=frozenset({(bad[0].meta.subject, 2)}))
    await bench.go_on()
    parked = await bench.auditor.fetchval("SELECT id FROM parked_event")
    assert await discard(bench.live, "projections", parked, "test")
    result = await bench.rebuild()
    assert (result.equal, result.swapped) == (True, True)


@pytest.mark.parametrize("sequence", [2, 5], ids=["before", "after"])
async def test_a_fact_that_was_discarded_stays_out_where_its_topic_grew(
    bench: Bench, pool: Pool, sequence: int
) -> None:
    """Before the growth it stands where its key is not at home any more; after it, it waits for what stands there."""
    story = [random_story(seed, 6) for seed in range(2040, 2052)]
    spoil = frozenset((life[0].meta.subject, sequence) for life in story)
    bench.log.publish((event for life in story for event in life[:4]), spoil=spoil)
    bench.log.grow(4)
    bench.log.publish((event for life in story for event in life[4:]), spoil=spoil)
    await bench.go_on()
    for row in await bench.auditor.fetch("SELECT id FROM parked_event WHERE kind = 'poison'"):
        assert await discard(bench.live, "projections", row["id"], "test")
    assert await redrive_requested(pool, LIVE) == len(story) * (6 - sequence)
    for _ in range(2):
        result = await bench.rebuild()
        assert (result.equal, result.swapped) == (True, True)
        assert await bench.auditor.fetchval("SELECT count(*) FROM parked_event") == 0


async def test_ledgers_that_came_after_the_facts_are_filled_by_a_rebuild(bench: Bench) -> None:
    await bench.go_on(upto=60)
    before = await tables(bench.auditor)
    await bench.auditor.execute("DELETE FROM class_funnel; DELETE FROM jobs")
    await bench.go_on()
    assert await effects(bench.auditor) != SOUND
    result = await bench.rebuild(Projection.CLASS_FUNNEL, Projection.JOBS, accept_differences=True)
    assert (result.equal, result.swapped) == (False, True)
    assert await effects(bench.auditor) == SOUND
    after = await tables(bench.auditor)
    assert all(set(before[name]) <= set(after[name]) for name in ("class_funnel", "jobs"))


async def discard_one(bench: Bench, seed: int) -> None:
    """Publish a fact that cannot be applied, let it be parked live, and discard it."""
    bad = random_story(seed, 3)
    bench.log.publish(bad, spoil=frozenset({(bad[0].meta.subject, 2)}))
    await bench.go_on()
    parked = await bench.auditor.fetchval("SELECT id FROM parked_event WHERE consumer = 'projections' AND sequence = 2")
    assert await discard(bench.live, "projections", parked, "test")


async def test_a_roll_back_does_not_bring_back_what_was_discarded_meanwhile(bench: Bench) -> None:
    await bench.go_on()
    await bench.rebuild()
    await discard_one(bench, 2028)
    before = await tables(bench.auditor)
    with pytest.raises(RebuildRefusedError, match=r"1 facts were discarded .* rebuild instead"):
        await bench.roll_back()
    assert await tables(bench.auditor) == before
    assert await bench.states() == ["standby", "live"]
    again = await bench.rebuild()
    assert (again.equal, again.swapped) == (True, True)


async def test_a_generation_that_is_ready_is_not_put_in_after_a_discard(bench: Bench) -> None:
    await bench.go_on()
    await bench.rebuild(swap=False)
    await discard_one(bench, 2029)
    with pytest.raises(RebuildRefusedError, match="discarded"):
        await bench.roll_back()


async def test_what_was_discarded_before_the_other_generation_was_made_is_in_no_way(bench: Bench, pool: Pool) -> None:
    await discard_one(bench, 2030)
    assert await redrive_requested(pool, LIVE) == 1
    await bench.rebuild()
    bench.log.publish(random_story(816, 3))
    await bench.go_on()
    assert (await bench.roll_back()).swapped
    await bench.go_on()
    assert (await bench.rebuild(swap=False)).equal


async def test_a_log_that_does_not_reach_back_is_not_swapped_in(bench: Bench) -> None:
    await bench.go_on()
    shortened = MemoryLog()
    shortened.publish([each for seed in range(20) for each in random_story(seed, 5)[1:]])
    bench.log = shortened
    with pytest.raises(RebuildRefusedError, match="could not be brought"):
        await bench.rebuild()
    assert await bench.states() == ["live", "ready"]
    assert await bench.live.fetchval("SELECT count(*) FROM district_dashboard") == 20
