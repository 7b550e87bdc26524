"""A backup restores to a consistent whole: dumped while work goes on, everything lost, restored into a new cluster."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path
from random import Random

import asyncpg

from ops.stack.databases import in_database
from ops.stack.postgres import find_programs
from proof.rig import Rig, Size

# Consumers first: one that is newer than its source would pass over facts (docs/operations.md).
DUMPED_WHILE_WORK_GOES_ON = ("projections", "notifications")
SOURCE = "registry"
TABLES = {
    "registry": ("owner", "business", "business_owner", "owner_key"),
    "projections": ("business_timeline", "district_dashboard", "class_history", "class_funnel", "jobs"),
    "notifications": ("recipient", "business_contact"),
}


async def lose_everything_and_restore(rig: Rig, _: Size, __: Random) -> None:
    """Dump, lose both servers' data, restore the dumps, and let Kafka be filled from the outbox.

    Raises ``AssertionError`` if a table is another one after it, once the consumers have caught up.
    """
    dumps = {service: rig.folder / f"{service}.dump" for service in (*DUMPED_WHILE_WORK_GOES_ON, SOURCE)}
    for service in DUMPED_WHILE_WORK_GOES_ON:
        await asyncio.to_thread(_dump, rig, service, dumps[service])
    async with rig.load.paused():  # what is acknowledged after the last dump could not be there
        await rig.until_caught_up()
        await asyncio.to_thread(_dump, rig, SOURCE, dumps[SOURCE])
        before = await _hashes(rig)
        async with rig.fault():
            await asyncio.to_thread(_lose, rig)
            rig.forget_log()
            await asyncio.to_thread(_restore, rig, dumps)
        after = await _hashes(rig)
    assert after == before, f"other tables than before: {[name for name in before if before[name] != after[name]]}"


def _program(name: str) -> str:
    return str(find_programs() / name)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{Path(command[0]).name}: {done.stderr[-800:]}"


def _dump(rig: Rig, service: str, target: Path) -> None:
    _run(_program("pg_dump"), "-Fc", "-f", str(target), in_database(rig.stack.servers.superuser_dsn(), service))


def _lose(rig: Rig) -> None:
    """Kill everything and delete what the servers kept."""
    for name, started in rig.stack.record().processes.items():
        if started.alive and name != "keeper":
            rig.stack.kill(name)
    for folder in (rig.stack.home.kafka, rig.stack.home.postgres):
        shutil.rmtree(folder)


def _restore(rig: Rig, dumps: dict[str, Path]) -> None:
    """Start new servers, restore the databases, start everything else."""
    rig.stack.start_servers(owned=True)
    for service, dump in dumps.items():
        target = in_database(rig.stack.servers.superuser_dsn(), service)
        _run(_program("pg_restore"), "--exit-on-error", "--single-transaction", "-d", target, str(dump))
    rig.stack.start_mailbox()
    rig.stack.start_services()


async def _hashes(rig: Rig) -> dict[str, str]:
    """Return a digest of each table, rows in the order of their text."""
    found = {}
    for service, tables in TABLES.items():
        connection = await asyncpg.connect(in_database(rig.stack.servers.superuser_dsn(), service))
        for table in tables:
            query = f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {table} AS t"  # noqa: S608
            found[table] = str(await connection.fetchval(query))
        await connection.close()
    return found
