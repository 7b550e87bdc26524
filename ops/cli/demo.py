"""``naikkelas demo``: the main job on real input, then the proof, then a fault made on purpose that the proof names."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import asdict
from time import monotonic
from typing import Annotated, Any, NoReturn

import httpx2
import typer

from ops.cli.agency_demo import play_agency
from ops.cli.audit import print_report, run_audit
from ops.cli.output import Json, fail, print_json, print_line, say
from ops.cli.progress import stages
from ops.cli.story import play_story
from ops.demo import Demo, DemoFailedError
from ops.demo.agency import PROCESSES
from ops.stack import Stack
from ops.stack.databases import SERVICES, owner_of
from ops.stack.stack import default_home
from shared.database import connected

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    rows: Annotated[int, typer.Option(min=1_000, help="Rows in the 34 spreadsheets together.")] = 95_000,
    cases: Annotated[int, typer.Option(min=20, help="Live cases after the import.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed, the same spreadsheets.")] = 2026,
    story: Annotated[
        bool, typer.Option("--story", help="Play a year of the office instead of the live cases.")
    ] = False,
    agency: Annotated[
        bool,
        typer.Option(
            "--agency", help="Play agencies instead: kcat, Java, Node, Python and curl read under an agreement."
        ),
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running at the end.")] = False,
    json: Json = False,
) -> None:
    """Import 34 messy spreadsheets, work live, kill processes, read the mails, and prove that nothing is lost.

    With --story the import is followed by a year of trainings, exhibitions and classes through the HTTP APIs, and its report.
    With --agency there is no import: clients read the live cases by feed, webhook and Kafka; the agreement is suspended and resumed.
    Runs in a folder of its own, which it empties first. Exit code 0: all held; 1: something did not.
    """
    if story and agency:
        raise typer.BadParameter("--story and --agency are two demos: choose one.")
    began = monotonic()
    stack = Stack(default_home() / "demo", say=say)
    stack.down(wipe=True)
    # A demo at night sends too: quiet hours are tested elsewhere.
    stack.extra_env["notifications"] = {"QUIET_HOURS": "", "RATE_EMAIL_PER_MINUTE": "60000"}
    try:
        stack.up(PROCESSES if agency else None, owned=not keep)
        if agency:
            result = play_agency(stack, cases, as_json=json)
        else:
            result = (
                play_story(stack, rows, seed, as_json=json) if story else _play(stack, rows, cases, seed, as_json=json)
            )
    finally:
        if not keep:
            stack.down()
    result["seconds"] = round(monotonic() - began, 1)
    _end(result, stack, keep=keep, as_json=json)


def _end(result: dict[str, Any], stack: Stack, *, keep: bool, as_json: bool) -> NoReturn:
    """Say whether it held, and end with the exit code that says so too."""
    if as_json:
        print_json(result)
    else:
        print_line(f"The demo held, in {result['seconds']:.0f} s." if result["ok"] else "The demo did not hold.")
        if keep:
            print_line(f"The stack runs on: NAIKKELAS_HOME={stack.home.path} naikkelas status")
    raise typer.Exit(0 if result["ok"] else 1)


def _play(stack: Stack, rows: int, cases: int, seed: int, *, as_json: bool) -> dict[str, Any]:
    databases = {service: stack.dsn(service, "audit") for service in SERVICES}
    kafka = stack.credentials("operator")
    try:
        with stages() as tell:
            run = Demo(stack, stack.home.path / "spreadsheets", say, tell, seed)
            outcome = run.run(rows, cases)
            run.office.close()
    except (DemoFailedError, ConnectionError, httpx2.HTTPError) as error:
        fail(f"The demo stopped: {error}", as_json=as_json)
    report = run_audit(databases, kafka, 60, as_json=as_json)
    if not as_json:
        print_report(report)
    named = _fault_on_purpose(stack, databases, as_json=as_json)
    again = run_audit(databases, kafka, 10, as_json=as_json)
    return {
        "ok": report.ok and named and again.ok,
        "outcome": asdict(outcome),
        "audit": report.as_dict(),
        "fault_named": named,
        "repaired": again.ok,
    }


def _fault_on_purpose(stack: Stack, databases: dict[str, str], *, as_json: bool) -> bool:
    """Delete a row of a projection, see the audit name it, and rebuild that projection from the log."""
    victim = asyncio.run(_delete_a_row(stack.dsn("projections", owner_of("projections"))))
    say(f"deleted the row of business {victim} from district_dashboard, on purpose")
    report = run_audit(databases, stack.credentials("operator"), 0, as_json=as_json)
    named = any(f.kind == "effect" and f.aggregate_id == victim for f in report.findings)
    say("the audit named it" if named and not report.ok else "the audit did NOT name it")
    command = [sys.executable, "-m", "services.projections", "rebuild", "district_dashboard", "--accept-differences"]
    done = subprocess.run(command, env=stack.env_for("projections-worker"), capture_output=True, check=False)
    say(
        "rebuilt district_dashboard from the log and swapped it in"
        if done.returncode == 0
        else done.stderr.decode()[-500:]
    )
    return named and done.returncode == 0


async def _delete_a_row(dsn: str) -> str:
    async with connected(dsn) as connection:
        return str(
            await connection.fetchval(
                "DELETE FROM district_dashboard WHERE business_id = "
                "(SELECT business_id FROM district_dashboard ORDER BY business_id LIMIT 1) RETURNING business_id"
            )
        )
