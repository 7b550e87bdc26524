"""``naikkelas consumer reset``: a consumer group goes back to a moment, and reads again what it has read since (decision 51)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from confluent_kafka.admin import AdminClient

from ops.cli.access import running_stack
from ops.cli.actor import By, actor, given_reason
from ops.cli.confirming import is_sure
from ops.cli.noting import noted
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.kafka_admin.client import NO_ANSWER, operator_client, why_not
from ops.kafka_admin.groups import commit_for
from ops.kafka_admin.resetting import Move, ResetRefusedError, moving, plan_reset
from shared.topology import CONSUMING, PRINCIPALS
from shared.trail import Deed

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Consumer groups.")
NOTHING_DONE = 3
READS = {item.name: item.reads for item in PRINCIPALS if item.name in CONSUMING}


@app.callback()
def _consumer() -> None:
    """Consumer groups: go back to a moment."""


@app.command()
def reset(
    name: Annotated[str, typer.Argument(help=f"The consumer: {', '.join(CONSUMING)}.")],
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help="A moment with its zone, of the facts themselves, such as 2026-12-01T09:00:00+08:00."
        ),
    ] = None,
    to_earliest: Annotated[bool, typer.Option("--to-earliest", help="To the beginning of all that is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look and tell only; nothing is moved.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it stays in the trail, so name no person.")] = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Have a consumer read again what came since a moment. What it has applied already changes nothing a second time.

    Its workers must be stopped. It never goes forward. Exit code 0: moved, or with --dry-run could be; 1: refused, or Kafka does
    not answer; 2: wrong usage; 3: nothing was done, since it was not confirmed or nothing would be read again.
    """
    if name not in CONSUMING:
        fail(f"There is no consumer {name}; there are {', '.join(CONSUMING)}.", as_json=json, code=2)
    moment = _moment(to, to_earliest=to_earliest, as_json=json)
    why = None if dry_run else given_reason(reason, as_json=json)
    stack = running_stack()
    admin = operator_client(stack.credentials("operator"))
    moves = _plan(admin, name, moment, as_json=json)
    if not json:
        _tell(name, moves)
    wanted = list(moving(moves))
    if why is None or not wanted or not is_sure(name, f"Type {name} to move it back", yes=yes):
        if json:
            print_json({"ok": True, "moved": False, **_summary(moves)})
        else:
            print_line("Nothing was done." if dry_run or not wanted else "Nothing was done: say --yes to move it.")
        raise typer.Exit(0 if dry_run else NOTHING_DONE)
    _refuse_if_changed(name, moves, _plan(admin, name, moment, as_json=json), as_json=json)
    with noted(stack, name, _deed(name, moment, wanted, actor(by), why), as_json=json):
        _move(admin, name, wanted, as_json=json)
    if json:
        print_json({"ok": True, "moved": True, **_summary(moves)})
    else:
        print_line(f"Moved. When a worker of {name} runs it reads them again; `naikkelas lag` shows how far it is.")


def _moment(to: str | None, *, to_earliest: bool, as_json: bool) -> datetime | None:
    """Return the moment that was asked for; ``None``: the beginning."""
    if (to is None) != to_earliest:
        fail("Say either --to TIME or --to-earliest.", as_json=as_json, code=2)
    if to is None:
        return None
    try:
        moment = datetime.fromisoformat(to)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fail(f"{to} is no moment with its zone, such as 2026-12-01T09:00:00+08:00.", as_json=as_json, code=2)
    return moment


def _plan(admin: AdminClient, name: str, moment: datetime | None, *, as_json: bool) -> list[Move]:
    try:
        return plan_reset(admin, name, READS[name], moment, datetime.now(UTC))
    except ResetRefusedError as refusal:
        fail(f"Nothing was done: {refusal}", as_json=as_json)
    except NO_ANSWER as error:
        fail(f"Kafka does not answer: {why_not(error)}.", as_json=as_json)


def _refuse_if_changed(name: str, shown: list[Move], now: list[Move], *, as_json: bool) -> None:
    """End the command where another reset, or a worker, moved the group since it was shown: what was back then may be forward now."""
    if _summary(shown) != _summary(now):
        fail(f"Nothing was done: {name} moved since it was shown here. Look, and ask again.", as_json=as_json)


def _move(admin: AdminClient, name: str, moves: list[Move], *, as_json: bool) -> None:
    try:
        commit_for(admin, name, {(it.topic, it.partition): it.to for it in moves})
    except NO_ANSWER as error:
        fail(
            f"It is not known to be done, or only in part ({why_not(error)}): a worker of {name} may have come back, or Kafka is slow. "
            "Look with --dry-run, and ask again.",
            as_json=as_json,
        )


def _deed(name: str, moment: datetime | None, moves: list[Move], who: str, why: str) -> Deed:
    details = {
        "to": "earliest" if moment is None else moment.isoformat(),
        "again": sum(move.again for move in moves),
        "offsets": {f"{it.topic}/{it.partition}": [it.start, it.to] for it in moves},
    }
    return Deed(who, "cli", "reset", f"consumer/{name}", why, details)


def _tell(name: str, moves: list[Move]) -> None:
    rows = [
        (
            it.topic,
            it.partition,
            "-" if it.committed is None else it.committed,
            it.goes_on,
            it.again,
        )
        for it in moves
    ]
    print_table(("topic", "partition", "from", "to", "read again"), rows)
    print_line(f"{name} would read {sum(it.again for it in moves):,} records again.")


def _summary(moves: list[Move]) -> dict[str, object]:
    places = [
        {"topic": it.topic, "partition": it.partition, "from": it.committed, "to": it.goes_on, "again": it.again}
        for it in moves
    ]  # fmt: skip
    return {"again": sum(it.again for it in moves), "partitions": places}
