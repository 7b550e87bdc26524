"""A file that comes again after somebody did something by hand: with what it names, or with what it came to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.registry.commands import CloseBusiness, MergeBusiness, OnBusiness, Profile, RegisterBusiness, UndoMerge
from services.registry.domain import businesses as rules
from services.registry.handlers import businesses as handlers
from services.registry.importing import store, writing
from shared.identifiers import new_id
from tests.importing.office import Office, csv_text, row
from tests.importing.test_erased_owners import cause, come_anew, erase

PRAPATAN = "64.71.06.1001"
LOW, HIGH = "1.000.000.000", "20.000.000.000"


async def deed(office: Office, work: Callable[[Any], Awaitable[Any]]) -> None:
    """Do something as an officer, in a transaction of its own."""
    async with office.pool.acquire() as connection, connection.transaction():
        await work(connection)


async def shops(office: Office) -> list[dict[str, Any]]:
    """Return all businesses, in the order of their ids."""
    return [dict(record) for record in await office.pool.fetch("SELECT * FROM business ORDER BY id")]


async def codes(office: Office, job: Any) -> set[str]:
    """Return all codes that the rows of a job have."""
    return {code for one in await store.rows_after(office.pool, job.id, 0, 100) for code in one.codes}


async def by_hand(office: Office, cells: dict[str, str], name: str) -> UUID:
    """Register a business of a row's owner by hand, a draft, and return its id."""
    owner_id = await office.pool.fetchval("SELECT id FROM owner WHERE nik = $1", cells["NIK"])
    profile = Profile((owner_id,), name, None, None, "64.71.01.1001", "kuliner", None, None, None, None)
    command = RegisterBusiness(new_id(), profile, None, None)
    await deed(office, lambda c: handlers.register_business(c, office.ring, command, cause(), None))
    return command.business_id


@pytest.mark.security(line="S12")
async def test_the_same_bytes_are_looked_at_again_once_an_erased_owner_came_anew(office: Office) -> None:
    text = csv_text([row(1), row(2)])
    await office.run(text)
    await erase(office, "Pemilik 1")
    refused = await office.run(text)
    assert (refused.totals()["refused"], refused.totals()["same"]) == (1, 1)
    await come_anew(office, row(1))
    job = await office.run(text)
    assert (job.totals()["new"], job.totals()["same"], job.totals()["refused"]) == (1, 1, 0)
    assert (await office.run(text)).totals()["same"] == 2


async def test_the_same_bytes_are_looked_at_again_once_a_merge_is_undone(office: Office) -> None:
    await office.run(csv_text([row(1), row(2)]))
    first, second = (shop["id"] for shop in await shops(office))
    await deed(office, lambda c: handlers.merge_business(c, office.ring, MergeBusiness(first, 1, second), cause()))
    corrected = csv_text([row(1, OMSET="48.000.000"), row(2)])
    assert await codes(office, await office.run(corrected)) == {"USAHA_TIDAK_AKTIF"}
    await deed(office, lambda c: handlers.undo_merge(c, office.ring, UndoMerge(first, 2), cause()))
    job = await office.run(corrected)
    assert (job.totals()["changed"], job.totals()["same"]) == (1, 1)


@pytest.mark.parametrize("own_only", [False, True])
@pytest.mark.security(line="S2")
async def test_a_sheet_of_the_place_that_a_business_left_changes_nothing_of_it(office: Office, own_only: bool) -> None:
    await office.run(csv_text([row(1)]), own_only=own_only)
    [shop] = await shops(office)
    owner_id = await office.pool.fetchval("SELECT id FROM owner")
    profile = Profile((owner_id,), shop["name"], "Jl. Baru", None, PRAPATAN, "kuliner", None, None, None, None)
    command = rules.ChangeBusiness(shop["id"], 1, profile)
    await deed(office, lambda c: handlers.change_business(c, office.ring, command, cause(), None))
    [moved] = await shops(office)
    job = await office.run(csv_text([row(1, ALAMAT="Jl. Lama", NO_HP="081200009999")]), own_only=own_only)
    assert (job.totals()["same"], await codes(office, job)) == (1, {"USAHA_PINDAH"})
    assert await shops(office) == [moved]
    assert await office.pool.fetchval("SELECT phones FROM owner") == ["+6281200000001"]


@pytest.mark.parametrize("end", ["tutup", "ditolak", "digabung"])
async def test_a_business_that_was_registered_by_hand_and_is_gone_does_not_come_back(office: Office, end: str) -> None:
    await office.run(csv_text([row(1), row(2)]))
    other = (await shops(office))[1]["id"]
    shop = await by_hand(office, row(1), "Warung Tangan")

    async def ended(connection: Any) -> None:
        if end == "digabung":
            await handlers.merge_business(connection, office.ring, MergeBusiness(shop, 1, other), cause())
            return
        submit = handlers.act_on_business(
            connection, office.ring, OnBusiness(shop, 1), lambda b: rules.submit(b, 1, "petugas-a"), cause(), None
        )
        await submit
        rule = {
            "tutup": lambda b: rules.close(b, CloseBusiness(shop, 2, "pindah kota", date(2026, 1, 2))),
            "ditolak": lambda b: rules.reject(b, 2, "bukan usaha"),
        }[end]
        await handlers.act_on_business(connection, office.ring, OnBusiness(shop, 2), rule, cause(), None)

    await deed(office, ended)
    job = await office.run(csv_text([row(1, NAMA_USAHA="Warung Tangan")]))
    assert (job.totals()["same"], await codes(office, job)) == (1, {"USAHA_TIDAK_AKTIF"})
    assert len(await shops(office)) == 3


async def test_a_business_that_was_registered_by_hand_is_found_under_its_new_name(office: Office) -> None:
    await office.run(csv_text([row(1)]))
    shop = await by_hand(office, row(1), "Warung Tangan")
    text = csv_text([row(1, NAMA_USAHA="Warung Tangan", ALAMAT="", MODAL="", OMSET="")])
    before = await office.footprint()
    assert (await office.run(text)).totals()["same"] == 1
    after = await office.footprint()
    assert (*after[:4], *after[5:]) == (*before[:4], *before[5:])
    owner_id = await office.pool.fetchval("SELECT id FROM owner")
    profile = Profile((owner_id,), "Warung Ganti", None, None, "64.71.01.1001", "kuliner", None, None, None, None)
    command = rules.ChangeBusiness(shop, 1, profile)
    await deed(office, lambda c: handlers.change_business(c, office.ring, command, cause(), None))
    job = await office.run(csv_text([row(1, NAMA_USAHA="Warung Tangan", OMSET="48.000.000")]))
    assert job.totals()["changed"] == 1
    assert len(await shops(office)) == 2


async def test_figures_that_a_file_changes_are_held_against_the_class_that_is_recorded(office: Office) -> None:
    await office.run(csv_text([row(1, MODAL="", OMSET=LOW)]))
    [shop] = await shops(office)
    assert (shop["class"], shop["flags"]) == ("mikro", [])
    job = await office.run(csv_text([row(1, MODAL="", OMSET=HIGH)]))
    [shop] = await shops(office)
    assert (shop["class"], shop["flags"], shop["sales"]) == ("mikro", ["kelas_bertentangan"], 20_000_000_000)
    assert await codes(office, job) == {"KELAS_BERTENTANGAN"}
    job = await office.run(csv_text([row(1, MODAL="", OMSET=LOW, ALAMAT="Jl. Lain")]))
    [shop] = await shops(office)
    assert (shop["flags"], await codes(office, job)) == ([], set())


async def test_what_a_corrected_file_mends_is_no_flag_any_more(office: Office) -> None:
    await office.run(csv_text([row(1, NIB="12345"), row(2, NIB="1234567890123"), row(3, NIB="1234567890123")]))
    flags = [shop["flags"] for shop in await shops(office)]
    assert flags == [["nib_format"], [], ["nib_ganda"]]
    await office.run(csv_text([row(1, NIB="1234567890124"), row(3, NIB="1234567890123", OMSET="48.000.000")]))
    assert [shop["flags"] for shop in await shops(office)] == [[], [], ["nib_ganda"]]
    await office.run(csv_text([row(3, NIB="1234567890125")]))
    assert [shop["flags"] for shop in await shops(office)] == [[], [], []]


async def test_what_is_outside_the_programme_is_so_by_all_that_is_known(office: Office) -> None:
    await office.run(csv_text([row(1, MODAL="60.000.000.000", OMSET="")]))
    assert (await shops(office))[0]["flags"] == ["kelas_di_luar_program"]
    await office.run(csv_text([row(1, MODAL="", OMSET="60.000.000.000")]))
    assert (await shops(office))[0]["flags"] == ["kelas_di_luar_program"]
    await office.run(csv_text([row(1, MODAL="100.000.000", OMSET="300.000.000")]))
    assert (await shops(office))[0]["flags"] == ["kelas_bertentangan"]  # it is recorded as besar still


@pytest.mark.security(line="S12")
async def test_an_owner_erased_while_a_chunk_is_on_its_way_leaves_no_natural_key(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.run(csv_text([row(1)]))
    shop = await by_hand(office, row(1), "Warung Tangan")
    write = writing.write

    async def write_late(*order: Any) -> Any:
        if not erased:
            erased.append(await erase(office, "Pemilik 1"))
        return await write(*order)

    erased = list[UUID]()
    monkeypatch.setattr(writing, "write", write_late)
    job = await office.run(csv_text([row(1, NAMA_USAHA="Warung Tangan", ALAMAT="", MODAL="", OMSET="")]))
    assert (len(erased), job.totals()["refused"], await codes(office, job)) == (1, 1, {"PEMILIK_DIHAPUS"})
    assert await office.pool.fetchval("SELECT import_key FROM business WHERE id = $1", shop) is None


async def test_a_file_that_an_older_worker_read_is_read_again(office: Office) -> None:
    text = csv_text([row(1)])
    first = await office.run(text)
    assert (await office.run(text)).repeats == first.id
    await office.pool.execute("UPDATE import_job SET rules = rules - 1")
    again = await office.run(text)
    assert (again.repeats, again.totals()["same"]) == (None, 1)
    assert (await office.run(text)).repeats == again.id
