"""``naikkelas report year``: the numbers that the head of the office asks for, as a table, JSON, HTML and XLSX."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from ops.cli.output import Json, fail, print_json, print_line, print_table, written_files
from ops.clients import AnswerError, Clients
from ops.report import FigureMismatchError, Report, read_year, write_html, write_xlsx
from ops.report.table import heading, notes_of, rows_of
from ops.stack import Stack
from services.projections.domain.names import number
from shared.auth import Role

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

SERVICES = ("registry", "training", "events", "projections")
SUBJECT = "laporan"


@app.callback()
def _report() -> None:
    """Reports of the office."""


@app.command("year")
def year_command(
    year: Annotated[int, typer.Argument(min=2000, max=2100, help="The year, WITA.")],
    html: Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write a page here.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a workbook here.")] = None,
    json: Json = False,
) -> None:
    """Tell how many were trained, placed, sold, moved up, and what jobs were gained, by kecamatan.

    Exit code 0: the report adds up, whatever it lacks; 1: a service does not answer, a number does not add up, or a file cannot be written.
    """
    report = _read(Stack(), year, as_json=json)
    with written_files(as_json=json):
        write_files(report, html, xlsx)
    if json:
        print_json(report.as_dict())
    else:
        show(report)


def clients_of(stack: Stack) -> Clients:
    """Return clients with an officer's token for the services that a report asks."""
    token = stack.token([Role.PETUGAS_DINAS, Role.OPERATOR], subject=SUBJECT)
    return Clients({name: stack.api_url(name) for name in SERVICES}, {SUBJECT: token})


def _read(stack: Stack, year: int, *, as_json: bool) -> Report:
    async def read() -> Report:
        async with clients_of(stack) as clients:
            return await read_year(clients, year)

    try:
        return asyncio.run(read())
    except KeyError:
        fail("The stack is not up: `naikkelas up` starts it.", as_json=as_json)
    except (AnswerError, FigureMismatchError) as error:
        fail(f"The report cannot be made: {error}", as_json=as_json)
    except httpx2.HTTPError as error:
        said = type(error).__name__
        fail(f"A service does not answer ({said}): `naikkelas status` tells why.", as_json=as_json)


def write_files(report: Report, html: Path | None, xlsx: Path | None) -> None:
    """Write the page and the workbook, as far as they are wanted. Raises ``OSError`` and ``FileCreateError``."""
    if html is not None:
        write_html(report, html)
    if xlsx is not None:
        write_xlsx(report, xlsx)


def show(report: Report) -> None:
    """Print the numbers, and below them where each comes from."""
    rows = [(row.label, *(number(cell.value) for cell in row.cells)) for row in rows_of(report)]
    print_table(("Kecamatan", *(heading(figure) for figure in report.figures)), rows)
    for label, unit, meaning, source, day, missing in notes_of(report):
        print_line(f"{label} ({unit}): {missing or meaning} Sumber: {source}; per {day}.")
