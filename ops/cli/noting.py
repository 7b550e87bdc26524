"""Deeds of the command in the trail of a service's database (decision 48)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ops.cli.databases import why_unasked
from ops.cli.output import fail
from ops.stack import Stack
from ops.stack.databases import in_database
from shared.database import SERVER_ERRORS, connected
from shared.trail import Deed, append

FAILED = "_failed"
"""Ends the name of a deed that was told before it was done, and then is not known to be done, or only in part."""


def note(stack: Stack, service: str, deed: Deed, *, as_json: bool) -> None:
    """Write a deed into the trail of a service; ends the command with a sentence if that cannot be done."""
    try:
        write(stack, service, deed)
    except SERVER_ERRORS as error:
        fail(f"The trail cannot be written. {why_unasked(service, error)}", as_json=as_json)


def write(stack: Stack, service: str, deed: Deed) -> None:
    """Write a deed into the trail of a service. Raises one of ``SERVER_ERRORS``.

    By the login of the operator: the passwords of the services are not known where servers are given.
    """
    asyncio.run(_write(in_database(stack.servers.superuser_dsn(), service), deed))


async def _write(dsn: str, deed: Deed) -> None:
    async with connected(dsn) as connection, connection.transaction():
        await append(connection, deed)


@contextmanager
def noted(stack: Stack, service: str, deed: Deed, *, as_json: bool) -> Iterator[None]:
    """Write a deed before what the block does, and after it, if it raised, that it is not known to be done, or only in part.

    For what no transaction of the database holds, such as an order to Kafka: one that was told and not done is no hole in the
    trail, one that was done and not told is.
    """
    note(stack, service, deed, as_json=as_json)
    try:
        yield
    except BaseException:  # a Ctrl-C too
        note(stack, service, replace(deed, name=f"{deed.name}{FAILED}"), as_json=as_json)
        raise
