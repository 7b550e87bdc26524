"""What came of one person's facts, many times over: each row copied in the database with new ids, as fast as it can be written.

The first of each kind came through the product's own processes, so that a copy has the shape that they leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from shared.database import connected

_COLUMNS = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
"""
_COPY = """
INSERT INTO {table} ({columns}) SELECT {values}
FROM (SELECT n, {ids} FROM generate_series($1::bigint, $2::bigint) AS n) AS made
CROSS JOIN (SELECT row_to_json(t)::text AS told FROM {table} t WHERE {where} ORDER BY {order}) AS template
CROSS JOIN LATERAL json_populate_record(NULL::{table}, ({replaced})::json) AS r
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and which of its rows came of the first person. All of it is SQL of the benchmark's own."""

    name: str
    where: str
    order: str = "1"
    values: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not copied, with what stands there; ``r`` is the copy, ``n`` its number."""
    left_out: frozenset[str] = frozenset()
    """Columns that take their default."""


async def multiply(
    dsn: str, tables: Sequence[Table], ids: Sequence[str], first: int, last: int, then: str = "SELECT 1"
) -> None:
    """Copy rows for the numbers from ``first`` to ``last``, in one transaction with the statement ``then``.

    Each of ``ids`` becomes another one in each copy, and the same one in every database.
    """
    async with connected(dsn) as connection:
        async with connection.transaction():
            await connection.execute(
                "SET LOCAL session_replication_role = replica"
            )  # triggers tell rebuilds of each row
            await connection.execute("SET LOCAL synchronous_commit = off")
            for table in tables:
                await connection.execute(await _statement(connection, table, ids), first, last)
            await connection.execute(then)
        for table in tables:
            await connection.execute(f"ANALYZE {table.name}")


async def _statement(connection: asyncpg.Connection, table: Table, ids: Sequence[str]) -> str:
    rows = await connection.fetch(_COLUMNS, table.name)
    columns = [row[0] for row in rows if row[0] not in table.left_out]
    replaced = "template.told"
    for number, old in enumerate(ids):
        replaced = f"replace({replaced}, '{old}', made.i{number})"
    return _COPY.format(
        table=table.name,
        columns=", ".join(f'"{name}"' for name in columns),
        values=", ".join(table.values.get(name, f'r."{name}"') for name in columns),
        ids=", ".join(f"md5('{old}' || n)::uuid::text AS i{number}" for number, old in enumerate(ids)),
        where=table.where,
        order=table.order,
        replaced=replaced,
    )
