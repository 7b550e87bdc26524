"""The trail: sealed by the database, closed to the running login, and no tampering that a verification does not find."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.database import connected
from shared.trail import Checked, Deed, Entry, Head, append, digest_of, read_newest, verify
from shared.trail.checking import FIRST_DIGEST
from shared.trail.keeping import NEWEST
from tests.kernel.conftest import KernelDatabase
from tests.stack.servers import Database

CLIENTS = 200


def deed(number: int = 1, reason: str = "salah kirim – “ulang” 🙂") -> Deed:
    return Deed("operator-a", "api", "redrive", f"parked/{number}", reason, {"count": number, "asal": "é"})


async def kinds(connection: Any, known: Head | None = None) -> list[tuple[str, int]]:
    """Return what a verification finds."""
    checked, _ = await verify(connection, known)
    return [(fault.kind, fault.number) for fault in checked.faults]


async def test_deeds_side_by_side_stand_one_after_the_other_without_gaps(kernel_db: KernelDatabase) -> None:
    async def one(number: int) -> int:
        async with kernel_db.connection() as connection:
            return await append(connection, deed(number))

    numbers = await asyncio.gather(*(one(number) for number in range(CLIENTS)))
    assert sorted(numbers) == list(range(1, CLIENTS + 1))
    async with kernel_db.connection() as connection:
        newest = await read_newest(connection, NEWEST, 2)
        assert [entry.number for entry in newest] == [CLIENTS, CLIENTS - 1]
        assert digest_of(newest[1].digest, newest[0]) == newest[0].digest


async def test_a_deed_that_is_rolled_back_leaves_no_row_and_no_gap(kernel_db: KernelDatabase) -> None:
    async with kernel_db.connection() as connection:
        await append(connection, deed())
        transaction = connection.transaction()
        await transaction.start()
        assert await append(connection, deed()) == 2
        await transaction.rollback()
        assert await append(connection, deed()) == 2


CLOSED = (
    "UPDATE trail SET reason = 'lain'",
    "DELETE FROM trail",
    "TRUNCATE trail",
    "UPDATE trail_head SET number = 0",
    "DELETE FROM trail_head",
    "SELECT * FROM trail_head",
    "ALTER TABLE trail DISABLE TRIGGER ALL",
)


@pytest.mark.security(line="S13")
async def test_who_may_write_deeds_may_not_change_them(kernel_db: KernelDatabase) -> None:
    async with kernel_db.connection() as connection:
        await append(connection, deed())
        for statement in CLOSED:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        # Whatever else a row says of itself, the database numbers, times and seals it.
        await connection.execute(
            "INSERT INTO trail VALUES (99, 'epoch', 'x', 'cli', 'y', 'z', '', '{}', decode(repeat('00', 32), 'hex'))"
        )
        [newest] = await read_newest(connection, NEWEST, 1)
        assert (newest.number, newest.at.year > 2000) == (2, True)
    owner = await asyncpg.connect(kernel_db.owner_dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute("DELETE FROM trail")
    assert await kinds(owner) == []
    await owner.close()


@pytest.mark.security(line="S13")
async def test_the_audit_may_tell_what_the_command_did_and_nothing_else(
    kernel_db: KernelDatabase, empty_db: Database
) -> None:
    async with connected(empty_db.audit_dsn) as auditor:
        assert await append(auditor, replace(deed(), way="cli")) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="of the command only"):
            await append(auditor, deed())
        for statement in (
            *(it for it in CLOSED if not it.startswith("SELECT")),
            "INSERT INTO trail (number) VALUES (7)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await auditor.execute(statement)
        assert await kinds(auditor) == []
    async with kernel_db.connection() as connection:
        assert [entry.number for entry in await read_newest(connection, NEWEST, 2)] == [1]


RESEAL = "UPDATE trail SET digest = $2 WHERE number = $1"
TAMPERING: dict[str, tuple[tuple[str, ...], list[tuple[str, int]]]] = {
    "another reason": (("UPDATE trail SET reason = 'lain' WHERE number = 3",), [("changed", 3)]),
    "another time": (("UPDATE trail SET at = at - interval '1 us' WHERE number = 2",), [("changed", 2)]),
    "a text moved to its neighbour": (
        ("UPDATE trail SET actor = actor || way, way = 'api', object = 'x' WHERE number = 1",),
        [("changed", 1)],
    ),
    "one removed": (("DELETE FROM trail WHERE number = 3",), [("missing", 4)]),
    "the first removed": (("DELETE FROM trail WHERE number = 1",), [("missing", 2)]),
    "the last removed": (("DELETE FROM trail WHERE number = 5",), [("end", 4)]),
    "one removed and the others moved up": (
        ("DELETE FROM trail WHERE number = 3", "UPDATE trail SET number = number - 1 WHERE number > 3"),
        [("changed", 3), ("changed", 4), ("end", 4)],
    ),
    "one put in between": (
        (
            "UPDATE trail SET number = number + 10 WHERE number > 2",
            "INSERT INTO trail SELECT 3, at, 'lain', way, deed, object, reason, details, digest FROM trail WHERE number = 2",
            "UPDATE trail SET number = number - 9 WHERE number > 10",
        ),
        [("changed", 3), ("changed", 4), ("changed", 5), ("changed", 6), ("end", 6)],
    ),
    "the head removed": (("DELETE FROM trail_head",), [("end", 5)]),
    "all removed": (("DELETE FROM trail",), [("end", 0)]),
}


@pytest.mark.security(line="S13")
async def test_no_tampering_by_a_superuser_is_overlooked(empty_db: Any, kernel_db: KernelDatabase) -> None:
    async with kernel_db.connection() as connection:
        for number in range(5):
            await append(connection, deed(number))
    superuser = await asyncpg.connect(empty_db.superuser_dsn)
    _, head = await verify(superuser)
    await superuser.execute("SET session_replication_role = replica; CREATE TABLE kept AS TABLE trail")
    await superuser.execute("CREATE TABLE kept_head AS TABLE trail_head")
    for name, (statements, expected) in TAMPERING.items():
        for statement in statements:
            await superuser.execute(statement)
        assert await kinds(superuser) == expected, name
        await superuser.execute("DELETE FROM trail; INSERT INTO trail TABLE kept")
        await superuser.execute("DELETE FROM trail_head; INSERT INTO trail_head TABLE kept_head")
    assert await kinds(superuser, head) == []
    # Who writes the whole chain anew, head included, is found by an end that was kept elsewhere.
    await superuser.execute("UPDATE trail SET reason = 'lain' WHERE number = 4")
    before = FIRST_DIGEST
    for entry in reversed(await read_newest(superuser, NEWEST, 10)):
        before = digest_of(before, entry)
        await superuser.execute(RESEAL, entry.number, before)
    await superuser.execute("UPDATE trail_head SET digest = $1", before)
    assert await kinds(superuser) == []
    assert await kinds(superuser, head) == [("known", 5)]
    await superuser.execute("DELETE FROM trail")
    await superuser.execute("UPDATE trail_head SET number = 0, digest = $1", FIRST_DIGEST)
    assert await kinds(superuser) == []
    assert await kinds(superuser, head) == [("known", 5)]
    await superuser.close()


TEXTS = st.text(max_size=8)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), min_size=2, max_size=6)
MOMENT = datetime(2026, 11, 27, tzinfo=UTC)


def chain(rows: list[tuple[str, str, str, str, str]]) -> list[Entry]:
    """Return rows as the database would seal them."""
    found: list[Entry] = []
    for number, (actor, name, thing, reason, details) in enumerate(rows, 1):
        at = MOMENT + timedelta(microseconds=number)
        entry = Entry(number, at, actor, "api", name, thing, reason, details, b"")
        before = found[-1].digest if found else FIRST_DIGEST
        found.append(replace(entry, digest=digest_of(before, entry)))
    return found


def found_in(entries: list[Entry], head: Head) -> int:
    checked = Checked()
    checked.take(entries)
    checked.end(head)
    return len(checked.faults)


@settings(max_examples=30)
@given(ROWS, st.data())
@pytest.mark.security(line="S13")
def test_a_chain_holds_until_anything_of_it_is_another(rows: list[Any], data: st.DataObject) -> None:
    entries = chain(rows)
    head = Head(len(entries), entries[-1].digest)
    assert found_in(entries, head) == 0
    where = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(("actor", "way", "deed", "thing", "reason", "details")))
    other = replace(entries[where], **{field: getattr(entries[where], field) + data.draw(st.text(min_size=1))})
    assert found_in([*entries[:where], other, *entries[where + 1 :]], head) > 0
    assert found_in(entries[:where] + entries[where + 1 :], head) > 0
    assert found_in([*entries[: where + 1], entries[where], *entries[where + 1 :]], head) > 0
