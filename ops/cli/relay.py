"""``naikkelas relay status``: of each shard of each outbox who publishes it, where its cursor stands, and what waits."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ops.cli.access import running_stack
from ops.cli.databases import ask_database
from ops.cli.output import Json, print_json, print_line, print_table
from ops.stack.services import PROCESSES
from shared.relay.looking import Shard, look_at_shards

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Relays of the outboxes.")
UNHELD = 3
NOBODY = "nobody"
RELAYING = tuple(process.service for process in PROCESSES if process.role == "relay")


@app.callback()
def _relay() -> None:
    """Relays of the outboxes."""


@app.command()
def status(json: Json = False) -> None:
    """Show who holds each shard, its cursor, and how many rows of the outbox wait since when. `top` has the sums, live.

    Exit code 0: every shard is held; 1: a database cannot be asked; 3: nobody holds some, so what is written there is not published.
    """
    stack = running_stack()
    found = {
        service: ask_database(service, stack.dsn(service, "audit"), look_at_shards, as_json=json)
        for service in RELAYING
    }
    unheld = {
        service: shards
        for service, all_of in found.items()
        if (shards := [it.shard for it in all_of if it.pid is None])
    }
    if json:
        print_json(
            {
                "ok": not unheld,
                "services": {service: [asdict(it) for it in shards] for service, shards in found.items()},
            }
        )
    else:
        headings = ("service", "shard", "held by", "published", "last", "cursor", "waiting", "oldest")
        print_table(headings, [_row(service, it) for service, shards in found.items() for it in shards])
        for service, shards in unheld.items():
            print_line(
                f"{service}: nobody holds {len(shards)} shards ({', '.join(map(str, shards))}); start {service}-relay."
            )
    raise typer.Exit(UNHELD if unheld else 0)


def _row(service: str, shard: Shard) -> tuple[object, ...]:
    last = "-" if shard.published_at is None else shard.published_at.isoformat(timespec="seconds")
    cursor = shard.base if shard.target is None else f"{shard.base} to {shard.target}, id {shard.last_id}"
    oldest = f"{shard.oldest_seconds:.0f} s" if shard.waiting else "-"
    return service, shard.shard, shard.holder or NOBODY, shard.published, last, cursor, shard.waiting, oldest
