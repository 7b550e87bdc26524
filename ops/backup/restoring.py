"""Bringing a backup back into empty databases: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException

from ops.backup import programs
from ops.backup.brokers import records_taken
from ops.backup.fitting import Place, Target
from ops.backup.making import Tell
from ops.backup.manifest import Dumped, Manifest
from ops.stack import Stack
from ops.stack.databases import SERVICES, create_database, in_database, own_schema, wait_for
from ops.stack.errors import StackError
from ops.stack.services import MAILBOX, is_service
from ops.stack.stack import KEEPER
from services.partners.domain.lanes import EVERYONE
from shared.database import SERVER_ERRORS, connected
from shared.trail import Deed, append

_SERVER = """
SELECT current_setting('server_version') AS version, system_identifier::text AS cluster,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser
FROM pg_control_system()
"""
_LOGINS = "SELECT rolname FROM pg_roles WHERE rolcanlogin"
_CONNECTED = """
SELECT datname, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1
"""
_RELATIONS = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""


def look_at_target(stack: Stack) -> Target:
    """Return what a restore would meet. Raises ``StackError`` if PostgreSQL cannot be asked."""
    try:
        return wait_for(_target(stack))
    except SERVER_ERRORS as error:
        raise StackError(
            f"PostgreSQL cannot be asked ({type(error).__name__}): start it, or see POSTGRES_DSN."
        ) from error


async def _target(stack: Stack) -> Target:
    server = stack.servers.superuser_dsn()
    async with connected(server) as connection:
        about = dict(await connection.fetchrow(_SERVER))
        sessions = dict(await connection.fetch(_CONNECTED))
        there = {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
        logins = frozenset(row[0] for row in await connection.fetch(_LOGINS))
    places: Mapping[str, Place | None] = {
        service: Place(await _relations(in_database(server, service)), sessions.get(service, 0)) if service in there else None
        for service in SERVICES
    }  # fmt: skip
    return Target(**about, places=places, logins=logins, running=_running(stack), records=_records(stack))


async def _relations(dsn: str) -> int:
    async with connected(dsn) as connection:
        found: int = await connection.fetchval(_RELATIONS)
        return found


def _running(stack: Stack) -> tuple[str, ...]:
    record = stack.record().processes
    return tuple(n for n, it in record.items() if it.alive and is_service(n) and n not in (MAILBOX, KEEPER))


def _records(stack: Stack) -> int | None:
    try:
        return records_taken(stack.credentials("operator"))
    except KafkaException:
        return None


def restore_databases(server: str, folder: Path, dumps: Sequence[Dumped], tell: Tell) -> None:
    """Restore databases beside an empty Kafka; ``dumps`` as they were made, of a backup that fits. Raises ``StackError``; then all of them are empty again.

    Sources come first: a consumer that is older than its source catches up from what the outboxes keep.
    """
    began: list[str] = []
    try:
        for number, dumped in enumerate(reversed(dumps)):
            tell("restore", number, len(dumps))
            began.append(dumped.service)
            restore_database(server, dumped.service, folder / dumped.file)
        for service in began:
            wait_for(_begin_anew(in_database(server, service)))
        tell("restore", len(dumps), len(dumps))
    except BaseException as error:  # a Ctrl-C too: half of it would be taken for all by whoever starts the services
        wait_for(empty_databases(server, began))
        if isinstance(error, programs.ProgramError):
            raise StackError(
                f"{began[-1]} could not be restored, and all databases are empty again ({error})."
            ) from error
        raise


def note_restore(server: str, manifest: Manifest, by: str) -> None:
    """Write into the trail of each database that has one that it was restored, of what, and by whom."""
    wait_for(_note(server, manifest, by))


async def _note(server: str, manifest: Manifest, by: str) -> None:
    details = {"cluster": manifest.cluster, "events": manifest.events}
    deed = Deed(by, "cli", "restore", f"backup/{manifest.made_at}", "brought back from a backup", details)
    for dumped in manifest.databases:
        async with connected(in_database(server, dumped.service)) as connection:
            if await connection.fetchval("SELECT to_regclass('public.trail') IS NOT NULL"):
                async with connection.transaction():
                    await append(connection, deed)


def restore_database(server: str, service: str, dump: Path) -> None:
    """Restore one database, whole or not at all. Raises ``ProgramError``."""
    programs.run("pg_restore", in_database(server, service), "--exit-on-error", "--single-transaction", dump)


async def _begin_anew(dsn: str) -> None:
    """Have all that Kafka does not hold any more published again, whatever the positions of before say.

    What the outbox keeps, also where PostgreSQL's cluster is the one of before; and what is public. And have cursors that agencies were
    given of what is lost told from those of what comes in its place; a backup of a release without histories begins one as it is migrated.
    """
    async with connected(dsn) as connection:
        if await connection.fetchval("SELECT to_regclass('public.relay_cluster') IS NOT NULL"):
            await connection.execute("UPDATE relay_cluster SET system_identifier = 'restored'")
        if await connection.fetchval("SELECT to_regclass('public.kafka_position') IS NOT NULL"):
            await connection.execute("DELETE FROM kafka_position WHERE agency = $1", EVERYONE)
        if await connection.fetchval("SELECT to_regprocedure('public.begin_history()') IS NOT NULL"):
            await connection.execute("SELECT begin_history()")


async def empty_databases(server: str, services: Iterable[str]) -> None:
    """Make databases anew that were empty before they were restored into."""
    async with connected(server) as connection:
        for service in services:
            await connection.execute(f'DROP DATABASE IF EXISTS "{service}" WITH (FORCE)')
            await create_database(connection, service, service, template="template0")
            await own_schema(in_database(server, service), service)
