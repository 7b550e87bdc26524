"""Two hundred clients at once on a real database: what must hold in every interleaving."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.events.commands import ChangeCapacity, MoveApplication
from services.events.domain.refusals import RefusalError
from services.events.handlers import exhibitions, placing
from services.events.handlers.ticking import Ticker
from shared.auth import Role
from shared.database import create_pool
from tests.events.fair import DECIDED, JURY, Fair, cause

CLIENTS = 200
CONNECTIONS = 90
"""As many as the server of the tests gives one test; the others wait for one, as behind an API's pool."""

pytestmark = pytest.mark.slow


@pytest.fixture
async def crowd(fair: Fair) -> AsyncIterator[Fair]:
    """The exhibitions with a connection for nearly every client."""
    async with await create_pool(fair.database.dsn, min_size=0, max_size=CONNECTIONS) as pool:
        # One after the other: a server that is asked for ninety at once may let some wait beyond their time.
        held = [await pool.acquire() for _ in range(CONNECTIONS)]
        for connection in held:
            await pool.release(connection)
        fair.pool = fair.app.state.pool = pool
        yield fair


async def tried(work: Awaitable[Any]) -> str:
    """Return ``ok``, or the rule that refused."""
    try:
        await work
    except RefusalError as refusal:
        return refusal.slug
    return "ok"


async def at_once(works: Iterable[Callable[[], Awaitable[Any]]]) -> Counter[str]:
    """Start all of them together and return what came of them."""
    return Counter(await asyncio.gather(*(tried(work()) for work in works)))


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
            curators[number % 10].post(
                f"/applications/{application}/placement", {"booth_id": str(booths[number % 20]), "wave": 1}, 2
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
