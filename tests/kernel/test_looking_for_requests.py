"""What a consumer asks of its parked events, each second and with each batch, costs nothing for those that only lie there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.consumer import redrive, store
from shared.database import connected
from tests.kernel.conftest import KernelDatabase
from tests.plans import rows_touched

PARKED = 4_000
SUBJECTS = 100
"""Aggregates of a batch, of which nothing is parked."""
STEPS = 5
"""Rows that the nodes of a plan may touch for each that is found, and if none is."""
PARK = """
INSERT INTO parked_event (consumer, topic, partition, "offset", aggregate_id, sequence, kind, reason, headers, value)
SELECT 'tester', 'uji', 0, n, CASE WHEN n % 2 = 0 THEN gen_random_uuid() END, CASE WHEN n % 2 = 0 THEN 2 END,
       'unreadable', 'EnvelopeError', '[]', convert_to(repeat('x', 500), 'UTF8')
FROM generate_series(1, $1) AS n
"""
LAST_OF_EACH = "SELECT max(id) FROM parked_event GROUP BY aggregate_id IS NULL"
ASK = f"UPDATE parked_event SET redrive_requested_at = now() WHERE id IN ({LAST_OF_EACH})"
ONE = "SELECT aggregate_id FROM parked_event WHERE aggregate_id IS NOT NULL ORDER BY id DESC LIMIT 1"


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics"])
async def test_what_lies_parked_is_not_read_by_who_asks_for_something_else(
    kernel_db: KernelDatabase, analysed: bool
) -> None:
    await kernel_db.pool.execute(PARK, PARKED)
    if analysed:
        async with connected(kernel_db.owner_dsn) as owner:
            await owner.execute("ANALYZE parked_event")
    one = await kernel_db.pool.fetchval(ONE)
    asked: list[tuple[str, tuple[Any, ...]]] = [
        (redrive._REQUESTED, ("tester",)),
        (redrive._HOMELESS, ("tester",)),
        (redrive._ROWS, ("tester", one)),
        (redrive._TOPIC, ("tester", one)),
        (store._PARKED, ("tester", [uuid4() for _ in range(SUBJECTS)])),
    ]
    async with kernel_db.connection() as connection:
        for found in ([0, 0, 1, 1, 0], [1, 1, 1, 1, 0]):
            for (statement, arguments), rows in zip(asked, found, strict=True):
                assert len(await connection.fetch(statement, *arguments)) == rows, statement
                assert await rows_touched(connection, statement, *arguments) <= STEPS * (rows + 1), statement
            await connection.execute(ASK)
