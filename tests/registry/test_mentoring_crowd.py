"""Two hundred clients at once on a real database: a business has one mentor at a time, in every interleaving."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from shared.auth import Role
from shared.database import create_pool
from tests.desk import until_answered
from tests.registry.conftest import MANGGAR, Caller, Registry, make_mentor, verify
from tests.registry.test_mentoring import ago, begin, slug, told
from tests.stack.servers import Database

CLIENTS = 200
CONNECTIONS = 90
"""As many as the server of the tests gives one test; the others wait for one, as behind an API's pool."""

pytestmark = pytest.mark.slow


@pytest.fixture
async def crowd(registry: Registry, registry_db: Database) -> AsyncIterator[Registry]:
    """The registry with a connection for nearly every client."""
    async with await create_pool(registry_db.dsn, min_size=0, max_size=CONNECTIONS) as pool:
        # One after the other: a server that is asked for ninety at once may let some wait beyond their time.
        held = [await pool.acquire() for _ in range(CONNECTIONS)]
        for connection in held:
            await pool.release(connection)
        registry.pool = registry.app.state.pool = pool
        yield registry


async def check_whole(crowd: Registry) -> None:
    """One live mentoring per business, none of an ended mentor, facts without holes up to each version."""
    live = await crowd.pool.fetch(
        "SELECT business_id FROM mentoring WHERE ended_on IS NULL GROUP BY 1 HAVING count(*) > 1"
    )
    assert live == []
    ended = "SELECT count(*) FROM mentoring g JOIN mentor m ON m.id = g.mentor_id WHERE g.ended_on IS NULL AND m.ended_on IS NOT NULL"
    assert await crowd.pool.fetchval(ended) == 0
    holes = """SELECT s.aggregate_id FROM (SELECT id AS aggregate_id, version FROM mentoring UNION ALL SELECT id, version FROM mentor) s
               LEFT JOIN outbox o ON o.partition_key = s.aggregate_id
               GROUP BY 1, s.version HAVING count(*) <> s.version OR max(o.sequence) <> s.version"""
    assert await crowd.pool.fetch(holes) == []


async def test_of_two_hundred_who_give_a_business_a_mentor_one_wins(
    crowd: Registry, checker: Caller, verified: str
) -> None:
    mentors = [await make_mentor(checker, f"pendamping-{n}") for n in range(10)]
    answers = await asyncio.gather(
        *(
            until_answered(checker.post, f"/businesses/{verified}/mentorings", {"mentor_id": mentors[n % 10]})
            for n in range(CLIENTS)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"sudah-didampingi"}
    assert [name for name, _, _ in await told(crowd, "umkm.mentoring")] == ["mentoring.started"]
    await check_whole(crowd)


async def test_of_two_hundred_hand_overs_on_one_version_one_wins(
    crowd: Registry, checker: Caller, verified: str, mentor: str
) -> None:
    mentoring = await begin(checker, verified, mentor, ago(10))
    mentors = [await make_mentor(checker, f"pendamping-{n}") for n in range(10)]
    answers = await asyncio.gather(
        *(
            until_answered(checker.post, f"/mentorings/{mentoring}/hand-over", {"mentor_id": mentors[n % 10]}, 1)
            for n in range(CLIENTS)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: CLIENTS - 1}
    await check_whole(crowd)


async def test_mentors_never_end_with_a_business_that_somebody_gives_them_meanwhile(
    crowd: Registry, clerk: Caller, checker: Caller, owner: str
) -> None:
    """Ends, starts, closings and visits of twenty mentors and businesses, all at once: whoever wins, it fits together."""
    mentors = [await make_mentor(checker, f"pendamping-{n}") for n in range(20)]
    businesses = []
    for n in range(20):
        made = await clerk.post("/businesses", {"owner_ids": [owner], "name": f"Kios {n}", "kelurahan": MANGGAR})
        businesses.append(await verify(clerk, checker, made.json()["id"]))
    running = [
        await begin(checker, business, mentor) for business, mentor in zip(businesses[:10], mentors, strict=False)
    ]
    dinas = crowd.caller(Role.PETUGAS_DINAS, subject="petugas-c")
    closing = {"reason": "Pindah kota", "closed_on": ago(0)}
    deeds = []
    for n in range(CLIENTS // 5):
        business, mentor = businesses[n % 20], mentors[(n + 7) % 20]
        deeds += [
            until_answered(checker.post, f"/businesses/{business}/mentorings", {"mentor_id": mentor}),
            until_answered(checker.post, f"/mentors/{mentors[n % 20]}/end", {}, 1),
            until_answered(dinas.post, f"/mentorings/{running[n % 10]}/hand-over", {"mentor_id": mentor}, 1),
            until_answered(dinas.post, f"/mentorings/{running[n % 10]}/visits", {"visited_on": ago(0)}, 1),
            until_answered(checker.post, f"/businesses/{businesses[n % 10]}/closure", closing, 3),
        ]
    answers = await asyncio.gather(*deeds)
    done = Counter(answer.status_code for answer in answers)
    assert set(done) <= {200, 201, 409, 412}
    assert done[200] >= 10  # nothing but its one closing changes a business
    assert done[201] <= 10  # the other ten were begun before
    closed = "SELECT count(*) FROM mentoring g JOIN business b ON b.id = g.business_id WHERE g.ended_on IS NULL AND b.status = 'tutup'"
    assert await crowd.pool.fetchval(closed) == 0
    await check_whole(crowd)
