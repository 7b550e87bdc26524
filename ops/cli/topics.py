"""``naikkelas topics``: topics, users and rights as declared in ``shared/topology.py``."""

from __future__ import annotations

import typer

from ops.cli.access import running_stack
from ops.cli.actor import By, actor
from ops.cli.noting import noted
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.kafka_admin.client import NO_ANSWER, operator_client, why_not
from ops.kafka_admin.plan import Plan, TopologyError, apply_plan, make_plan
from ops.stack import Stack
from shared.topology import DECLARED_TOPICS, EVERY_AGENCY, PRINCIPALS
from shared.trail import Deed

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Topics, users and rights.")
DIFFERS = 3
AS_DECLARED = "the broker was made to match the declarations"
"""What the trail says of it; there is no other reason."""


def _plan(stack: Stack, *, as_json: bool) -> Plan:
    try:
        return make_plan(operator_client(stack.credentials("operator")), DECLARED_TOPICS, PRINCIPALS)
    except TopologyError as error:
        fail(str(error), as_json=as_json)
    except NO_ANSWER as error:
        fail(f"Kafka does not answer: {why_not(error)}.", as_json=as_json)


def _print(plan: Plan, *, as_json: bool, applied: bool) -> None:
    if as_json:
        print_json({"matches": plan.empty, "applied": applied, **plan.as_json()})
        return
    for line in plan.lines():
        print_line(line)
    if plan.empty:
        print_line("The broker matches the declarations.")


@app.command()
def plan(json: Json = False) -> None:
    """Show what differs between broker and declarations. Exit code 3 if anything does."""
    found = _plan(running_stack(), as_json=json)
    _print(found, as_json=json, applied=False)
    raise typer.Exit(0 if found.empty else DIFFERS)


@app.command()
def apply(by: By = None, json: Json = False) -> None:
    """Make the broker match: topics, settings, users, exact rights. Rights that are not declared are taken away."""
    stack = running_stack()
    found = _plan(stack, as_json=json)
    if not found.empty:
        # The broker is nobody's alone. Its deeds stand where those on keys do: with the service that all others need.
        deed = Deed(actor(by), "cli", "apply_topics", "topics", AS_DECLARED, {"changes": found.lines()})
        with noted(stack, "registry", deed, as_json=json):
            _apply(stack, found, as_json=json)
    _print(found, as_json=json, applied=True)


def _apply(stack: Stack, plan: Plan, *, as_json: bool) -> None:
    try:
        apply_plan(operator_client(stack.credentials("operator")), plan, lambda name: stack.credentials(name).password)
    except TopologyError as error:
        fail(str(error), as_json=as_json)
    except NO_ANSWER as error:
        fail(
            f"It is not known to be done, or only in part ({why_not(error)}): look with `naikkelas topics plan`, and apply again.",
            as_json=as_json,
        )


@app.command("list")
def list_topics(json: Json = False) -> None:
    """List the declared topics and who reads and writes them."""
    rows = [
        (
            topic.name,
            topic.partitions,
            ", ".join(item.name for item in PRINCIPALS if topic.name in item.writes),
            ", ".join(item.name for item in (*PRINCIPALS, EVERY_AGENCY) if topic.name in item.reads),
        )
        for topic in DECLARED_TOPICS
    ]
    headings = ("topic", "partitions", "written by", "read by")
    if json:
        print_json([dict(zip(headings, row, strict=True)) for row in rows])
    else:
        print_table(headings, rows)
