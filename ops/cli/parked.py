"""``naikkelas parked``: events that could not be applied. Their content is not shown: it may be personal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import typer

from ops.cli.access import running_stack
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.stack import Stack
from shared.consumer import discard, request_redrive
from shared.database import SERVER_ERRORS

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Events set aside.")
T = TypeVar("T")
CONSUMING = ("training", "events", "projections", "notifications", "partners")
COLUMNS = ("id", "consumer", "topic", "partition", "offset", "aggregate_id", "sequence", "kind", "reason", "attempts", "parked_at")  # fmt: skip
_QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
_LIST = f"SELECT {_QUOTED} FROM parked_event ORDER BY id LIMIT $1"  # noqa: S608 - constants
Service = Annotated[
    str,
    typer.Argument(help="The service whose consumer it is: training, events, projections, notifications or partners."),
]


def _with(stack: Stack, service: str, work: Callable[[asyncpg.Connection], Awaitable[T]], *, as_json: bool) -> T:
    if service not in CONSUMING:
        fail(f"{service} consumes nothing; choose one of {', '.join(CONSUMING)}.", as_json=as_json, code=2)

    async def run() -> T:
        connection = await asyncpg.connect(stack.dsn(service, service), timeout=10)
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(run())
    except SERVER_ERRORS as error:
        fail(f"The database of {service} does not answer ({type(error).__name__}).", as_json=as_json)


@app.command("list")
def list_parked(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of each service.")] = 100,
    json: Json = False,
) -> None:
    """List parked events with their reason. Exit code 3 if there are any."""
    stack = running_stack()

    async def rows(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(_LIST, limit)]

    found = [{"service": name, **row} for name in CONSUMING for row in _with(stack, name, rows, as_json=json)]
    if json:
        print_json(found)
    elif found:
        print_table(list(found[0]), [list(row.values()) for row in found])
    else:
        print_line("Nothing is parked.")
    raise typer.Exit(3 if found else 0)


@app.command()
def redrive(
    service: Service,
    aggregate: Annotated[UUID | None, typer.Option(help="Only this aggregate; default: all.")] = None,
    json: Json = False,
) -> None:
    """Ask the service's worker to try parked events again, in order; it does so within a second."""

    async def ask(connection: asyncpg.Connection) -> int:
        return await request_redrive(connection, service, aggregate)

    count = _with(running_stack(), service, ask, as_json=json)
    if json:
        print_json({"requested": count})
    else:
        print_line(f"{count} parked events will be tried again; see `naikkelas parked list`.")


@app.command("discard")
def discard_one(
    service: Service,
    parked_id: Annotated[int, typer.Argument(help="The id that `parked list` shows.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in parked_history.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this nothing is done.")] = False,
    json: Json = False,
) -> None:
    """Give one parked event up; its aggregate goes on behind it."""
    if not yes:
        fail("Nothing was done: giving an event up cannot be undone; say --yes.", as_json=json, code=2)

    async def give_up(connection: asyncpg.Connection) -> bool:
        return await discard(connection, service, parked_id, reason)

    if not _with(running_stack(), service, give_up, as_json=json):
        fail(f"There is no parked event {parked_id} in {service}.", as_json=json)
    if json:
        print_json({"discarded": parked_id})
    else:
        print_line(f"Gave up parked event {parked_id} of {service}.")
