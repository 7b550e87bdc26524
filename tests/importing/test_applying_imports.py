"""Imports on real PostgreSQL: new, changed, same; once however often sent; resumable after a kill."""

from __future__ import annotations

import asyncio

import pytest

from services.registry.importing import store
from services.registry.importing.worker import run_job
from tests.importing.office import Office, csv_text, row


async def test_rows_become_owners_businesses_and_one_fact_each(office: Office) -> None:
    job = await office.run(csv_text([row(number) for number in range(60)]))
    assert (job.state, job.totals()["new"], job.totals()["rows"]) == ("selesai", 60, 60)
    assert (await office.count("owner"), await office.count("business")) == (60, 60)
    assert await office.count("outbox") == 60 + 60 + 2  # and the import's start and end


async def test_no_fact_holds_a_name_a_nik_or_a_phone(office: Office) -> None:
    await office.run(csv_text([row(7, NAMA_PEMILIK="Bunga Rahasia", NAMA_USAHA="Kue Rahasia")]))
    text = "".join(record[0] for record in await office.pool.fetch("SELECT data FROM outbox"))
    assert not any(part in text for part in ("Bunga", "Rahasia", row(7)["NIK"], "08120000", "+62812"))


async def test_the_same_file_twice_changes_nothing_and_says_nothing(office: Office) -> None:
    text = csv_text([row(number) for number in range(40)])
    await office.run(text)
    before = await office.footprint()
    again = await office.run(text)
    assert before == await office.footprint()
    assert (again.state, again.totals()["same"], again.fact_count) == ("selesai", 40, 0)


async def test_a_corrected_file_changes_only_what_differs(office: Office) -> None:
    rows = [row(number) for number in range(30)]
    await office.run(csv_text(rows))
    rows[3] = row(3, OMSET="72.000.000")
    job = await office.run(csv_text(rows))
    assert (job.totals()["changed"], job.totals()["same"], job.totals()["new"]) == (1, 29, 0)
    assert job.fact_count == 1


async def test_one_bad_row_refuses_itself_and_no_other(office: Office) -> None:
    job = await office.run(csv_text([row(1), row(2, NIK="6,47101E+15"), row(3)]))
    assert (job.totals()["new"], job.totals()["refused"]) == (2, 1)


async def test_a_worker_that_dies_leaves_whole_chunks_and_the_next_one_ends_the_job(office: Office) -> None:
    await office.enqueue(csv_text([row(number) for number in range(7_000)]).encode())
    job = await store.claim_job(office.pool, "worker-1")
    assert job is not None
    dying = asyncio.create_task(run_job(office.workshop("worker-1"), job))
    while (await office.job(job.id)).last_number == 0:
        assert not dying.done()
        await asyncio.wait([dying], timeout=0.01)
    dying.cancel()
    await asyncio.wait([dying])
    await office.pool.execute("UPDATE import_job SET lease_until = now() - interval '1 s'")
    done = await office.work("worker-2")
    assert (done.state, done.totals()["rows"], await office.count("business")) == ("selesai", 7_000, 7_000)
    gaps = await office.pool.fetchval(
        "SELECT count(*) FROM (SELECT partition_key, count(*) AS n, max(sequence) AS top FROM outbox GROUP BY 1) AS s "
        "WHERE n <> top"
    )
    assert gaps == 0


@pytest.mark.security(line="S2")
async def test_an_officer_of_a_kelurahan_imports_only_what_is_theirs(office: Office) -> None:
    rows = [row(1), row(2, KELURAHAN="Prapatan", KECAMATAN="Balikpapan Kota")]
    job = await office.run(csv_text(rows), own_only=True)
    assert (job.totals()["new"], job.totals()["refused"]) == (1, 1)


async def test_a_dry_run_stores_nothing(office: Office) -> None:
    before = await office.footprint()
    job = await office.run(csv_text([row(number) for number in range(10)]), dry_run=True)
    assert job.totals()["new"] == 10
    assert before == await office.footprint()


async def test_rows_without_a_nik_are_people_of_their_own_and_stay_so(office: Office) -> None:
    text = csv_text([row(1, NIK=""), row(2, NIK="0000000000000000"), row(3, NIK="-")])
    await office.run(text)
    assert await office.count("owner") == 3
    await office.run(text + "\r\n")
    assert await office.count("owner") == 3


async def test_a_count_of_workers_that_a_file_replaces_is_kept(office: Office) -> None:
    def file(*counts: int) -> str:
        lines = csv_text([row(number) for number in range(len(counts))]).splitlines()
        cells = ["TK DIBAYAR LAKI", *map(str, counts)]
        return "".join(f"{line};{cell}\r\n" for line, cell in zip(lines, cells, strict=True))

    await office.run(file(1, 2, 3))
    assert await office.count("business_workers") == 0  # the newest count stands in the business
    await office.pool.execute("UPDATE business SET workers_as_of = '2026-01-31'")
    job = await office.run(file(1, 5, 3))
    assert (job.totals()["changed"], job.totals()["same"]) == (1, 2)
    kept = await office.pool.fetchrow("SELECT as_of::text, paid_men, paid_women FROM business_workers")
    assert tuple(kept) == ("2026-01-31", 2, None)
    assert await office.pool.fetchval("SELECT max(paid_men) FROM business") == 5
