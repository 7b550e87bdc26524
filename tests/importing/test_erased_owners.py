"""Old spreadsheets after an erasure: they bring nobody back, unless the owner came anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.registry.commands import EraseOwner, RegisterOwner
from services.registry.handlers.owners import erase_owner, register_owner
from services.registry.importing import store
from shared.contracts.registry import Consents
from shared.identifiers import new_id
from shared.outbox import Cause
from tests.importing.office import KELURAHAN, Office, csv_text, row

WITHOUT_NIK = {"NIK": "", "NAMA_PEMILIK": "Tanpa Nomor"}


def cause() -> Cause:
    """Return why a test does something."""
    return Cause("uji", None, "petugas-a", "command", None, datetime.now(UTC))


async def erase(office: Office, name: str) -> UUID:
    """Erase an owner by name."""
    owner_id: UUID = await office.pool.fetchval("SELECT id FROM owner WHERE name = $1", name)
    async with office.pool.acquire() as connection, connection.transaction():
        await erase_owner(connection, office.ring, EraseOwner(owner_id, None), cause())
    return owner_id


async def come_anew(office: Office, cells: dict[str, str]) -> UUID:
    """Register the owner of a row by a command, as an officer does whom they come to."""
    command = RegisterOwner(
        new_id(), cells["NAMA PEMILIK"], cells["NIK"], None, (), None, "id", None, Consents(), KELURAHAN
    )  # fmt: skip
    async with office.pool.acquire() as connection, connection.transaction():
        await register_owner(connection, office.ring, command, cause())
    return command.owner_id


async def codes_of(office: Office, job: Any) -> dict[int, tuple[str, ...]]:
    """Return the codes of each row of a job."""
    return {one.number: one.codes for one in await store.rows_after(office.pool, job.id, 0, 100) if one.codes}


@pytest.mark.parametrize("cells", [{}, WITHOUT_NIK], ids=["with a NIK", "without a NIK"])
@pytest.mark.security(line="S12")
async def test_an_old_file_does_not_bring_an_erased_owner_back(office: Office, cells: dict[str, str]) -> None:
    erased, other = row(1, **cells), row(2)
    await office.run(csv_text([erased, other]))
    await erase(office, erased["NAMA PEMILIK"])
    before = await office.footprint()
    job = await office.run(csv_text([erased, other]))
    assert (job.totals()["refused"], job.totals()["same"], job.totals()["new"]) == (1, 1, 0)
    assert [codes[-1] for codes in (await codes_of(office, job)).values()] == ["PEMILIK_DIHAPUS"]
    after = await office.footprint()
    assert after[4] - before[4] == 2  # the import's start and end
    assert (*after[:4], *after[5:]) == (*before[:4], *before[5:])
    assert await office.pool.fetchval("SELECT count(*) FROM owner WHERE name = $1", erased["NAMA PEMILIK"]) == 0


async def test_a_business_that_the_registry_never_had_is_refused_too(office: Office) -> None:
    await office.run(csv_text([row(1)]))
    await erase(office, "Pemilik 1")
    again = [row(1, NAMA_USAHA="Warung Lain"), row(1, NAMA_USAHA="Warung Lagi", NAMA_PEMILIK="Nama Lain")]
    for terms in ({"dry_run": True}, {}):
        job = await office.run(csv_text(again), **terms)
        assert (job.totals()["refused"], job.totals()["rows"], job.fact_count) == (2, 2, 0)
    assert await office.count("owner") == 1


async def test_who_comes_anew_by_a_command_is_welcome_to_spreadsheets_again(office: Office) -> None:
    await office.run(csv_text([row(1)]))
    gone = await erase(office, "Pemilik 1")
    came = await come_anew(office, row(1))
    job = await office.run(csv_text([row(1, OMSET="40.000.000")]))
    assert (job.totals()["new"], job.totals()["refused"]) == (1, 0)
    owners = await office.pool.fetch("SELECT id, erased_at IS NOT NULL AS erased FROM owner ORDER BY id")
    assert [tuple(one) for one in owners] == [(gone, True), (came, False)]
    assert await office.count("erased_person") == 0


async def test_what_is_left_is_no_digest_that_anybody_could_try(office: Office) -> None:
    await office.run(csv_text([row(1), row(2, **WITHOUT_NIK)]))
    await erase(office, "Pemilik 1")
    await erase(office, "Tanpa Nomor")
    assert await office.pool.fetchval("SELECT count(*) FROM business WHERE import_key IS NOT NULL") == 0
    assert await office.pool.fetchval("SELECT count(*) FROM owner WHERE import_key IS NOT NULL") == 0
    marks = {record["digest"] for record in await office.pool.fetch("SELECT digest FROM erased_person")}
    assert len(marks) == 2
    assert office.ring.mark(row(1)["NIK"]) in marks
    assert type(office.ring)("A" * 43 + "=").mark(row(1)["NIK"]) not in marks
