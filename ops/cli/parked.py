"""``naikkelas parked``: events that could not be applied. What of their content is personal is not shown.

Every deed stands in the trail of the service's database, as one by its API or the page does (decision 48).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import typer

from ops.cli.access import running_stack
from ops.cli.actor import By, actor, given_reason
from ops.cli.databases import ask_database
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.stack import Stack
from shared.parked import Order, discard_one, open_parked, redrive_all, redrive_one
from shared.refusals import DeedRefusedError
from shared.topology import CONSUMING

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Events set aside.")
T = TypeVar("T")
COLUMNS = ("id", "consumer", "topic", "partition", "offset", "aggregate_id", "sequence", "kind", "reason", "attempts", "parked_at")  # fmt: skip
_QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
_LIST = f"SELECT {_QUOTED} FROM parked_event ORDER BY id LIMIT $1"  # noqa: S608 - constants
Service = Annotated[
    str,
    typer.Argument(help="The service whose consumer it is: training, events, projections, notifications or partners."),
]
ParkedId = Annotated[int, typer.Argument(help="The id that `parked list` shows.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the trail, so name no person.")]


def _with(stack: Stack, service: str, work: Callable[[asyncpg.Connection], Awaitable[T]], *, as_json: bool) -> T:
    if service not in CONSUMING:
        fail(f"{service} consumes nothing; choose one of {', '.join(CONSUMING)}.", as_json=as_json, code=2)
    try:
        return ask_database(service, stack.dsn(service, service), work, as_json=as_json)
    except DeedRefusedError as refusal:
        fail(str(refusal), as_json=as_json)


def _order(by: str | None, reason: str, *, as_json: bool) -> Order:
    said = given_reason(reason, as_json=as_json)
    return Order(actor(by), "cli", said)


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
def show(service: Service, parked_id: ParkedId, json: Json = False) -> None:
    """Show one parked event, and of its content what is not personal."""
    found = _with(running_stack(), service, lambda c: open_parked(c, service, parked_id), as_json=json)
    if found is None:
        fail(f"There is no parked event {parked_id} in {service}.", as_json=json)
    row, content = found
    told = asdict(row) | {"content": asdict(content)}
    if json:
        print_json(told)
        return
    values = [(name, value) for name, value in told.items() if name != "content"]
    print_table(("parked", "value"), [*values, ("bytes", content.size), ("unknown fields", content.unknown_fields)])
    if content.fields:
        print_table(("field", "content"), list(content.fields.items()))


@app.command()
def redrive(
    service: Service,
    reason: Reason,
    parked_id: Annotated[int | None, typer.Argument(help="Only this event, with all of its aggregate.")] = None,
    aggregate: Annotated[UUID | None, typer.Option(help="Only this aggregate; default: all.")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Ask the service's worker to try parked events again, in order; it does so within a second."""
    order = _order(by, reason, as_json=json)

    async def ask(connection: asyncpg.Connection) -> int:
        if parked_id is not None:
            return await redrive_one(connection, service, parked_id, order)
        return await redrive_all(connection, service, order, aggregate)

    count = _with(running_stack(), service, ask, as_json=json)
    if json:
        print_json({"requested": count})
    else:
        print_line(f"{count} parked events will be tried again; see `naikkelas parked list`.")


@app.command("discard")
def give_up(
    service: Service,
    parked_id: ParkedId,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this nothing is done.")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Give one parked event up; its aggregate goes on behind it."""
    if not yes:
        fail("Nothing was done: giving an event up cannot be undone; say --yes.", as_json=json, code=2)
    order = _order(by, reason, as_json=json)
    _with(running_stack(), service, lambda c: discard_one(c, service, parked_id, order), as_json=json)
    if json:
        print_json({"discarded": parked_id})
    else:
        print_line(f"Gave up parked event {parked_id} of {service}.")
