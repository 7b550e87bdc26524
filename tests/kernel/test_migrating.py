"""Migrations beside work: one runner, no command held up, and who is in the way is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from shared.database import MigrationBlockedError, Migrations, is_infrastructure_error, migrate
from tests.stack.servers import Database


@pytest.fixture
def migrations(tmp_path: Path) -> Migrations:
    (tmp_path / "0001_thing.sql").write_text("CREATE TABLE thing (id int PRIMARY KEY);", encoding="utf-8")
    return Migrations("test", tmp_path)


@pytest.fixture
async def holder(empty_db: Database, migrations: Migrations) -> AsyncIterator[asyncpg.Connection]:
    """Somebody in whose open transaction ``thing`` was changed."""
    await migrate(empty_db.migrate_dsn, [migrations], {})
    connection = await asyncpg.connect(empty_db.migrate_dsn)
    await connection.execute("BEGIN; INSERT INTO thing VALUES (1)")
    yield connection
    await connection.close()


def widen(migrations: Migrations) -> None:
    """Write the next migration: it needs the table for itself."""
    path = migrations.folder / "0002_note.sql"
    path.write_text("ALTER TABLE thing ADD COLUMN note text;", encoding="utf-8")


async def test_of_many_that_start_at_once_one_runs_each_migration(empty_db: Database, migrations: Migrations) -> None:
    ran = await asyncio.gather(*(migrate(empty_db.migrate_dsn, [migrations], {}) for _ in range(4)))
    assert sorted(ran) == [[], [], [], ["test/0001_thing.sql"]]


async def test_a_migration_waits_for_a_long_transaction_and_holds_nobody_up(
    empty_db: Database, migrations: Migrations, holder: asyncpg.Connection
) -> None:
    widen(migrations)
    other = await asyncpg.connect(empty_db.migrate_dsn)
    migrating = asyncio.create_task(migrate(empty_db.migrate_dsn, [migrations], {}))
    slowest, number, end = 0.0, 1, monotonic() + 2.5
    while (began := monotonic()) < end:
        number += 1
        await other.execute("INSERT INTO thing VALUES ($1)", number)
        slowest = max(slowest, monotonic() - began)
    assert not migrating.done()
    await holder.execute("COMMIT")
    assert await migrating == ["test/0002_note.sql"]
    assert slowest < 2.0, "a command waited behind the migration's own wait for longer than its lock_timeout"
    await other.close()


async def test_whoever_stays_in_the_way_is_named_and_the_schema_is_as_it_was(
    empty_db: Database, migrations: Migrations, holder: asyncpg.Connection
) -> None:
    widen(migrations)
    pid = await holder.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(MigrationBlockedError, match=rf"test/0002_note.sql did not run: .*\b{pid}\b"):
        await migrate(empty_db.migrate_dsn, [migrations], {}, patience=0.0)
    await holder.execute("COMMIT")
    columns = await holder.fetch("SELECT attname FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attnum > 0")
    assert [row[0] for row in columns] == ["id"]


async def test_a_statement_that_was_prepared_before_a_migration_is_no_fault_of_the_data(
    empty_db: Database, migrations: Migrations, holder: asyncpg.Connection
) -> None:
    await holder.execute("COMMIT")
    await holder.fetch("SELECT * FROM thing")
    widen(migrations)
    await migrate(empty_db.migrate_dsn, [migrations], {})
    transaction = holder.transaction()
    await transaction.start()
    with pytest.raises(asyncpg.InvalidCachedStatementError) as caught:
        await holder.fetch("SELECT * FROM thing")
    await transaction.rollback()
    assert is_infrastructure_error(caught.value)
    async with holder.transaction():
        assert await holder.fetch("SELECT * FROM thing") == [(1, None)]
