"""PostgreSQL: the pool, named statements, migrations, and which errors are the infrastructure's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import asyncpg
import structlog

log = structlog.get_logger(__name__)

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection

SERVER_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    EOFError,
)
"""What talking to PostgreSQL may raise; ``is_infrastructure_error`` tells which of them waiting can mend."""

CONNECT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 30.0
TRANSACTION_TIMEOUT = "30s"
"""So long a transaction of a pool lasts at most: then the server ends it, whatever it waits for. A process that is frozen in the middle of
one would hold its rows for as long as it is frozen; ``idle_in_transaction_session_timeout`` does not see it between the words of a statement."""
PATIENCE_SECONDS = 120.0
"""How long a migration waits for others, all tries together."""
AGAIN_SECONDS = 1.0
LOCK_TIMEOUT = "200ms"
MIGRATION_LOCK = 0x6E61696B  # "naik": one advisory lock for every migrating process of a database

_INFRASTRUCTURE_STATES = (
    "08",  # connection
    "25006",  # read only (a replica during a failover)
    "25P03",  # ended by the server: the transaction did nothing for too long
    "25P04",  # ended by the server: the transaction took too long
    "40001",  # serialization
    "40P01",  # deadlock
    "53",  # disk full, memory, too many connections
    "55P03",  # lock not available
    "57",  # cancelled, shut down, starting
    "58",  # system error
)


_SCHEMA_MOVED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""A migration changed a table while a statement on it was prepared: the next try prepares it anew."""


def is_infrastructure_error(error: BaseException) -> bool:
    """Tell whether waiting and trying again can help: the database's or the network's fault, not the data's."""
    if isinstance(error, _SCHEMA_MOVED):
        return True
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith(_INFRASTRUCTURE_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, asyncpg.DataError | ValueError)
    # An internal client error is a connection that was cut in the middle of a word: only a new one helps.
    return isinstance(error, asyncpg.InternalClientError | OSError | TimeoutError | EOFError)


@asynccontextmanager
async def connected(dsn: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """Give one connection, with these settings of the server, and close it. Raises what asyncpg raises."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def create_pool(dsn: str, *, min_size: int = 1, max_size: int = 10) -> asyncpg.Pool:
    """Return an open pool; every statement and every transaction is bounded to 30 s. Raises what asyncpg raises.

    A connection is given back as it is, but for a transaction left open, which is rolled back: leave nothing on a session
    (only ``SET LOCAL``, only locks of transactions). Clearing it costs each command a round trip.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        timeout=CONNECT_SECONDS,
        server_settings={"transaction_timeout": TRANSACTION_TIMEOUT},
        reset=_leave_as_it_is,
    )


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Run nothing on a connection that goes back."""


class Queries:
    """Named statements of one ``.sql`` file, each an attribute."""

    def __init__(self, statements: dict[str, str], path: Path) -> None:
        self._statements = statements
        self._path = path

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"{self._path.name} has no statement named {name}") from None

    def names(self) -> frozenset[str]:
        """Return the names of all statements."""
        return frozenset(self._statements)


_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


def load_queries(path: Path) -> Queries:
    """Read the statements of ``path``: blocks that begin with ``-- name: <name>`` and a comment that describes them.

    Raises ``ValueError`` for a name that stands twice or a statement without description.
    """
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    statements: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in statements:
            raise ValueError(f"{path.name}: statement {name} stands twice")
        if not body.lstrip("\n").startswith("-- "):
            raise ValueError(f"{path.name}: statement {name} has no description")
        statements[name] = body.strip().rstrip(";")
    return Queries(statements, path)


async def write_rows(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement that takes rows as columns (``unnest``), whatever their number. No row is nothing to do."""
    if rows:
        await connection.execute(statement, *zip(*rows, strict=True))


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one component: ``NNNN_*.sql`` in a folder, run in order, each in a transaction."""

    component: str
    folder: Path

    def files(self) -> list[Path]:
        """Return the files in the order they run."""
        return sorted(self.folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))


KERNEL_SQL = Path(__file__).parent / "sql"


def kernel_migrations(*components: str) -> list[Migrations]:
    """Return the kernel's migrations by name: ``outbox``, ``consumer``, ``idempotency``, ``partners``, ``trail``."""
    return [Migrations(f"shared/{name}", KERNEL_SQL / name) for name in components]


class MigrationChangedError(RuntimeError):
    """A migration that already ran stands in the code with another text."""


_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
    component text NOT NULL, name text NOT NULL, sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (component, name))
"""


class MigrationBlockedError(RuntimeError):
    """Somebody held what a migration needs for longer than it waits; the message says who."""


async def migrate(
    dsn: str, migrations: Sequence[Migrations], roles: dict[str, str], *, patience: float = PATIENCE_SECONDS
) -> list[str]:
    """Run what has not run yet, one process at a time, and return the names of what ran.

    ``roles`` fills ``${app_role}`` and ``${audit_role}`` in the files. Where a lock is held elsewhere, a migration gives up
    after 0.2 s, because all commands queue behind that wait, and tries again each second for ``patience`` seconds.
    Raises ``MigrationChangedError`` if a file changed after it ran, ``MigrationBlockedError``.
    """
    files = [(item.component, path, path.read_text(encoding="utf-8")) for item in migrations for path in item.files()]
    async with connected(dsn) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
            log.info("migration_waits", reason="another process migrates this database")
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        await connection.execute(_LEDGER)
        await _show_ledger(connection, roles.get("audit_role"))
        await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        done = {(r["component"], r["name"]): r["sha256"] for r in await connection.fetch("TABLE schema_migration")}
        return [
            f"{component}/{path.name}"
            for component, path, text in files
            if await _apply_patiently(connection, component, path.name, text, done, roles, monotonic() + patience)
        ]


async def _show_ledger(connection: asyncpg.Connection, role: str | None) -> None:
    """Let the login that only looks read what ran (`naikkelas doctor`); a ledger that shows it already is left alone."""
    if role is not None and not await connection.fetchval(_SHOWN, role):
        await connection.execute(_fill("GRANT SELECT ON schema_migration TO ${role}", {"role": role}))


_SHOWN = "SELECT has_table_privilege($1, 'schema_migration', 'SELECT')"
_HOLDERS = """
SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'relation' AND granted AND pid <> pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def _apply_patiently(
    connection: asyncpg.Connection,
    component: str,
    name: str,
    text: str,
    done: dict[tuple[str, str], str],
    roles: dict[str, str],
    deadline: float,
) -> bool:
    """Apply one file as soon as nobody holds what it needs. Raises ``MigrationBlockedError``."""
    holders: set[int] | None = None
    while True:
        try:
            return await _apply(connection, component, name, text, done, roles)
        except asyncpg.LockNotAvailableError as error:
            found = {row[0] for row in await connection.fetch(_HOLDERS)}
            holders = found if holders is None else holders & found  # short transactions come and go
            pids = ", ".join(map(str, sorted(holders))) or "several, one after another"
            if monotonic() >= deadline:
                raise MigrationBlockedError(
                    f"{component}/{name} did not run: transactions hold what it needs (process {pids} of PostgreSQL); "
                    "end them, or migrate when they have ended. The schema is as it was."
                ) from error
            log.warning("migration_waits", migration=f"{component}/{name}", held_by=pids)
            await asyncio.sleep(AGAIN_SECONDS)


async def _apply(
    connection: asyncpg.Connection,
    component: str,
    name: str,
    text: str,
    done: dict[tuple[str, str], str],
    roles: dict[str, str],
) -> bool:
    digest = sha256(text.encode()).hexdigest()
    known = done.get((component, name))
    if known == digest:
        return False
    if known is not None:
        raise MigrationChangedError(f"{component}/{name} changed after it ran; write a new migration instead")
    async with connection.transaction():
        await connection.execute(_fill(text, roles))
        await connection.execute(
            "INSERT INTO schema_migration (component, name, sha256) VALUES ($1, $2, $3)", component, name, digest
        )
    return True


def _fill(text: str, roles: dict[str, str]) -> str:
    """Put role names in for ``${…}``; dollar quotes of functions stay as they are."""
    for name, role in roles.items():
        text = text.replace(f"${{{name}}}", f'"{role}"')
    return text
