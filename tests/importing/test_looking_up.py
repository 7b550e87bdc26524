"""What a chunk is looked up with grows with its rows and not with the registry, whatever the planner has heard of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from services.registry.importing import writing
from services.registry.importing.apply import checked_chunks
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.reading import open_table
from services.registry.importing.rows import CheckedRow
from shared.database import connected
from shared.wita import WITA
from tests.importing.office import KELURAHAN, Office, csv_text, row
from tests.plans import Told, rows_touched
from tests.stack.servers import Database

STORED = 2_000
OTHERS = 60_000
LOOKED_UP = 1_000
STEPS = 30
"""Rows that the nodes of one statement's plan may touch for each row that is looked up."""


FILL = """
WITH made AS (SELECT gen_random_uuid() AS id, gen_random_uuid() AS shop, n FROM generate_series(1, $1) AS n), owners AS (
    INSERT INTO owner (id, version, name, name_key, kelurahan, source, registered_by)
    SELECT id, 1, 'Orang ' || n, 'orang ' || n, '64.71.01.1001', 'impor', 'uji' FROM made
), shops AS (
    INSERT INTO business (id, version, name, name_key, kelurahan, sector, class, class_source, class_as_of, status, source,
        as_of, registered_by, submitted_by)
    SELECT shop, 1, 'Toko ' || n, 'toko ' || n, '64.71.01.1001', 'kuliner', 'mikro', 'impor', '2026-11-01', 'diajukan',
        'impor', '2026-11-01', 'uji', 'uji' FROM made
)
INSERT INTO business_owner (business_id, owner_id, position) SELECT shop, id, 0 FROM made
"""


def _checked(office: Office, rows: list[dict[str, str]]) -> Iterator[list[CheckedRow]]:
    path = office.folder / "chunk.csv"
    path.write_text(csv_text(rows))
    table = open_table(path, path.name)
    return checked_chunks(
        table, Checker(table, Terms(datetime.now(WITA).date(), KELURAHAN, own_only=False)), keep_people=False
    )


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics"])
async def test_the_look_up_of_a_chunk_touches_its_own_rows(
    office: Office, registry_db: Database, analysed: bool
) -> None:
    await office.run(csv_text([row(number, NIB=f"{number:013d}", TGL_LAHIR="01/07/1990") for number in range(STORED)]))
    await office.pool.execute(FILL, OTHERS)
    if analysed:
        async with connected(registry_db.migrate_dsn) as owner_of_tables:  # the running login's ANALYZE is passed over
            for table in ("owner", "business", "business_owner"):
                await owner_of_tables.execute(f"ANALYZE {table}")
                stored = "SELECT reltuples FROM pg_class WHERE oid = $1::text::regclass"
                assert await office.pool.fetchval(stored, table) >= STORED
    # Half are known owners with another business, half are others who look like somebody that is known.
    news = [row(number, NAMA_USAHA=f"Baru {number}", NIB=f"{number + 9:013d}") for number in range(LOOKED_UP // 2)]
    others = [row(number, NIK="", TGL_LAHIR="01/07/1990") for number in range(LOOKED_UP // 2)]
    rows = next(_checked(office, news + others))
    async with office.pool.acquire() as connection, connection.transaction():
        await connection.execute(writing.PLANNER_SETTINGS)
        told = Told(connection)
        known = await writing.look_up(told, office.ring, rows, [])
        assert (len(known.owners), len(known.lookalikes)) == (LOOKED_UP // 2, LOOKED_UP // 2)
        assert len(known.nib_holders) == LOOKED_UP // 2
        touched = {query: await rows_touched(connection, query, *arguments) for query, arguments in told.asked}
    assert len(touched) >= 5
    assert {query: count for query, count in touched.items() if count > STEPS * LOOKED_UP} == {}
