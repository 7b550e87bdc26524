"""An import without HTTP: a file put into a job, a worker that runs it, and a look at what came of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.database import create_pool
from shared.sealing import KeyRing
from tests.importing.office import Office
from tests.stack.servers import Database

KEK = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
async def pool(registry_db: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connections of the registry's running login."""
    pool = await create_pool(registry_db.dsn, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
def office(pool: asyncpg.Pool, tmp_path: Path) -> Office:
    """An office that imports files."""
    return Office(pool, KeyRing(KEK), tmp_path, asyncio.Event())
