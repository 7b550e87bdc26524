"""``naikkelas demo --story``: a year of the office on the imported city, its report, and the audit of it all."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import httpx2

from ops.cli.audit import print_report, run_audit
from ops.cli.output import fail, print_line, say
from ops.cli.progress import stages
from ops.cli.report import show, write_files
from ops.clients import AnswerError, Counts
from ops.demo import Demo, DemoFailedError, Outcome
from ops.report import FigureMismatchError, Report
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.story import Plan, StoryStoppedError, Told, tell_story

AUDIT_SECONDS = 60.0
STOPS = (AnswerError, StoryStoppedError, FigureMismatchError, DemoFailedError, ConnectionError, httpx2.HTTPError)


def play_story(stack: Stack, rows: int, seed: int, *, as_json: bool) -> dict[str, Any]:
    """Import a city, play the year, write its report beside the stack, audit; return the summary for ``--json``.

    ``ok`` is false if any check of any chapter, or the audit, found something else than it must.
    """
    try:
        told, report, counts, outcome = _play(stack, rows, seed)
    except STOPS as error:
        fail(f"The story stopped: {str(error) or type(error).__name__}", as_json=as_json)
    audited = run_audit({name: stack.dsn(name, "audit") for name in SERVICES}, stack.credentials("operator"), AUDIT_SECONDS, as_json=as_json)  # fmt: skip
    files = _write(stack, report)
    if not as_json:
        if report is not None:
            show(report)
        print_line(f"The report is in {', '.join(files)}.")
        print_report(audited)
    return {
        "ok": audited.ok and all(chapter.ok for chapter in told),
        "outcome": asdict(outcome),
        "chapters": [chapter.as_dict() for chapter in told],
        "sent": asdict(counts),
        "report": None if report is None else report.as_dict(),
        "files": files,
        "audit": audited.as_dict(),
    }


def _play(stack: Stack, rows: int, seed: int) -> tuple[list[Told], Report | None, Counts, Outcome]:
    with stages() as tell:
        demo = Demo(stack, stack.home.path / "spreadsheets", say, tell, seed)
        try:
            demo.found_city(rows)
            plan = Plan.for_city(demo.outcome.businesses)
            told, report, counts = asyncio.run(tell_story(stack, plan, seed, say, tell))
            demo.measure()
        finally:
            demo.office.close()
        return told, report, counts, demo.outcome


def _write(stack: Stack, report: Report | None) -> list[str]:
    """Write the report into the stack's folder and return the names of the files."""
    if report is None:
        return []
    html, xlsx = (stack.home.path / f"laporan-{report.year}.{ending}" for ending in ("html", "xlsx"))
    write_files(report, html, xlsx)
    return [str(html), str(xlsx)]
