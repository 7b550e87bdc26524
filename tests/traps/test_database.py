"""Trap 20: asyncpg's pool takes session state away, and a dead connection's LISTEN says nothing.

Not shown: ``wait_for`` around a transaction (a race, not to be had on demand); the bounds of the house are asserted.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from shared import database
from shared.database import COMMAND_TIMEOUT_SECONDS, SERVER_ERRORS, create_pool, is_infrastructure_error
from shared.relay.leadership import Leadership
from tests.stack.servers import Database
from tests.traps.rig import until

LOCK = "SELECT pg_try_advisory_lock(7)"


async def test_20_a_pooled_connection_gives_its_locks_back_and_a_dedicated_one_keeps_them(empty_db: Database) -> None:
    async with asyncpg.create_pool(empty_db.dsn) as pool:
        other = await asyncpg.connect(empty_db.dsn)
        async with pool.acquire() as connection:
            assert await connection.fetchval(LOCK) is True
            assert await other.fetchval(LOCK) is False
        assert await other.fetchval(LOCK) is True  # the leader never knew
        async with pool.acquire() as connection:
            assert await connection.fetchval(LOCK) is False  # held by a connection of its own, as the relay does
        await other.close()


async def test_20_our_pool_gives_a_connection_back_as_it_is(empty_db: Database) -> None:
    async with await create_pool(empty_db.dsn, max_size=1) as pool:
        async with pool.acquire() as connection:
            process = await connection.fetchval("SELECT pg_backend_pid()")
            await connection.execute("SET application_name = 'left behind'")
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") == process
            assert await connection.fetchval("SHOW application_name") == "left behind"


async def test_20_a_listener_dies_silently_and_a_question_finds_it_out(empty_db: Database) -> None:
    listening, heard = await asyncpg.connect(empty_db.dsn), []

    def hear(*arguments: Any) -> None:
        heard.append(arguments)

    await listening.add_listener("c", hear)
    killer = await asyncpg.connect(empty_db.superuser_dsn)
    await killer.execute("SELECT pg_terminate_backend($1)", listening.get_server_pid())
    await until(listening.is_closed)
    await killer.execute("NOTIFY c")
    await killer.close()
    assert heard == []
    with pytest.raises(asyncpg.InterfaceError):
        await Leadership(listening).confirm()  # the relay asks before each publish


async def test_20_every_statement_of_our_pool_is_bounded(empty_db: Database) -> None:
    async with await create_pool(empty_db.dsn) as pool, pool.acquire() as connection:
        assert connection._config.command_timeout == COMMAND_TIMEOUT_SECONDS
        await asyncio.wait_for(connection.fetchval("SELECT 1"), 5)


async def test_20_a_transaction_that_is_left_between_two_words_lets_its_rows_go(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "TRANSACTION_TIMEOUT", "500ms")
    other = await asyncpg.connect(empty_db.migrate_dsn)
    await other.execute("CREATE TABLE thing AS SELECT 0 AS version")
    async with await create_pool(empty_db.migrate_dsn, max_size=1) as pool:
        async with pool.acquire() as frozen:
            transaction = frozen.transaction()
            await transaction.start()
            await frozen.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            await frozen.execute("UPDATE thing SET version = 1")
            await frozen.prepare("SELECT 1")  # parsed, and never executed: the session is active, not idle
            await other.execute("UPDATE thing SET version = version + 10")
            with pytest.raises(SERVER_ERRORS) as caught:
                await transaction.commit()
            assert is_infrastructure_error(caught.value)
        assert await pool.fetchval("SELECT version FROM thing") == 10
    await other.close()


@pytest.mark.parametrize("error", [asyncpg.IdleInTransactionSessionTimeoutError, asyncpg.TransactionTimeoutError])
def test_20_what_the_server_ended_may_be_tried_again(error: type[asyncpg.PostgresError]) -> None:
    assert is_infrastructure_error(error("ended"))
