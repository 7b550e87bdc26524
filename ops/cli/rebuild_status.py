"""What ``naikkelas rebuild --status`` shows: the generations that are there, and how far the last rebuilds are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from ops.cli.access import running_stack
from ops.cli.databases import ask_database
from ops.cli.output import print_json, print_line, print_table
from ops.stack.databases import in_database
from services.projections.handlers.generations import Generation, RebuildRun, look_at_generations

RUNS = 10
"""Rebuilds that are shown, the newest first."""


def show_status(projections: Collection[str], *, as_json: bool) -> None:
    """Print the generations and the last rebuilds, of some projections or, where none is named, of all."""
    generations, runs = _read(projections, as_json=as_json)
    if as_json:
        told = [asdict(run) | {"state": _state(run)} for run in runs]
        print_json({"generations": [asdict(it) for it in generations], "rebuilds": told})
        return
    rows = [(it.projection, it.generation, it.state, _at(it.started_at), _at(it.swapped_at)) for it in generations]
    print_table(("projection", "generation", "state", "begun", "live since"), rows)
    if not runs:
        print_line("Nothing was rebuilt yet.")
        return
    print_table(
        ("rebuild of", "begun", "stage", "done", "of", "state", "ended"),
        [
            (
                ", ".join(run.projections),
                _at(run.started_at),
                run.stage,
                run.done,
                run.total,
                _state(run),
                _at(run.ended_at),
            )
            for run in runs
        ],
    )


def _read(projections: Collection[str], *, as_json: bool) -> tuple[list[Generation], list[RebuildRun]]:
    dsn = in_database(running_stack().servers.superuser_dsn(), "projections")
    return ask_database(
        "projections", dsn, lambda connection: look_at_generations(connection, RUNS, projections), as_json=as_json
    )


def _state(run: RebuildRun) -> str:
    """Return how a rebuild ended, that it runs, or that it was killed: it has not ended, and says nothing any more."""
    return run.outcome or ("killed" if run.silent else "running")


def _at(moment: object) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S %Z}"
