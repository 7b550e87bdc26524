"""Cursors after a backup was brought back: what was lost is told from what came in its place, and nothing is skipped."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.backup.restoring import _begin_anew
from services.partners.domain.cursors import Cursor, read_cursor, write_cursor
from services.partners.domain.refusals import CursorAgencyError, CursorStreamError
from services.partners.store import migrations
from shared.database import Migrations, connected, migrate
from tests.desk import rule_of
from tests.partners.bureau import Bureau
from tests.partners.receiving import agree_and_register
from tests.partners.replaying import ask, replay, shown
from tests.stack.servers import Database

KEPT = 3
"""Events of the stream that the backup holds."""
LOST = {"beyond": 5, "inside": 2}
HISTORIES = "0015_histories.sql"
ROLES = {"app_role": "registry", "audit_role": "audit"}


async def set_back(bureau: Bureau, *, kept: int = KEPT, forget: bool = False) -> None:
    """Leave of the businesses' stream what a backup holds, and begin anew as a restore does.

    ``forget``: the backup is from before any that was brought back.
    """
    async with connected(bureau.database.superuser_dsn) as connection:
        for table in ("event_body", "event"):
            await connection.execute(f"DELETE FROM {table} WHERE stream = 'business' AND position > $1", kept)
        await connection.execute("UPDATE stream SET last = $1 WHERE name = 'business'", kept)
        if forget:
            await connection.execute("DELETE FROM history_beginning")
            await connection.execute("DELETE FROM history WHERE number > 1")
    await _begin_anew(bureau.database.superuser_dsn)


async def cursor_after(bureau: Bureau, count: int) -> str:
    """Return the cursor after so many events from the beginning."""
    return str((await bureau.read(limit=count))[1].headers["Feed-Next"])


async def subjects_after(bureau: Bureau, cursor: str) -> list[str]:
    return [event.get_subject() for event in (await bureau.read(after=cursor))[0]]


async def refusal(bureau: Bureau, cursor: str) -> tuple[tuple[int, str], str]:
    """Return how a cursor is refused, and where it says to go on."""
    answer = await bureau.agency().client.get("/feed/business", params={"after": cursor})
    return rule_of(answer), answer.json()["last"]


@pytest.mark.security(line="S21")
async def test_a_cursor_of_what_a_restore_lost_is_refused_with_where_to_go_on_and_skips_nothing(bureau: Bureau) -> None:
    await bureau.agree()
    before = [str(business_id) for business_id in await bureau.businesses(6)]
    cursors = {name: await cursor_after(bureau, count) for name, count in LOST.items()}
    await set_back(bureau)
    after = [str(business_id) for business_id in await bureau.businesses(4)]  # so the stream goes beyond the cursor
    rule, last = await refusal(bureau, cursors["beyond"])
    assert rule == (409, "kursor-riwayat-lain")
    assert await subjects_after(bureau, last) == after
    assert await subjects_after(bureau, cursors["inside"]) == [*before[2:KEPT], *after]


@pytest.mark.security(line="S21")
async def test_of_several_restores_each_cursor_goes_as_far_as_its_own_history_is_held(bureau: Bureau) -> None:
    await bureau.agree()
    first = [str(business_id) for business_id in await bureau.businesses(6)]
    old, inside = await cursor_after(bureau, 5), await cursor_after(bureau, 2)
    await set_back(bureau)
    second = [str(business_id) for business_id in await bureau.businesses(4)]
    newer, shared = await cursor_after(bureau, 7), await cursor_after(bureau, 4)
    await set_back(bureau, kept=5)
    third = [str(business_id) for business_id in await bureau.businesses(3)]
    (rule, last), (newer_rule, newer_last) = await refusal(bureau, old), await refusal(bureau, newer)
    assert rule == newer_rule == (409, "kursor-riwayat-lain")
    assert await subjects_after(bureau, last) == [*second[:2], *third]
    assert await subjects_after(bureau, newer_last) == third
    assert await subjects_after(bureau, shared) == [second[1], *third]
    assert await subjects_after(bureau, inside) == [first[2], *second[:2], *third]


@pytest.mark.security(line="S21")
async def test_a_history_that_the_backup_knows_nothing_of_begins_with_what_is_kept(bureau: Bureau) -> None:
    await bureau.agree()
    first = [str(business_id) for business_id in await bureau.businesses(4)]
    await set_back(bureau)
    await bureau.businesses(2)
    gone = await cursor_after(bureau, 4)
    await set_back(bureau, forget=True)
    again = [str(business_id) for business_id in await bureau.businesses(3)]
    rule, last = await refusal(bureau, gone)
    assert rule == (409, "kursor-riwayat-lain")
    assert await subjects_after(bureau, last) == [*first[:KEPT], *again]


@pytest.mark.security(line="S21")
async def test_a_replay_answers_a_cursor_of_before_as_the_feed_does(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, "https://instansi.example/webhook")
    await bureau.businesses(6)
    cursors = {name: await cursor_after(bureau, count) for name, count in LOST.items()}
    await set_back(bureau)
    await bureau.businesses(4)
    await bureau.pool.execute("UPDATE webhook_position SET position = 7 WHERE stream = 'business'")
    answer = await ask(endpoint, after=cursors["beyond"], streams=["business"])
    assert (rule_of(answer), answer.json()["last"]) == await refusal(bureau, cursors["beyond"])
    found = await shown(endpoint, await replay(endpoint, after=cursors["inside"], streams=["business"]))
    assert [(item["after"], item["upto"]) for item in found["streams"]] == [(2, 7)]


async def test_a_backup_of_before_begins_a_history_as_it_is_migrated(empty_db: Database, tmp_path: Path) -> None:
    *kernel, newest = migrations()
    for path in newest.files():
        if path.name < HISTORIES:
            (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    await migrate(empty_db.migrate_dsn, [*kernel, Migrations(newest.component, tmp_path)], ROLES)
    async with connected(empty_db.superuser_dsn) as connection:
        await connection.execute("INSERT INTO relay_cluster (system_identifier, timeline) VALUES ('7001', 1)")
        await connection.execute("UPDATE stream SET last = 7 WHERE name = 'business'")
    await _begin_anew(empty_db.superuser_dsn)
    await migrate(empty_db.migrate_dsn, migrations(), ROLES)
    async with connected(empty_db.superuser_dsn) as connection:
        assert await connection.fetchval("SELECT max(number) FROM history") == 2
        begun = "SELECT position FROM history_beginning WHERE number = 2 AND stream = 'business'"
        assert await connection.fetchval(begun) == 7
    async with connected(empty_db.dsn) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT begin_history()")


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
@pytest.mark.security(line="S21")
def test_a_cursor_says_its_history_and_belongs_to_one_agency_and_stream(position: int, history: int) -> None:
    cursor = write_cursor(b"kunci", "bank", "business", position, history)
    assert read_cursor((b"kunci",), "bank", "business", cursor) == Cursor(position, history)
    assert cursor.startswith("k2." if history else "k1.")
    with pytest.raises(CursorAgencyError):
        read_cursor((b"kunci",), "ipemi", "business", cursor)
    with pytest.raises(CursorStreamError):
        read_cursor((b"kunci",), "bank", "owner", cursor)
