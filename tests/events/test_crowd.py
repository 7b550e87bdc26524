"""Two hundred clients at once on a real database: what must hold in every interleaving."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.events.commands import ChangeCapacity, MoveApplication
from services.events.handlers import exhibitions, placing, selling
from services.events.handlers.ticking import Ticker
from services.events.store import exhibitions as store
from shared.auth import Role
from shared.wita import WITA
from tests.desk import CLIENTS, ZONES, at_once, cause, crowded, database_zone, process_zone, until_answered
from tests.events.fair import DEADLINE, DECIDED, FIRST_DAY, JURY, Fair

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.slow


@pytest.fixture
async def crowd(fair: Fair) -> AsyncIterator[Fair]:
    """The exhibitions with a connection for nearly every client."""
    async with crowded(fair):
        yield fair


async def place_all(crowd: Fair, exhibition: UUID) -> None:
    await crowd.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED)))


async def test_the_capacity_is_never_exceeded_by_two_hundred_curators(crowd: Fair) -> None:
    exhibition = await crowd.exhibition()
    booths = [await crowd.booth(exhibition, 2) for _ in range(20)]
    await crowd.booth(exhibition, CLIENTS)  # so that everybody is chosen, and all of them want the twenty
    applications = [await crowd.apply(exhibition, member) for member in await crowd.members(CLIENTS)]
    assert (await crowd.curate(exhibition)).passed == CLIENTS
    curators = [crowd.caller(Role.PETUGAS_DINAS, subject=f"petugas-{number}") for number in range(10)]
    answers = await asyncio.gather(
        *(
            until_answered(
                curators[number % 10].post,
                f"/applications/{application}/placement",
                {"booth_id": str(booths[number % 20]), "wave": 1},
                2,
            )
            for number, application in enumerate(applications)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 40, 409: CLIENTS - 40}
    assert {answer.json()["type"].rpartition(":")[2] for answer in answers if answer.status_code == 409} == {
        "stan-penuh"
    }
    await crowd.check_whole()


async def test_one_business_has_one_live_application_however_often_it_is_sent(crowd: Fair) -> None:
    exhibition, member = await crowd.exhibition(), await crowd.member()
    came = await at_once([lambda: crowd.apply(exhibition, member)] * CLIENTS)
    assert came == {"ok": 1, "sudah-mendaftar": CLIENTS - 1}
    await crowd.check_whole()


async def test_two_hundred_businesses_apply_at_once_and_the_curation_counts_each(crowd: Fair) -> None:
    exhibition, members = await crowd.exhibition(criteria=JURY), await crowd.members(CLIENTS)
    await crowd.booth(exhibition, 50)
    came = await at_once([lambda m=m: crowd.apply(exhibition, m) for m in members])
    assert came == {"ok": CLIENTS}
    rows = await crowd.pool.fetch("SELECT id FROM application ORDER BY id")
    given = {row["id"]: number % 101 for number, row in enumerate(rows)}
    came = await at_once(
        [lambda n=n: crowd.score(exhibition, f"kurator-{n}", given) for n in range(20)]
        + [lambda: crowd.curate(exhibition)] * 20
    )
    assert set(came) <= {"ok", "belum-dinilai", "sudah-dikurasi", "versi-usang"}
    done = await crowd.curate(exhibition)
    assert (done.passed, done.reserved) == (50, 150)
    assert [name for name, _ in await crowd.facts(exhibition)].count("exhibition.curated") == 1
    await crowd.check_whole()


async def test_each_freed_place_goes_to_the_next_in_reserve_once(crowd: Fair) -> None:
    exhibition, _, applications = await crowd.curated(50, CLIENTS)
    await place_all(crowd, exhibition)
    came = await at_once([lambda a=a: crowd.withdraw(a) for a in applications[:50]])
    assert came == {"ok": 50}
    states = await crowd.state_of(applications)
    assert states == ["mengundurkan_diri"] * 50 + ["ditempatkan"] * 50 + ["cadangan"] * 100
    await crowd.check_whole()


async def test_giving_up_two_hundred_times_frees_one_place(crowd: Fair) -> None:
    exhibition, _, applications = await crowd.curated(10, 30)
    await place_all(crowd, exhibition)
    came = await at_once([lambda: crowd.withdraw(applications[0], version=3)] * CLIENTS)
    assert came == {"ok": CLIENTS}
    assert await crowd.states(exhibition) == {"mengundurkan_diri": 1, "ditempatkan": 10, "cadangan": 19}
    await crowd.check_whole()


async def test_everything_at_once_and_no_place_is_lost_or_doubled(crowd: Fair) -> None:
    exhibition, booth, applications = await crowd.curated(30, CLIENTS, wave_count=2)
    other = await crowd.booth(exhibition, 10, now=DECIDED)
    chance = Random(7)

    async def place(application: UUID) -> None:
        await crowd.place(application, chance.choice([booth, other]), chance.choice([1, 2]))

    async def move(application: UUID) -> None:
        version = await crowd.version(application)
        command = MoveApplication(application, version, chance.choice([booth, other]), chance.choice([1, 2]))
        await crowd.do(lambda c: placing.move(c, command, cause(DECIDED)))

    async def change(capacity: int) -> None:
        version = int(await crowd.pool.fetchval("SELECT version FROM booth WHERE id = $1", booth))
        command = ChangeCapacity(booth, version, capacity)
        await crowd.do(lambda c: exhibitions.change_capacity(c, command, cause(DECIDED)))

    await place_all(crowd, exhibition)
    works: list[Callable[[], Awaitable[Any]]] = [
        *[lambda a=a: crowd.withdraw(a) for a in chance.sample(applications, 60)],
        *[lambda a=a: move(a) for a in chance.sample(applications[:80], 50)],
        *[lambda a=a: place(a) for a in chance.sample(applications, 50)],
        *[lambda a=a: crowd.confirm(a) for a in chance.sample(applications[:80], 30)],
        *[lambda n=n: change(n) for n in chance.sample(range(1, 60), 10)],
    ]
    chance.shuffle(works)
    assert len(works) == CLIENTS
    await at_once(works)
    await crowd.check_whole()


async def test_a_place_is_confirmed_or_lapses_and_never_both(crowd: Fair) -> None:
    exhibition, _, applications = await crowd.curated(50, CLIENTS)
    await place_all(crowd, exhibition)
    until = DECIDED + timedelta(hours=48)
    ticker = Ticker(crowd.pool, 1, lambda: until + timedelta(seconds=1))
    works: list[Callable[[], Awaitable[Any]]] = [lambda a=a: crowd.confirm(a, until) for a in applications[:50]]
    works += [ticker.tick] * (CLIENTS - len(works))
    Random(3).shuffle(works)
    await at_once(works)
    states = Counter(await crowd.state_of(applications[:50]))
    assert set(states) <= {"dikonfirmasi", "mengundurkan_diri"}
    assert (await crowd.states(exhibition))["ditempatkan"] == states["mengundurkan_diri"]
    await crowd.check_whole()


@pytest.mark.parametrize("zone", ZONES)
async def test_the_deadline_parts_the_crowd_by_the_second_in_any_zone(crowd: Fair, zone: str) -> None:
    exhibition, members = await crowd.exhibition(), await crowd.members(CLIENTS)
    await database_zone(crowd, zone)
    moments = [DEADLINE + timedelta(milliseconds=10 * (number - 100)) for number in range(CLIENTS)]
    with process_zone(zone):
        came = await at_once(
            [lambda m=m, at=at: crowd.apply(exhibition, m, at) for m, at in zip(members, moments, strict=True)]
        )
        # The whole of second 59 counts: 100 before it, and 100 within it.
        late = sum(1 for moment in moments if moment >= DEADLINE + timedelta(seconds=1))
        assert came == Counter({"ok": CLIENTS - late}) + Counter({"pendaftaran-ditutup": late})
        after = await at_once([lambda m=m: crowd.apply(exhibition, m, DEADLINE + SECOND) for m in members])
        assert set(after) == {"pendaftaran-ditutup"}
    await crowd.check_whole()


async def test_reports_and_totals_at_once_tell_of_nobody_alone(crowd: Fair) -> None:
    exhibition, _, applications = await crowd.curated(100, 100)
    await place_all(crowd, exhibition)
    opening = datetime(2026, 12, 10, 9, tzinfo=WITA)
    await crowd.attend(exhibition, dict.fromkeys(applications, True), opening)

    async def report(application: UUID, amount: int) -> None:
        await crowd.report(application, FIRST_DAY, amount, opening)

    async def publish() -> None:
        version = int(await crowd.pool.fetchval("SELECT version FROM exhibition WHERE id = $1", exhibition))
        await crowd.do(lambda c: selling.publish_turnover(c, exhibition, version, cause(opening)))

    works: list[Callable[[], Awaitable[Any]]] = [lambda a=a, n=n: report(a, n) for n, a in enumerate(applications)]
    works += [publish] * (CLIENTS - len(works))
    Random(13).shuffle(works)
    came = await at_once(works)
    assert set(came) <= {"ok", "terlalu-sedikit-usaha", "versi-usang"}
    told = await crowd.pool.fetch("SELECT data FROM outbox WHERE type LIKE '%turnover_published%' ORDER BY id")
    reported = [0, *(orjson.loads(row["data"])["reported"] for row in told)]
    assert all(after - before >= 5 for before, after in pairwise(reported))
    assert sum((await selling_sums(crowd, exhibition)).values()) == sum(range(100))
    await crowd.check_whole()


async def selling_sums(crowd: Fair, exhibition: UUID) -> dict[UUID, int]:
    sums, _ = await crowd.do(lambda c: store.load_sums(c, exhibition))
    return sums
