"""What a page of a list costs grows with what the asker may see and not with the registry, whatever the planner has heard of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from services.registry.store.brands import search_brands
from services.registry.store.businesses import list_proposals, search_businesses
from services.registry.store.licences import search_licences
from services.registry.store.owners import search_owners
from shared.database import connected
from shared.identifiers import FIRST, new_ids
from tests.plans import Told, rows_touched
from tests.registry.conftest import MANGGAR, PRAPATAN, Registry
from tests.stack.servers import Database

BEFORE, HERE, PAGE = 3_000, 60, 21
STEPS = 16
"""Rows that the nodes of one statement's plan may touch for each row of the kelurahan; the registry holds 50 times as many."""
TABLES = ("owner", "business", "business_owner", "duplicate_proposal", "licence", "brand")
STORE = (
    """
INSERT INTO owner (id, version, name, name_key, kelurahan, source, registered_by)
SELECT id, 1, 'Siti ' || n, 'siti ' || n, $2, 'impor', 'petugas-a' FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)
""",
    """
INSERT INTO business (id, version, name, name_key, kelurahan, class, class_source, class_as_of, status, source, as_of, registered_by)
SELECT id, 1, 'Warung', 'warung', $2, 'mikro', 'impor', '2026-01-01', $3, 'impor', '2026-01-01', 'petugas-a'
FROM unnest($1::uuid[]) AS id
""",
    "INSERT INTO business_owner (business_id, owner_id, position) SELECT id, id, 0 FROM unnest($1::uuid[]) AS id",
    """
INSERT INTO duplicate_proposal (id, business_id, other_id, grounds, state, proposed_by)
SELECT id, id, gen_random_uuid(), '{petugas}', $2, 'petugas-a' FROM unnest($1::uuid[]) AS id
""",
    """
INSERT INTO licence (id, version, business_id, owner_id, kind, number, status, submitted_by)
SELECT id, 1, id, id, 'p_irt', '2063471019901-31', 'berlaku', 'petugas-a' FROM unnest($1::uuid[]) AS id
""",
    """
INSERT INTO brand (id, version, mark, mark_key, business_id, status, filed_on, filed_by)
SELECT id, 1, 'Siti', 'siti', id, 'diajukan', '2026-01-01', 'petugas-a' FROM unnest($1::uuid[]) AS id
""",
)
"""One of each for every id: its owner, business, proposal, licence and brand."""


@dataclass
class Lists:
    """The registry with many of one kelurahan, and after them a few of another; ids are those of their businesses."""

    registry: Registry
    before: list[UUID]
    here: list[UUID]


async def _store(registry: Registry, ids: list[UUID], kelurahan: str, status: str, state: str) -> None:
    arguments: tuple[tuple[Any, ...], ...] = ((kelurahan,), (kelurahan, status), (), (state,), (), ())
    for statement, more in zip(STORE, arguments, strict=True):
        await registry.pool.execute(statement, ids, *more)


@pytest.fixture(params=[False, True], ids=["no statistics", "statistics"])
async def lists(registry: Registry, registry_db: Database, request: pytest.FixtureRequest) -> Lists:
    """Such a registry. The first owner of the other kelurahan has a share in a business of this one; two of that are merged."""
    before, here = new_ids(BEFORE), new_ids(HERE)
    await _store(registry, before, PRAPATAN, "diajukan", "dibatalkan")
    await _store(registry, here, MANGGAR, "terverifikasi", "diusulkan")
    await registry.pool.execute("INSERT INTO business_owner VALUES ($1, $2, 1)", here[-1], before[0])
    for merged, into in ((before[-1], here[-2]), (here[-2], here[-1])):
        await registry.pool.execute(
            "UPDATE business SET status = 'digabung', merged_into = $2 WHERE id = $1", merged, into
        )
    if request.param:
        async with connected(registry_db.migrate_dsn) as owner_of_tables:
            for table in TABLES:
                await owner_of_tables.execute(f"ANALYZE {table}")
                stored = "SELECT reltuples FROM pg_class WHERE oid = $1::text::regclass"
                assert await owner_of_tables.fetchval(stored, table) >= BEFORE
    return Lists(registry, before, here)


Ask = Callable[[Any], Awaitable[list[Any]]]


async def _page(lists: Lists, ask: Ask) -> list[UUID]:
    """Return the ids of what a list shows, having looked that it touched no more than the kelurahan's own rows."""
    async with lists.registry.pool.acquire() as connection:
        told = Told(connection)
        found = await ask(told)
        touched = [(statement, await rows_touched(connection, statement, *more)) for statement, more in told.asked]
    assert [(statement, count) for statement, count in touched if count > STEPS * HERE] == []
    assert len(touched) == 1
    return [row["id"] if isinstance(row, dict) else row.id for row in found]


async def test_owners_of_a_kelurahan_are_those_it_registered_and_those_who_own_a_business_there(lists: Lists) -> None:
    async def page(after: UUID, words: str | None = None) -> list[UUID]:
        return await _page(lists, lambda pool: search_owners(pool, after, words, MANGGAR, PAGE))

    assert await page(FIRST) == [lists.before[0], *lists.here[: PAGE - 1]]
    assert await page(lists.before[0]) == lists.here[:PAGE]
    assert await page(lists.here[49]) == lists.here[50:]
    assert await page(FIRST, "siti 1") == [lists.before[0], lists.here[0], *lists.here[9:19]]


async def test_businesses_are_listed_by_kelurahan_and_by_what_became_of_them(lists: Lists) -> None:
    async def page(
        kelurahan: str | None, status: str | None, after: UUID = FIRST, kelas: str | None = None
    ) -> list[UUID]:
        return await _page(lists, lambda pool: search_businesses(pool, after, None, kelurahan, status, kelas, PAGE))

    assert await page(MANGGAR, None) == await page(MANGGAR, None, kelas="mikro") == lists.here[:PAGE]
    assert await page(MANGGAR, "terverifikasi", lists.here[49]) == lists.here[50:-2] + lists.here[-1:]
    assert await page(MANGGAR, "diajukan") == await page(MANGGAR, None, kelas="kecil") == []
    assert await page(None, "terverifikasi") == lists.here[:PAGE]
    assert await page(None, "digabung") == [lists.before[-1], lists.here[-2]]
    assert await page(None, None) == lists.before[:PAGE]
    found = await search_businesses(lists.registry.pool, FIRST, None, None, "diajukan", None, PAGE)
    assert [business.id for business in found] == lists.before[:PAGE]


async def test_proposals_that_wait_are_found_beside_all_that_were_decided(lists: Lists) -> None:
    async def page(kelurahan: str | None, after: UUID = FIRST) -> list[UUID]:
        return await _page(lists, lambda pool: list_proposals(pool, after, "diusulkan", kelurahan, PAGE))

    assert await page(None) == await page(MANGGAR) == lists.here[:PAGE]
    assert await page(MANGGAR, lists.here[49]) == lists.here[50:]
    assert await page(PRAPATAN) == []


@pytest.mark.parametrize("search", ["licences", "brands"])
async def test_what_a_business_and_those_merged_into_it_have_is_found_by_their_ids(lists: Lists, search: str) -> None:
    last, second = lists.here[-1], lists.here[-2]

    async def page(business_id: UUID, kelurahan: str | None, after: UUID = FIRST) -> list[UUID]:
        if search == "brands":
            return await _page(lists, lambda pool: search_brands(pool, after, business_id, None, None, kelurahan, PAGE))
        return await _page(
            lists, lambda pool: search_licences(pool, after, business_id, kelurahan, None, None, None, PAGE)
        )

    assert await page(last, None) == await page(last, MANGGAR) == [lists.before[-1], second, last]
    assert await page(last, MANGGAR, lists.before[-1]) == [second, last]
    assert await page(last, PRAPATAN) == await page(second, PRAPATAN) == [lists.before[-1]]
    assert await page(lists.here[0], PRAPATAN) == []


async def test_licences_of_a_kelurahan_are_found_by_its_businesses(lists: Lists) -> None:
    async def page(status: str | None, after: UUID = FIRST) -> list[UUID]:
        return await _page(lists, lambda pool: search_licences(pool, after, None, MANGGAR, None, status, None, PAGE))

    assert await page(None) == await page("berlaku") == lists.here[:PAGE]
    assert await page(None, lists.here[49]) == lists.here[50:]
    assert await page("dicabut") == []
