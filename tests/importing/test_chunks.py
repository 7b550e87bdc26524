"""What an import comes to does not depend on where its chunks end, though each is made ready before the one before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.registry.importing import apply, lining, store, writing
from services.registry.importing.planning import Outcome
from services.registry.importing.rows import Result
from shared.database import create_pool
from shared.sealing import KeyRing
from tests.importing.conftest import KEK
from tests.importing.office import Office, csv_text, nik, row
from tests.importing.test_erased_owners import erase
from tests.stack.servers import Postgres

PLACES = (("Manggar", "Balikpapan Timur"), ("Prapatan", "Balikpapan Kota"), ("Klandasan Ilir", "Balikpapan Kota"))
STATE = """
SELECT b.name, b.kelurahan, b.nib, b.capital, b.sales, array_remove(b.flags, 'nib_ganda'), b.workers_as_of IS NULL,
    (SELECT array_agg(o.name || o.phones::text || coalesce(o.nik, '-') ORDER BY o.name)
     FROM business_owner i JOIN owner o ON o.id = i.owner_id WHERE i.business_id = b.id),
    (SELECT count(*) FROM duplicate_proposal d WHERE d.business_id = b.id)
FROM business b
"""
GAPS = """
SELECT count(*) FROM (SELECT partition_key, count(*) AS n, max(sequence) AS top FROM outbox GROUP BY 1) AS s WHERE n <> top
"""


def crowd(seed: int, rows: int) -> list[dict[str, str]]:
    """Return rows of few people who come again and again: with other phones, shops and places, as others, without a NIK."""
    random = Random(seed)
    found = []
    for number in range(rows):
        person, (kelurahan, kecamatan) = random.randrange(12), random.choice(PLACES)
        found.append(
            row(
                number,
                NIK=nik(person, day=person + 1) if random.random() < 0.8 else "",
                NAMA_PEMILIK=f"Pemilik {person % 10}",
                NAMA_USAHA=f"Warung {random.randrange(3)}",
                NO_HP=f"0812000{random.randrange(20):05d}",
                KELURAHAN=kelurahan,
                KECAMATAN=kecamatan,
                MODAL=str(random.randrange(1, 4) * 1_000_000),
                NIB=f"{random.randrange(1, 9):013d}" if random.random() < 0.2 else "",
                TGL_LAHIR=f"{person + 1:02d}/07/1990" if person % 2 else "",
            )
        )
    return found


def _codes(one: Outcome) -> tuple[str, ...]:
    """Return the codes of a row, but for those of which the rows that were refused before it in its chunk have a share."""
    return () if one.result is Result.REFUSED else tuple(code for code in one.codes if code != "NIB_GANDA")


async def outcome(office: Office, files: Sequence[Sequence[dict[str, str]]]) -> list[Any]:
    """Import files into an empty registry; return what became of each row, and of the registry."""
    told: list[Any] = []
    for rows in files:
        job = await office.run(csv_text(rows))
        assert job.state == "selesai"
        found = await store.rows_after(office.pool, job.id, 0, 1_000)
        told.append([(one.number, one.result, _codes(one)) for one in found])
    told.append(sorted(str(tuple(state)) for state in await office.pool.fetch(STATE)))
    assert await office.pool.fetchval(GAPS) == 0
    return told


@asynccontextmanager
async def registry(server: Postgres, folder: Path) -> AsyncIterator[Office]:
    """Give an office with an empty registry."""
    with server.clone("registry") as database:
        async with await create_pool(database.dsn, max_size=4) as pool:
            yield Office(pool, KeyRing(KEK), folder, asyncio.Event())


@pytest.mark.parametrize("seed", range(3))
async def test_rows_come_to_the_same_wherever_chunks_end(
    postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    files, found = [crowd(seed, 50), crowd(seed + 100, 50)], []
    for size in (1_000, 2, 7):
        monkeypatch.setattr(apply, "CHUNK_ROWS", size)
        async with registry(postgres_server, tmp_path) as office:
            found.append(await outcome(office, files))
    for other in found[1:]:
        for whole, parts in zip(found[0], other, strict=True):
            assert [pair for pair in zip(whole, parts, strict=True) if pair[0] != pair[1]] == []


async def test_a_chunk_that_was_changed_meanwhile_is_planned_again_and_so_is_the_next(
    postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ROWS", 10)
    rows, write, calls = crowd(7, 80), writing.write, 0

    async def now_and_then_stale(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in {2, 5, 6}:
            raise writing.StaleError
        return await write(*arguments)

    async with registry(postgres_server, tmp_path) as office:
        expected = await outcome(office, [rows])
    monkeypatch.setattr(writing, "write", now_and_then_stale)
    async with registry(postgres_server, tmp_path) as office:
        assert await outcome(office, [rows]) == expected
    assert calls == 8 + 3


def erasing_after(office: Office, step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a step of an import after which, the first time, the first owner is erased."""
    erased: list[UUID] = []

    async def stepped(*arguments: Any) -> Any:
        found = await step(*arguments)
        if not erased:
            erased.append(await erase(office, "Pemilik 1"))
        return found

    return stepped


async def test_an_owner_who_is_erased_between_planning_and_writing_is_not_brought_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.run(csv_text([row(1), row(2)]))
    monkeypatch.setattr(lining, "prepare", erasing_after(office, lining.prepare))
    job = await office.run(csv_text([row(1, NAMA_USAHA="Warung Baru"), row(2, NAMA_USAHA="Warung Kedua")]))
    assert (job.totals()["refused"], job.totals()["new"]) == (1, 1)
    assert await office.pool.fetchval("SELECT count(*) FROM business WHERE name = 'Warung Baru'") == 0


async def test_an_owner_who_is_erased_while_a_chunk_is_planned_is_refused_and_the_rest_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.run(csv_text([row(1), row(2)]))
    monkeypatch.setattr(writing, "look_up", erasing_after(office, writing.look_up))
    job = await office.run(csv_text([row(1, NAMA_USAHA="Warung Baru"), row(2, NAMA_USAHA="Warung Kedua")]))
    assert (job.state, job.totals()["refused"], job.totals()["new"]) == ("selesai", 1, 1)


async def test_a_nib_that_a_business_gave_up_in_the_chunk_before_is_free(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ROWS", 1)
    await office.run(csv_text([row(1, NIB="0000000000001"), row(2)]))
    rows = [row(1, NIB="0000000000009"), row(2, NIB="0000000000001"), row(3, NIB="0000000000009")]
    job = await office.run(csv_text(rows))
    told = {one.number: one.codes for one in await store.rows_after(office.pool, job.id, 0, 10)}
    assert told == {2: (), 3: (), 4: ("NIB_GANDA",)}
