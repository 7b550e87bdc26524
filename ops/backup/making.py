"""Making a backup: the databases one after another, each in one snapshot; commands and consumers go on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg

from ops.backup import programs
from ops.backup.brokers import cluster_id
from ops.backup.manifest import NAME, Dumped, Manifest, backup_order
from ops.ledger import read_ledger
from ops.stack import Stack
from ops.stack.databases import in_database, wait_for
from ops.stack.errors import StackError
from ops.stack.home import write_private
from shared.database import SERVER_ERRORS, connected

Tell = Callable[[str, int, int], None]
"""Called with what is done, how many of it, of how many."""

UNBOUNDED = {"idle_in_transaction_session_timeout": "0", "transaction_timeout": "0", "statement_timeout": "0"}
"""The snapshot must live as long as the dump takes."""

FAULTS: tuple[type[Exception], ...] = (programs.ProgramError, *SERVER_ERRORS)

_HAS = """
SELECT to_regclass('audit.source') IS NOT NULL AS owns, to_regclass('public.outbox') IS NOT NULL AS publishes,
       coalesce(to_regclass('public.owner_key'), to_regclass('public.webhook_secret'))::text AS wrapped
"""
_SOURCE = "SELECT count(*), coalesce(sum(version), 0)::bigint FROM audit.source"
_RETAINED = "SELECT count(*) FROM outbox"
_WRAPPED = {
    "owner_key": "SELECT kek_id, count(*) FROM owner_key WHERE wrapped IS NOT NULL GROUP BY 1",
    "webhook_secret": "SELECT kek_id, count(*) FROM webhook_secret GROUP BY 1",
}
_SERVER = "SELECT current_setting('server_version'), system_identifier::text FROM pg_control_system()"


def make_backup(stack: Stack, folder: Path, tell: Tell) -> Manifest:
    """Dump every database into an empty folder and write the manifest last: without it, it is no backup. Raises ``StackError``."""
    _make_folder(folder)
    order, server = backup_order(), stack.servers.superuser_dsn()
    try:
        said, cluster = wait_for(_about(server))
        dumped = []
        for number, service in enumerate(order):
            tell("backup", number, len(order))
            dumped.append(dump_database(server, service, folder))
        tell("backup", len(order), len(order))
    except FAULTS as error:
        raise StackError(
            f"The backup in {folder} is not whole ({error}): see that POSTGRES_DSN names a superuser, and begin in an empty folder."
        ) from error
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    kafka = cluster_id(stack.credentials("operator"))
    manifest = Manifest(made_at, _release(), said.split()[0], cluster, kafka, tuple(dumped))
    write_private(folder / NAME, manifest.text())
    return manifest


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StackError(f"{folder} is not empty: name another folder, so that no earlier backup is mixed with it.")
        folder.chmod(0o700)
    except OSError as error:
        raise StackError(f"{folder} cannot be used ({error.strerror}): name another folder.") from error


def _release() -> str:
    """Return the release of this code; an image holds the code alone, and the ledgers say of which it is."""
    try:
        return version("naikkelas")
    except PackageNotFoundError:
        return "unknown"


async def _about(server: str) -> tuple[str, str]:
    """Return the server's version and the identifier of its cluster."""
    async with connected(server) as connection:
        return tuple(await connection.fetchrow(_SERVER))


def dump_database(server: str, service: str, folder: Path) -> Dumped:
    """Dump the database of a service, and return what it held in the same snapshot.

    Raises ``ProgramError``, ``StackError``, the errors of the server.
    """
    began, target = monotonic(), folder / f"{service}.dump"
    held = wait_for(_dump(in_database(server, service), target))
    target.chmod(0o600)
    seconds = round(monotonic() - began, 3)
    return Dumped(service, target.name, target.stat().st_size, digest_of(target), seconds=seconds, **held)


async def _dump(dsn: str, target: Path) -> dict[str, Any]:
    """Dump a database, and return what it held in the same snapshot."""
    async with (
        connected(dsn, **UNBOUNDED) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        held = await _held(connection)
        programs.run("pg_dump", dsn, "--format=custom", f"--snapshot={snapshot}", "--file", target)
    return held


async def _held(connection: asyncpg.Connection) -> dict[str, Any]:
    has = await connection.fetchrow(_HAS)
    aggregates, events = await connection.fetchrow(_SOURCE) if has["owns"] else (0, 0)
    wrapped = await connection.fetch(_WRAPPED[has["wrapped"]]) if has["wrapped"] else []
    return {
        "migrations": await read_ledger(connection),
        "aggregates": aggregates,
        "events": events,
        "retained": await connection.fetchval(_RETAINED) if has["publishes"] else 0,
        "keys": {row[0]: row[1] for row in wrapped},
    }


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
