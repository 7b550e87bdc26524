"""A database with the kernel's tables, one aggregate table and one effect table, for tests of the delivery layer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from shared.database import create_pool, kernel_migrations, migrate
from tests.kernel.delivery import AGGREGATE_TABLE

EFFECT_TABLE = """
CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, aggregate_id uuid, sequence bigint,
                     PRIMARY KEY (aggregate_id, sequence))
"""


@dataclass(frozen=True, slots=True)
class KernelDatabase:
    """The database, by a pool of the running login and by name."""

    pool: asyncpg.Pool
    dsn: str
    owner_dsn: str

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Give a connection of the running login."""
        async with self.pool.acquire() as connection:
            yield connection


@pytest.fixture
async def kernel_db(empty_db: Any) -> AsyncIterator[KernelDatabase]:
    """A fresh database for one test."""
    login = empty_db.dsn.split("://")[1].split(":")[0]
    roles = {"app_role": login, "audit_role": "audit"}
    await migrate(empty_db.migrate_dsn, kernel_migrations("outbox", "consumer", "trail"), roles)
    owner = await asyncpg.connect(empty_db.migrate_dsn)
    await owner.execute(f"{AGGREGATE_TABLE}; {EFFECT_TABLE}; GRANT ALL ON thing, effect TO {login}")
    await owner.close()
    async with await create_pool(empty_db.dsn, max_size=12) as pool:
        yield KernelDatabase(pool, empty_db.dsn, empty_db.migrate_dsn)
