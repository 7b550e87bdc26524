"""Asking PostgreSQL: the server once, and the database of each service. Nothing is changed, and no personal column is read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from ops.ledger import Ledger, read_ledger
from ops.stack.databases import in_database
from shared.database import SERVER_ERRORS

CONNECT_SECONDS = 8.0
UNANSWERED: tuple[type[Exception], ...] = (ValueError, *SERVER_ERRORS)
"""What connecting may raise: an address that is none, too."""
TRANSACTION_SECONDS = 60.0
"""Twice as long as a transaction of a service may last."""

_SERVER = """
SELECT current_setting('server_version_num')::int AS version_num, current_setting('server_version') AS version,
       pg_is_in_recovery() AS in_recovery, current_setting('max_connections')::int AS most_connections,
       (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL) AS connections,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all
"""
_SWITCHES = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name"
_LONG = """
SELECT pid, coalesce(datname, '-') AS database, coalesce(usename, '-') AS login, state,
       extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds
FROM pg_stat_activity WHERE xact_start < clock_timestamp() - $1::interval AND backend_type = 'client backend' ORDER BY xact_start
"""
_PREPARED = "SELECT count(*) FROM pg_prepared_xacts"
_DATABASE = """
SELECT pg_database_size(current_database()) AS bytes, age(datfrozenxid) AS transactions,
       to_regclass('public.parked_event') IS NOT NULL AS consumes,
       to_regprocedure('public.outbox_backlog()') IS NOT NULL AS publishes,
       coalesce(has_table_privilege(to_regclass('public.owner_key'), 'SELECT'), false) AS shows_owner_key,
       coalesce(has_table_privilege(to_regclass('public.webhook_secret'), 'SELECT'), false) AS shows_webhook_secret
FROM pg_database WHERE datname = current_database()
"""
_DEAD = """
SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 100000 AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC LIMIT 5
"""
_PARKED = "SELECT kind, count(*) FROM parked_event GROUP BY kind"
_BACKLOG = "SELECT depth, extract(epoch FROM clock_timestamp() - oldest)::float FROM outbox_backlog()"
_KEYS = {
    "shows_owner_key": """
        SELECT seen.kek_id, seen.keys, owner_key.owner_id, owner_key.wrapped
        FROM (SELECT kek_id, count(*) AS keys, max(owner_id::text)::uuid AS owner_id FROM owner_key
              WHERE wrapped IS NOT NULL GROUP BY kek_id) AS seen
        JOIN owner_key USING (owner_id) ORDER BY seen.keys DESC
    """,
    "shows_webhook_secret": """
        SELECT seen.kek_id, seen.secrets, webhook_secret.id, webhook_secret.wrapped
        FROM (SELECT kek_id, count(*) AS secrets, max(id::text)::uuid AS id FROM webhook_secret GROUP BY kek_id) AS seen
        JOIN webhook_secret USING (id) ORDER BY seen.secrets DESC
    """,
}
"""What is wrapped, by the column that says whether this login may see it: how much under each key, and one of it."""
_CLOCK = "SELECT clock_timestamp()"
SWITCHES = ("autovacuum", "fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One that has been open for long."""

    pid: int
    database: str
    login: str
    state: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """The server, as it was found."""

    version_num: int
    """As PostgreSQL counts: 180001 is 18.1."""
    version: str
    ahead_seconds: float
    """How far the server's clock is before ours; below 0 it is behind."""
    unsure_seconds: float
    """How far that may be off: half of the way there and back."""
    in_recovery: bool
    connections: int
    most_connections: int
    sees_all: bool
    """Whether this login sees the transactions of others."""
    switches: dict[str, str] = field(default_factory=dict)
    long: tuple[Transaction, ...] = ()
    prepared: int = 0
    """Transactions that were prepared and never ended."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """What is wrapped under one key, owners' keys or secrets of webhooks: how many, and one of them."""

    kek_id: str
    count: int
    bound_to: Any
    """The id that the one of them is bound to: the owner's, or the secret's own."""
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """The database of a service, as it was found."""

    service: str
    ledger: Ledger | None
    """``None``: this login may not read it."""
    bytes: int
    transactions: int
    """Age of the oldest row that was not frozen, in transactions."""
    dead: tuple[str, ...] = ()
    """Tables with more dead rows than live ones."""
    parked: dict[str, int] | None = None
    """By kind; ``None`` where nothing is consumed."""
    backlog: tuple[int, float] | None = None
    """Rows that are not published, and the age of the oldest in seconds; ``None`` where nothing is published."""
    keys: tuple[WrappedKey, ...] | None = None
    """``None`` where there are none, or this login may not read them."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """What was asked did not answer, or refused."""

    cause: str


def cause_of(error: BaseException) -> str:
    """Return an error in a few words, without the address, which may hold a password."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error).splitlines()[0].rstrip(".")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


async def look_at_server(dsn: str, service: str) -> ServerSeen | Unreachable:
    """Ask the server, by the database of ``service``: the login of who only looks may enter no other."""
    try:
        connection = await _connect(dsn, service)
    except UNANSWERED as error:
        return Unreachable(cause_of(error))
    try:
        return await _server(connection)
    except SERVER_ERRORS as error:
        return Unreachable(cause_of(error))
    finally:
        await connection.close()


async def _connect(dsn: str, service: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(in_database(dsn, service), timeout=CONNECT_SECONDS)
    except asyncpg.InvalidCatalogNameError:
        return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)


async def _server(connection: asyncpg.Connection) -> ServerSeen:
    await connection.fetchval(_CLOCK)  # the first time it is prepared too, which takes another way there and back
    before = datetime.now(UTC)
    there = await connection.fetchval(_CLOCK)
    ahead, unsure = _clock(there, before, datetime.now(UTC))
    row = dict(await connection.fetchrow(_SERVER))
    switches = {found[0]: found[1] for found in await connection.fetch(_SWITCHES, list(SWITCHES))}
    long = await connection.fetch(_LONG, timedelta(seconds=TRANSACTION_SECONDS)) if row["sees_all"] else []
    return ServerSeen(
        **row,
        ahead_seconds=ahead,
        unsure_seconds=unsure,
        switches=switches,
        long=tuple(Transaction(**dict(found)) for found in long),
        prepared=await connection.fetchval(_PREPARED),
    )


def _clock(there: datetime, before: datetime, after: datetime) -> tuple[float, float]:
    """Return how far a clock is ahead that was read between two readings of ours, and how far that may be off."""
    unsure = (after - before) / 2
    return (there - (before + unsure)).total_seconds(), unsure.total_seconds()


async def look_at_database(dsn: str, service: str) -> DatabaseSeen | Unreachable:
    """Ask the database that ``dsn`` names, as the one of a service."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except UNANSWERED as error:
        return Unreachable(cause_of(error))
    try:
        return await _database(connection, service)
    except SERVER_ERRORS as error:
        return Unreachable(cause_of(error))
    finally:
        await connection.close()


async def _database(connection: asyncpg.Connection, service: str) -> DatabaseSeen:
    row = await connection.fetchrow(_DATABASE)
    try:
        ledger: Ledger | None = await read_ledger(connection)
    except asyncpg.InsufficientPrivilegeError:
        ledger = None
    parked = await connection.fetch(_PARKED) if row["consumes"] else None
    backlog = await connection.fetchrow(_BACKLOG) if row["publishes"] else None
    shown = next((statement for shows, statement in _KEYS.items() if row[shows]), None)
    keys = None if shown is None else await connection.fetch(shown)
    return DatabaseSeen(
        service,
        ledger,
        row["bytes"],
        row["transactions"],
        tuple(found[0] for found in await connection.fetch(_DEAD)),
        None if parked is None else {found[0]: found[1] for found in parked},
        None if backlog is None else (backlog[0], backlog[1] or 0.0),
        None if keys is None else tuple(WrappedKey(*found) for found in keys),
    )


async def look_at_databases(dsn: str, services: tuple[str, ...]) -> dict[str, DatabaseSeen | Unreachable]:
    """Ask the databases of all services side by side; ``dsn`` names the server and the login."""
    found = await asyncio.gather(*(look_at_database(in_database(dsn, service), service) for service in services))
    return dict(zip(services, found, strict=True))
