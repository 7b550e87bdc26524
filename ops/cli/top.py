"""``naikkelas top``: what runs, how fast, how far behind, what is set aside; again and again until Ctrl-C."""

from __future__ import annotations

from dataclasses import asdict
from time import monotonic, sleep
from typing import Annotated

import typer
from confluent_kafka.admin import AdminClient
from rich.console import Console, Group
from rich.live import Live

from ops.cli.access import running_stack
from ops.cli.output import Json, drawn_table, print_json, print_line, print_table
from ops.kafka_admin.client import operator_client
from ops.stack import Stack
from ops.top.reading import glance
from ops.top.showing import tables
from shared.metrics.glancing import Glance, View, make_view

app = typer.Typer(add_completion=False, rich_markup_mode=None)
FIRST_SECONDS = 1.0
"""Between the two looks that the first rates come of."""


def _next(stack: Stack, admin: AdminClient, before: Glance, seconds: float) -> tuple[View, Glance]:
    """Look again, ``seconds`` after the look before."""
    sleep(max(0.0, before.at + seconds - monotonic()))
    now = glance(stack, admin)
    return make_view(now, before), now


def _drawn(view: View) -> Group:
    return Group(*(drawn_table(headings, rows, title) for title, headings, rows in tables(view)))


@app.command()
def top(
    once: Annotated[bool, typer.Option("--once", help="Look for a second, print it, and end.")] = False,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds between two looks.")] = 2.0,
    json: Json = False,
) -> None:
    """Show processes, rates, lag, outboxes and parked events, live. Where no terminal is, and with --json, once."""
    stack = running_stack()
    admin = operator_client(stack.credentials("operator"))
    view, now = _next(stack, admin, glance(stack, admin), FIRST_SECONDS)
    console = Console()
    if json:
        print_json(asdict(view))
    elif once or not console.is_terminal:
        for title, headings, rows in tables(view):
            print_line(title)
            print_table(headings, rows)
    else:
        with Live(_drawn(view), console=console, screen=True, auto_refresh=False) as live:
            while True:
                view, now = _next(stack, admin, now, every)
                live.update(_drawn(view), refresh=True)
