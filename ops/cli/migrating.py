"""``naikkelas migrate``: the schemas first, before the code that needs them is started."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from ops.cli.access import running_stack
from ops.cli.actor import By, actor
from ops.cli.noting import note, write
from ops.cli.output import Json, fail, print_json, print_line
from ops.cli.progress import stages
from ops.ledger import Difference, compare_ledgers, declared_ledger, read_ledger
from ops.stack import Stack, StackError
from ops.stack.databases import SERVICES, in_database
from shared.database import SERVER_ERRORS, connected
from shared.trail import Deed

app = typer.Typer(add_completion=False, rich_markup_mode=None)
BROUGHT_UP = "brought up to date by the command"
"""What the trail says of it; there is no other reason."""


@app.command()
def migrate(
    services: Annotated[list[str] | None, typer.Argument(help="Services whose databases are meant (default: all).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would run; nothing is changed.")] = False,
    by: By = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Bring the databases of the stack up to date. Services go on meanwhile: what runs now works on the schema that comes.

    Exit code 0: they are, or with --dry-run could be; 1: one was changed by another release, or a migration did not run.
    """
    chosen = tuple(services or SERVICES)
    if unknown := [name for name in chosen if name not in SERVICES]:
        fail(f"There is no service {', '.join(unknown)}; there are {', '.join(SERVICES)}.", as_json=json, code=2)
    stack = running_stack()
    differing = _differing(stack, chosen, as_json=json)
    if foreign := [f"{service} ({name})" for service, it in differing.items() for name in (*it.foreign, *it.changed)]:
        fail(f"Another release changed the schema of {', '.join(foreign)}: use that one, or a newer.", as_json=json)
    if not dry_run:
        who = actor(by)
        with stages() as tell:
            for number, service in enumerate(chosen, 1):
                _migrate(stack, service, differing[service].missing, who, as_json=json)
                tell("migrate", number, len(chosen))
    _print({service: it.missing for service, it in differing.items()}, dry_run=dry_run, as_json=json)


def _migrate(stack: Stack, service: str, missing: tuple[str, ...], who: str, *, as_json: bool) -> None:
    """Bring one database up to date and note what ran, also what ran before one that did not. Raises ``StackError``."""
    try:
        stack.migrate(service)
    except BaseException as failure:  # a Ctrl-C too
        try:
            still = asyncio.run(_difference(in_database(stack.servers.superuser_dsn(), service), service)).missing
            if ran := [name for name in missing if name not in still]:
                write(stack, service, _deed(service, ran, who))
        except SERVER_ERRORS as error:
            if isinstance(failure, StackError):
                raise StackError(
                    f"{failure} What ran before it is not in the trail ({type(error).__name__})."
                ) from failure
        raise
    if missing:  # after it: the trail's own table may be among what ran
        note(stack, service, _deed(service, missing, who), as_json=as_json)


def _deed(service: str, ran: Sequence[str], who: str) -> Deed:
    return Deed(who, "cli", "migrate", f"schema/{service}", BROUGHT_UP, {"ran": list(ran)})


def _differing(stack: Stack, services: tuple[str, ...], *, as_json: bool) -> dict[str, Difference]:
    """Return how each database differs from this code; end with a sentence if one cannot be asked."""
    server = stack.servers.superuser_dsn()

    async def ask() -> dict[str, Difference]:
        return {name: await _difference(in_database(server, name), name) for name in services}

    try:
        return asyncio.run(ask())
    except SERVER_ERRORS as error:
        fail(f"PostgreSQL cannot be asked ({type(error).__name__}): `naikkelas doctor` tells more.", as_json=as_json)


async def _difference(dsn: str, service: str) -> Difference:
    async with connected(dsn) as connection:
        return compare_ledgers(declared_ledger(service), await read_ledger(connection))


def _print(missing: dict[str, tuple[str, ...]], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "would_run" if dry_run else "ran": missing})
        return
    for service, names in missing.items():
        print_line(f"{service}: {', '.join(names) or 'nothing'}")
    print_line("Nothing was done." if dry_run else "The schemas are those of this release.")
