"""The pass at 00:30 WITA on real PostgreSQL: once per day whoever runs it, killed or late, and nothing told twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine

from services.registry.domain import licences as rules
from services.registry.domain.expiry import pass_day
from services.registry.handlers.daily_pass import DailyPass
from services.registry.handlers.licences import act_on_licence
from shared.contracts.licensing import LicenceCause
from shared.outbox import Cause
from shared.wita import WITA
from tests.kernel.locks import until_waiting
from tests.registry.conftest import Caller, Registry
from tests.registry.office import names, plant, submit, told, valid, verify

DAY = date(2026, 11, 30)
WORKERS = 8


def at(day: date, hour: int = 0, minute: int = 30) -> Callable[[], datetime]:
    """Return a clock that stands at a time of the day in WITA."""
    moment = datetime.combine(day, time(hour, minute), WITA)
    return lambda: moment


def worker(registry: Registry, clock: Callable[[], datetime] | None, chunk: int = 500) -> DailyPass:
    """Return one worker's pass."""
    return DailyPass(registry.pool, 0.01, clock, chunk)


async def days_run(registry: Registry) -> list[tuple[date, int, bool]]:
    """Return day, facts and whether it is finished, of each pass."""
    rows = await registry.pool.fetch("SELECT day, facts, finished_at IS NOT NULL FROM daily_pass ORDER BY day")
    return [tuple(row) for row in rows]


async def spans(registry: Registry) -> dict[str, list[int | None]]:
    """Return for each licence the spans that were told, in order; ``None`` for its end."""
    found: dict[str, list[int | None]] = {}
    for fact in await told(registry, "licence.expir"):
        found.setdefault(fact["licence_id"], []).append(fact.get("span"))
    return found


async def test_each_span_and_the_end_are_told_once_on_their_days(registry: Registry) -> None:
    licence = valid(95, DAY)
    await plant(registry.pool, [licence])
    said = [await worker(registry, at(DAY + timedelta(days=n))).tick() for n in range(100)]
    assert {n: facts for n, facts in enumerate(said) if facts} == {5: 1, 65: 1, 88: 1, 96: 1}
    facts = await told(registry, "licence.")
    assert [(fact.get("span"), fact.get("days_left")) for fact in facts] == [(90, 90), (30, 30), (7, 7), (None, None)]
    assert [(fact["fact"], fact["sequence"]) for fact in facts[2:]] == [("licence.expiring", 5), ("licence.expired", 6)]
    assert await registry.pool.fetchval("SELECT status FROM licence") == "kedaluwarsa"
    assert len(await days_run(registry)) == 100


async def test_brands_are_told_like_licences(registry: Registry, clerk: Caller, business: str) -> None:
    filed = {"mark": "Mantau Kita", "business_id": business, "filed_on": "2020-02-29"}
    brand = (await clerk.post("/brands", filed)).json()["id"]
    await clerk.post(f"/brands/{brand}/registration", {"registered_on": "2021-01-01"}, 1)
    end = date(2030, 2, 28)
    for left in (91, 90, 30, 7, 0, -1, -2):
        await worker(registry, at(end - timedelta(days=left))).tick()
    said = await told(registry, "brand.expir")
    assert [fact.get("span") for fact in said] == [90, 30, 7, None]
    assert {(fact["mark"], fact["business_id"], fact["expires_on"]) for fact in said} == {
        ("Mantau Kita", business, "2030-02-28")
    }
    assert await names(registry, "brand.", brand) == [
        "brand.filed",
        "brand.registered",
        *["brand.expiring"] * 3,
        "brand.expired",
    ]


async def test_before_half_past_midnight_it_is_still_the_day_before(registry: Registry) -> None:
    await plant(registry.pool, [valid(90, DAY)])
    assert await worker(registry, at(DAY, 0, 29)).tick() == 0
    assert await worker(registry, at(DAY, 0, 30)).tick() == 1
    assert await worker(registry, at(DAY, 23, 59)).tick() == 0
    assert await worker(registry, at(DAY + timedelta(days=1), 0, 29)).tick() == 0
    assert await days_run(registry) == [(DAY - timedelta(days=1), 0, True), (DAY, 1, True)]


async def test_what_is_verified_after_the_pass_is_told_by_the_next_one(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    today = pass_day(datetime.now(UTC))
    assert await worker(registry, at(today, 12)).tick() == 0
    licence = await submit(clerk, business, expires_on=(today + timedelta(days=20)).isoformat())
    await verify(checker, licence)
    assert await worker(registry, at(today, 13)).tick() == 0
    assert await worker(registry, at(today + timedelta(days=1))).tick() == 1
    assert await spans(registry) == {licence: [30]}


async def test_after_days_without_a_worker_the_newest_day_tells_what_is_true_then(registry: Registry) -> None:
    crossed_two, crossed_one, over = valid(91, DAY), valid(33, DAY, told=90), valid(2, DAY, told=7)
    await plant(registry.pool, [crossed_two, crossed_one, over])
    assert await worker(registry, at(DAY)).tick() == 0
    later = DAY + timedelta(days=70)
    assert await worker(registry, at(later)).tick() == 3
    assert await spans(registry) == {str(crossed_two.id): [30], str(crossed_one.id): [None], str(over.id): [None]}
    assert await days_run(registry) == [(DAY, 0, True), (later, 3, True)]


async def test_many_workers_at_once_tell_each_licence_once(registry: Registry) -> None:
    licences = [valid(n % 100 - 3, DAY) for n in range(1_000)]
    await plant(registry.pool, licences)
    due = sum(1 for licence in licences if licence.due_on is not None and licence.due_on <= DAY)
    facts = await asyncio.gather(*(worker(registry, at(DAY), chunk=20).tick() for _ in range(WORKERS)))
    assert sum(facts) == due
    assert sum(1 for count in facts if count) > 1, "the turn went round"
    told_of = await registry.pool.fetch("SELECT partition_key, sequence FROM outbox")
    assert (len(told_of), len({row[0] for row in told_of}), {row[1] for row in told_of}) == (due, due, {3})
    assert await days_run(registry) == [(DAY, due, True)]


async def test_a_pass_that_was_killed_in_the_middle_is_ended_by_another_worker(registry: Registry) -> None:
    await plant(registry.pool, [valid(7, DAY) for _ in range(1_000)])
    killed = asyncio.create_task(worker(registry, at(DAY), chunk=25).tick())
    async with asyncio.timeout(30):
        while await registry.pool.fetchval("SELECT count(*) FROM outbox") < 100:
            await asyncio.sleep(0)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    before = await registry.pool.fetchval("SELECT count(*) FROM outbox")
    assert 100 <= before < 1_000
    assert await days_run(registry) == [(DAY, before, False)]
    assert await worker(registry, at(DAY), chunk=25).tick() == 1_000 - before
    told_of = Counter(row[0] for row in await registry.pool.fetch("SELECT partition_key FROM outbox"))
    assert (len(told_of), set(told_of.values())) == (1_000, {1})
    assert await days_run(registry) == [(DAY, 1_000, True)]


async def test_a_pass_whose_session_dies_leaves_nothing_of_its_chunk(registry: Registry) -> None:
    await plant(registry.pool, [valid(7, DAY) for _ in range(60)])
    async with registry.pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM licence FOR UPDATE")
        dying = asyncio.create_task(worker(registry, at(DAY), chunk=25).tick())
        await until_waiting(registry.pool)
        await registry.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        done = (await asyncio.gather(dying, return_exceptions=True))[0]
        assert isinstance(done, Exception)
    assert await registry.pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await worker(registry, at(DAY), chunk=25).tick() == 60


async def test_a_licence_that_is_being_revoked_is_waited_for_and_not_told(registry: Registry) -> None:
    licence, other = valid(7, DAY), valid(7, DAY)
    await plant(registry.pool, [licence, other])
    cause = Cause("uji", None, "petugas-a", "command", None, datetime.now(UTC))
    async with registry.pool.acquire() as connection, connection.transaction():
        await act_on_licence(connection, licence.id, lambda one: rules.revoke(one, 2, LicenceCause.LAINNYA, DAY), cause)
        telling = asyncio.create_task(worker(registry, at(DAY)).tick())
        await until_waiting(registry.pool)
    assert await telling == 1
    assert await spans(registry) == {str(other.id): [7]}
    assert [fact["fact"] for fact in await told(registry, "licence.revoked")] == ["licence.revoked"]


async def test_what_is_revoked_rejected_replaced_or_without_end_is_never_told(registry: Registry) -> None:
    quiet: list[dict[str, Any]] = [
        {"status": "diajukan"},
        {"status": "ditolak"},
        {"status": "kedaluwarsa"},
        {"status": "dicabut", "revoked_on": DAY},
        {"replaced_by": UUID(int=1)},
        {"expires_on": None},
    ]
    licences = [valid(3, DAY, **changes) for changes in quiet]
    assert [licence.due_on for licence in licences] == [None] * len(quiet)
    await plant(registry.pool, licences)
    assert await worker(registry, at(DAY)).tick() == 0


async def test_the_day_goes_by_the_clock_of_the_database(registry: Registry) -> None:
    today = pass_day(await registry.pool.fetchval("SELECT now()"))
    await plant(registry.pool, [valid(95, today)])
    with time_machine.travel(datetime.now(UTC) + timedelta(days=40), tick=True):
        assert await worker(registry, None).tick() == 0
    assert [row[0] for row in await days_run(registry)] in ([today], [today + timedelta(days=1)])


async def test_a_worker_runs_the_pass_by_itself_and_stops_when_it_is_asked(registry: Registry) -> None:
    await plant(registry.pool, [valid(7, DAY)])
    stop, daily_pass = asyncio.Event(), worker(registry, at(DAY))
    running = asyncio.create_task(daily_pass.run(stop))
    async with asyncio.timeout(10):
        while await days_run(registry) != [(DAY, 1, True)]:
            await asyncio.sleep(0)
    assert await daily_pass.pulse.check() is None
    stop.set()
    async with asyncio.timeout(10):
        await running
