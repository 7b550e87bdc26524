"""Migrations under load: replicas that start at once, a lock that is held, and old code on a schema that was expanded."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from random import Random
from uuid import uuid4

import asyncpg

from ops.stack.databases import SERVICES, create_database, in_database, own_schema, owner_of
from ops.stack.services import ROOT
from proof.rig import Rig, Size
from shared.database import MigrationBlockedError, Migrations, connected, migrate

REPLICAS = 3
IMPATIENT_SECONDS = 1.0

# What a next release adds before its code comes: columns, with and without a default, on the tables that commands and
# consumers write all the time.
_EXPANDED = {
    "registry": ("owner", "business", "outbox"),
    "projections": ("district_dashboard", "business_timeline", "stream_position"),
    "notifications": ("recipient", "business_contact", "message", "stream_position"),
}
_EXPAND = "ALTER TABLE {0} ADD COLUMN proof_note text, ADD COLUMN proof_count int NOT NULL DEFAULT 0;\n"
_CONTRACT = "ALTER TABLE {0} DROP COLUMN proof_note, DROP COLUMN proof_count;\n"


async def migrate_under_load(rig: Rig, size: Size, dice: Random) -> None:
    """Start replicas on an empty database; then expand every schema and contract it again, past a long transaction."""
    async with rig.fault():
        service = dice.choice(SERVICES)
        ran = await _start_replicas(rig, service)
        waited = await _migrate(rig, "expand", _EXPAND, seconds=size.away[0])
        await asyncio.sleep(max(1.0, size.away[0] / 2))  # the old code at work on the new schema
        await _migrate(rig, "contract", _CONTRACT)
    rig.notes.append(
        f"{REPLICAS} replicas of {service} on an empty database: {ran} migrations, each run once; expanding the schemas "
        f"waited {waited:.1f} s for a transaction held for {size.away[0]:g} s"
    )


async def _start_replicas(rig: Rig, service: str) -> int:
    """Migrate an empty database by several processes at once. Raises ``AssertionError`` if not each file ran once."""
    name, server = f"proof_{uuid4().hex[:12]}", rig.stack.servers.superuser_dsn()
    connection = await asyncpg.connect(server)
    try:
        await create_database(connection, name, service, template="template0")
        await own_schema(in_database(server, name), service)
        env = rig.stack.env_for(service)
        env |= {"DATABASE_DSN": rig.stack.dsn(name, service), "MIGRATION_DSN": rig.stack.dsn(name, owner_of(service))}
        ran = Counter(chain.from_iterable(await asyncio.gather(*(_replica(service, env) for _ in range(REPLICAS)))))
        stored = await _ledger(rig.stack.dsn(name, owner_of(service)))
        assert set(ran.values()) == {1}, f"migrations that ran more than once: {ran}"
        assert stored == set(ran), f"the ledger holds {stored}, the replicas ran {set(ran)}"
        return len(ran)
    finally:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.close()


async def _replica(service: str, env: dict[str, str]) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", "migrate", env=env, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, f"a replica of {service} did not start: {said.decode()[-600:]}"
    told = [json.loads(line) for line in said.splitlines() if b'"migrated"' in line]
    return list(told[-1]["ran"])


async def _ledger(dsn: str) -> set[str]:
    async with connected(dsn) as connection:
        return {"/".join(row) for row in await connection.fetch("SELECT component, name FROM schema_migration")}


async def _migrate(rig: Rig, name: str, statement: str, seconds: float = 0.0) -> float:
    """Change the tables of every service under load; return how long the slowest took. ``seconds``: a lock is held."""
    folder = rig.folder / f"{name}-{uuid4().hex[:8]}"
    loop = asyncio.get_running_loop()
    async with _holding(rig, seconds) as pid:
        began = loop.time()
        for service, tables in _EXPANDED.items():
            (folder / service).mkdir(parents=True)
            for number, table in enumerate(tables, 1):
                (folder / service / f"{number:04}_{table}.sql").write_text(statement.format(table), encoding="utf-8")
        files = {service: Migrations(folder.name, folder / service) for service in _EXPANDED}
        if pid is not None:
            await _is_told_who_is_in_the_way(rig, files["registry"], pid)
        await asyncio.gather(*(migrate(_owner(rig, service), [item], {}) for service, item in files.items()))
        return loop.time() - began


def _owner(rig: Rig, service: str) -> str:
    return rig.stack.dsn(service, owner_of(service))


async def _is_told_who_is_in_the_way(rig: Rig, item: Migrations, pid: int) -> None:
    said = "nothing: it ran although a transaction held its table"
    try:
        await migrate(_owner(rig, "registry"), [item], {}, patience=IMPATIENT_SECONDS)
    except MigrationBlockedError as error:
        said = str(error)
    assert str(pid) in said, f"whoever holds the lock is not named; the migration says {said}"


@asynccontextmanager
async def _holding(rig: Rig, seconds: float) -> AsyncIterator[int | None]:
    """Hold the tables of owners and businesses by a transaction, for so long from now; yield its process id."""
    if not seconds:
        yield None
        return
    connection = await asyncpg.connect(rig.stack.dsn("registry", "registry"))
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("LOCK TABLE owner, business IN ROW EXCLUSIVE MODE")  # as one that has changed a row
    ending = asyncio.create_task(_end_after(transaction, seconds))
    try:
        yield await connection.fetchval("SELECT pg_backend_pid()")
    finally:
        await ending
        await connection.close()


async def _end_after(transaction: asyncpg.transaction.Transaction, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await transaction.rollback()
