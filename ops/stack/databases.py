"""Databases and logins: one database for each service, a running login without DDL, a migrating one, one for the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from ops.stack.errors import StackError
from shared.database import connected

SERVICES = ("registry", "training", "events", "projections", "notifications", "partners")
AUDIT = "audit"

Password = Callable[[str], str]
"""Login → its password."""

Result = TypeVar("Result")


def owner_of(service: str) -> str:
    """Return the login that owns a service's schema."""
    return f"{service}_migrate"


def dsn_for(server: str, database: str, login: str, password: str) -> str:
    """Return a DSN of the server that ``server`` (any DSN of it) names."""
    parts = urlsplit(server)
    host = (parts.netloc.rpartition("@")[2]) or "127.0.0.1"
    return urlunsplit(
        (parts.scheme, f"{quote(login, safe='')}:{quote(password, safe='')}@{host}", f"/{database}", "", "")
    )


def in_database(dsn: str, database: str) -> str:
    """Return the DSN of the same server and login, in another database."""
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` to its end from code that is not asynchronous, also where a loop runs already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def prepare_server(superuser_dsn: str, password: Password) -> None:
    """Make what is missing of logins and databases, and set every password. Raises ``StackError``."""
    try:
        wait_for(_prepare(superuser_dsn, password))
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise StackError(
            f"PostgreSQL cannot be prepared ({type(error).__name__}: {error}): POSTGRES_DSN must name a superuser of a "
            "running server."
        ) from error


async def _prepare(superuser_dsn: str, password: Password) -> None:
    async with connected(superuser_dsn) as connection:
        for login in (AUDIT, *SERVICES, *map(owner_of, SERVICES)):
            await _ensure_login(connection, login, password(login))
        await connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
        present = {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in SERVICES:
            if service not in present:
                await create_database(connection, service, service, template="template0")
    for service in SERVICES:
        await _own_schema(in_database(superuser_dsn, service), service)


async def _ensure_login(connection: asyncpg.Connection, login: str, password: str) -> None:
    """Make a login, or set its password again: the server may have been prepared by another home."""
    statement = await connection.fetchval(
        "SELECT format(CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1) "
        "THEN 'ALTER ROLE %I LOGIN PASSWORD %L' ELSE 'CREATE ROLE %I LOGIN PASSWORD %L' END, $1::text, $2::text)",
        login,
        password,
    )
    await connection.execute(statement)


async def create_database(connection: asyncpg.Connection, name: str, service: str, template: str) -> None:
    """Make a database that only this service's logins and the audit may connect to."""
    owner = owner_of(service)
    await connection.execute(f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE "{template}"')
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{service}", "{AUDIT}"')


async def _own_schema(dsn: str, service: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(f'ALTER SCHEMA public OWNER TO "{owner_of(service)}"')
        await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await connection.execute(f'GRANT USAGE ON SCHEMA public TO "{service}", "{AUDIT}"')


async def own_schema(dsn: str, service: str) -> None:
    """Give the schema ``public`` of a new database to the service's owner, and nobody else a right to make tables."""
    await _own_schema(dsn, service)
