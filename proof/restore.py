"""A backup restores to a consistent whole: dumped while work goes on, everything lost, restored into a new cluster."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from random import Random

from ops.backup.making import dump_database
from ops.backup.manifest import Dumped, backup_order
from ops.backup.restoring import restore_databases
from ops.stack.databases import in_database
from proof.rig import Rig, Size
from shared.database import connected

SOURCE = "registry"
TABLES = {
    "registry": ("owner", "business", "business_owner", "owner_key"),
    "projections": ("business_timeline", "district_dashboard", "class_history", "class_funnel", "jobs"),
    "notifications": ("recipient", "business_contact"),
    "training": ("owner_copy", "business_copy"),
    "events": ("owner_copy", "business_copy"),
    # Where an event stands in its stream, and when it was recorded, is told again where it was consumed again.
    "partners": ("(SELECT stream, subject, sequence, event_id, type FROM event)",),
}


async def lose_everything_and_restore(rig: Rig, _: Size, __: Random) -> None:
    """Dump, lose both servers' data, restore the dumps, and let Kafka be filled from the outbox.

    Raises ``AssertionError`` if a table is another one after it, once the consumers have caught up.
    """
    *others, last = backup_order()
    assert last == SOURCE, f"{last} is dumped last: load must rest while a source of it is"
    dumped = [await asyncio.to_thread(_dump, rig, service) for service in others]  # while work goes on
    async with rig.load.paused():  # what is acknowledged after the last dump could not be there
        await rig.until_caught_up()
        dumped.append(await asyncio.to_thread(_dump, rig, SOURCE))
        before = await _hashes(rig)
        async with rig.fault():
            await asyncio.to_thread(_lose, rig)
            rig.forget_log()
            await asyncio.to_thread(_restore, rig, dumped)
        after = await _hashes(rig)
    assert after == before, f"other tables than before: {[name for name in before if before[name] != after[name]]}"


def _folder(rig: Rig) -> Path:
    folder = rig.folder / "backup"
    folder.mkdir(exist_ok=True)
    return folder


def _dump(rig: Rig, service: str) -> Dumped:
    return dump_database(rig.stack.servers.superuser_dsn(), service, _folder(rig))


def _lose(rig: Rig) -> None:
    """Kill everything and delete what the servers kept."""
    for name, started in rig.stack.record().processes.items():
        if started.alive and name != "keeper":
            rig.stack.kill(name)
    for folder in (rig.stack.home.kafka, rig.stack.home.postgres):
        shutil.rmtree(folder)


def _restore(rig: Rig, dumped: list[Dumped]) -> None:
    """Start new servers, restore the databases, start everything else."""
    rig.stack.start_servers(owned=True)
    restore_databases(rig.stack.servers.superuser_dsn(), _folder(rig), dumped, lambda *_: None)
    rig.stack.start_mailbox()
    rig.stack.start_services()


async def _hashes(rig: Rig) -> dict[str, str]:
    """Return a digest of each table, rows in the order of their text."""
    found = {}
    for service, tables in TABLES.items():
        async with connected(in_database(rig.stack.servers.superuser_dsn(), service)) as connection:
            for table in tables:
                query = f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {table} AS t"  # noqa: S608
                found[f"{service}: {table}"] = str(await connection.fetchval(query))
    return found
