"""Asking the database of a service: one connection, and one sentence where it cannot be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from ops.cli.output import fail
from shared.database import SERVER_ERRORS, connected, is_infrastructure_error

T = TypeVar("T")
OTHER_SCHEMA = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
"""What a database says that was not brought up to date."""


def ask_database(
    service: str, dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]], *, as_json: bool, code: int = 1
) -> T:
    """Return what ``work`` finds in the database of a service; ends the command with a sentence and ``code`` if it cannot."""

    async def ask() -> T:
        async with connected(dsn) as connection:
            return await work(connection)

    try:
        return asyncio.run(ask())
    except SERVER_ERRORS as error:
        fail(why_unasked(service, error), as_json=as_json, code=code)


def why_unasked(service: str, error: Exception) -> str:
    """Return the sentence for one of ``SERVER_ERRORS`` from the database of a service."""
    if isinstance(error, OTHER_SCHEMA):
        return (
            f"The schema of {service} is not that of this release: `naikkelas migrate {service}` brings it up to date, "
            f"or the container {service}-migrate."
        )
    if isinstance(error, asyncpg.PostgresError) and not is_infrastructure_error(error):
        return f"The database of {service} refuses it ({error}): `naikkelas doctor` tells more."
    return f"The database of {service} does not answer ({type(error).__name__}): `naikkelas doctor` tells more."
