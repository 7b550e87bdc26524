"""``naikkelas rebuild``: a new generation of a projection beside the live one, compared, then swapped."""

from __future__ import annotations

import json as jsonlib
import subprocess
import sys
from typing import Annotated, Any

import typer

from ops.cli.actor import By, actor
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.cli.progress import stages
from ops.cli.rebuild_status import show_status
from ops.stack import Stack
from ops.stack.services import ROOT
from services.projections.commands import Projection

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def rebuild(
    projections: Annotated[
        list[Projection] | None, typer.Argument(help="What to rebuild; several are read in one pass.")
    ] = None,
    swap: Annotated[bool, typer.Option(help="Put the new generation in the place of the live one.")] = True,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the generation before.")] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Swap although rows differ: after a rule was mended.")
    ] = False,
    status: Annotated[
        bool,
        typer.Option("--status", help="Only show the generations, and the last rebuilds: how far, or how they ended."),
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Rebuild projections from the first event on, without downtime.

    Exit code 0: done; 1: refused or failed, and the live tables are as they were; 3: rows differ, so nothing was swapped.
    """
    if status:
        show_status(projections or (), as_json=json)
        return
    if not projections:
        fail(f"Say what to rebuild: {', '.join(Projection)}; --status shows what there is.", as_json=json, code=2)
    options = ["--by", actor(by)]
    options += [] if swap else ["--no-swap"]
    options += ["--rollback"] if rollback else []
    options += ["--accept-differences"] if accept_differences else []
    code, outcome = _run([*(projection.value for projection in projections), *options])
    if "result" not in outcome:
        fail(
            str(outcome.get("error", "The rebuild ended without a result; start it again.")),
            as_json=json,
            code=code or 1,
        )
    if json:
        print_json({"ok": code == 0, **outcome["result"]})
    else:
        _show(outcome["result"])
    raise typer.Exit(code)


def _run(arguments: list[str]) -> tuple[int, dict[str, Any]]:
    """Run the rebuild in a process of its own, with the settings of the service; return its exit code and last line."""
    environment = Stack().env_for("projections-worker")
    command = [sys.executable, "-m", "services.projections", "rebuild", *arguments]
    outcome: dict[str, Any] = {}
    with (
        stages() as tell,
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            for line in process.stdout or ():
                told = _read(line)
                if "stage" in told:
                    tell(told["stage"], told["done"], told["total"])
                elif told:
                    outcome = told
        except KeyboardInterrupt:
            # What it did so far is worth nothing and in nobody's way: the live tables are not touched before the swap.
            process.terminate()
            raise
    return process.returncode, outcome


def _read(line: str) -> dict[str, Any]:
    """Return what a line tells; nothing if it is a line of the log."""
    try:
        told = jsonlib.loads(line)
    except ValueError:
        return {}
    if isinstance(told, dict) and (told.keys() in ({"result"}, {"error"}) or "stage" in told):
        return told
    return {}


def _show(result: dict[str, Any]) -> None:
    if result["events"]:
        print_line(
            f"{result['events']} events loaded in {result['load_seconds']} s ({result['events_per_second']} per second)."
        )
    if result["comparisons"]:
        print_table(
            ("projection", "aggregates", "rows", "differing", "missing", "extra"),
            [
                (name, found["aggregates"], found["rows"], found["differing"], found["missing"], found["extra"])
                for name, found in result["comparisons"].items()
            ],
        )
    for name, found in result["comparisons"].items():
        for business in found["ids"]:
            print_line(f"  differs in {name}: {business}")
    if result["swapped"]:
        print_line(
            f"Swapped: the consumer waited {result['swap_seconds']} s, readers saw one generation or the other. "
            "`naikkelas rebuild … --rollback` goes back."
        )
    else:
        print_line("Not swapped: the live generation is as it was.")
