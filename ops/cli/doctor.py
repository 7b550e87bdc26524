"""``naikkelas doctor``: looks at a deployment and explains what is not well."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ops.cli.access import running_stack
from ops.cli.output import Json, print_json, print_line
from ops.doctor.examining import examine
from ops.doctor.finding import Finding, Level, worst
from ops.doctor.settings import judge_settings
from shared.settings import WRONG_SETTINGS

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    health: Annotated[
        list[str] | None,
        typer.Option("--health", envvar="NAIKKELAS_HEALTH", help="Base URL of a process elsewhere; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Check settings, PostgreSQL, Kafka, consumers, outboxes, keys and processes; each finding says why, and what to do.

    Exit code 0: nothing is broken (there may be warnings); 1: something is; 78: settings are missing or wrong.
    """
    found = judge_settings(os.environ)
    if worst(found) is Level.FAIL:
        _print(found, as_json=json)
        raise typer.Exit(WRONG_SETTINGS)
    found += examine(running_stack(), os.environ, health or ())
    _print(found, as_json=json)
    raise typer.Exit(1 if worst(found) is Level.FAIL else 0)


def _print(found: Sequence[Finding], *, as_json: bool) -> None:
    """Print the findings, what is worst at the end, where it is still seen when all has run by."""
    if as_json:
        print_json({"ok": worst(found) is not Level.FAIL, "worst": worst(found), "findings": list(map(asdict, found))})
        return
    for level in Level:
        for finding in found:
            if finding.level is level:
                _print_one(finding)
    counts = {level: sum(finding.level is level for finding in found) for level in Level}
    print_line(f"{counts[Level.OK]} in order, {counts[Level.WARN]} to know of, {counts[Level.FAIL]} to act on.")


def _print_one(finding: Finding) -> None:
    print_line(f"{finding.level:<4}  {finding.area}: {finding.what}")
    if finding.why:
        print_line(f"      why: {finding.why}")
    if finding.do:
        print_line(f"      do:  {finding.do}")
