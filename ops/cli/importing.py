"""``naikkelas import``: check a spreadsheet without any server, or hand files to the registry."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx2
import typer
from typer.core import TyperGroup

from ops.cli.output import fail, print_json, print_line, print_table, say, written_files
from ops.cli.sending import Sending
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.codes import CODES, FileRefusedError
from services.registry.importing.reading import Table, open_table
from services.registry.importing.report import (
    RESULT_NAMES,
    ReportLine,
    head_as_json,
    lines_of,
    row_as_json,
    totals_of,
    write_report,
)
from services.registry.importing.rows import CheckedRow, Result
from services.registry.reference.places import all_places
from shared.wita import WITA, write_number

EXIT_REFUSED = 1
EXIT_USAGE = 2


class _SendByDefault(TyperGroup):
    """``import FILE…`` means ``import send FILE…``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``send`` in front of arguments that begin with neither a command nor ``--help``."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["send", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="import",
    cls=_SendByDefault,
    help="Import spreadsheets of a kelurahan, or check them without a running stack.",
    no_args_is_help=True,
)

Kelurahan = Annotated[
    str | None, typer.Option("--kelurahan", help="Code of the kelurahan that the file comes from, e.g. 64.71.01.1001.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _known_kelurahan(code: str | None, *, as_json: bool) -> str | None:
    if code is not None and code not in all_places():
        sentence = f"{code} is not one of the 34 kelurahan of Balikpapan; codes look like 64.71.01.1001."
        fail(sentence, as_json=as_json, code=EXIT_USAGE)
    return code


def _refused(path: Path, error: FileRefusedError, *, as_json: bool) -> NoReturn:
    if as_json:
        answer = {"file": path.name, "refused": {"code": error.code.name, "reason": error.reason}, "totals": totals_of(Counter()), "rows": []}  # fmt: skip
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    else:
        say(f"{path.name}: {error.reason} [{error.code.name}]")
    raise typer.Exit(EXIT_REFUSED)


class _Run:
    """One check of one file: rows are passed on as they come, counts are kept."""

    def __init__(self, path: Path, kelurahan: str | None) -> None:
        self.table: Table = open_table(path)
        self._checker = Checker(self.table, Terms(datetime.now(WITA).date(), kelurahan))
        self.counts: Counter[Result] = Counter()
        self.codes: Counter[str] = Counter()

    def rows(self) -> Iterator[CheckedRow]:
        """Give the rows with their results."""
        for chunk in self.table.chunks():
            for row in self._checker.check(chunk):
                self.counts[row.result] += 1
                if row.codes:
                    self.codes.update(row.codes)
                yield row


def _print_json(run: _Run) -> None:
    """Print one JSON object, the rows one by one, so that a file of any length needs no memory."""
    head = json.dumps(head_as_json(run.table), ensure_ascii=False)
    sys.stdout.write(head[:-1] + ', "rows": [')
    separator = "\n"
    for row in run.rows():
        sys.stdout.write(separator + json.dumps(row_as_json(row), ensure_ascii=False))
        separator = ",\n"
    sys.stdout.write('\n], "totals": ' + json.dumps(totals_of(run.counts)) + "}\n")


def _print_summary(run: _Run) -> None:
    head = head_as_json(run.table)
    print_line(f"{head['file']}: {head['encoding'] or 'xlsx'}, judul pada baris {head['header_row']}")
    totals = totals_of(run.counts)
    print_table(
        ("Hasil", "Baris"), [(RESULT_NAMES.get(name, "baris data"), write_number(n)) for name, n in totals.items()]
    )
    if run.codes:
        reasons = [(name, write_number(count), CODES[name].reason) for name, count in run.codes.most_common()]
        print_table(("Kode", "Kali", "Alasan"), reasons)


def _report_lines(run: _Run) -> Iterator[ReportLine]:
    for row in run.rows():
        yield from lines_of(row.number, row.result.value, row.codes, run.table.header)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX.")],
    kelurahan: Kelurahan = None,
    as_json: AsJson = False,
    report: Annotated[Path | None, typer.Option("--report", help="Also write the report as XLSX here.")] = None,
) -> None:
    """Check one spreadsheet and tell what each row would become. Needs no running stack.

    Exit code 0: the file was read, whatever its rows are; 1: the file is refused as a whole, or the report cannot be written.
    """
    gc.disable()  # the rows live for one chunk and form no cycles; collecting them costs a fifth of the time
    try:
        run = _Run(file, _known_kelurahan(kelurahan, as_json=as_json))
        if as_json:
            _print_json(run)
        else:
            for _ in run.rows():
                pass
            _print_summary(run)
        if report is not None:
            again = _Run(file, kelurahan)
            with written_files():  # the answer stands on standard output already, as JSON too
                write_report(report, f"Laporan pemeriksaan {file.name}", totals_of(run.counts), _report_lines(again))
    except FileRefusedError as error:
        _refused(file, error, as_json=as_json)


@app.command("send")
def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX, one or more.")],
    kelurahan: Annotated[str, typer.Option("--kelurahan", help="Code of the kelurahan that the files come from.")],
    token: Annotated[str, typer.Option("--token", envvar="NAIKKELAS_TOKEN", help="Bearer token; see `naikkelas token`.")],
    url: Annotated[str, typer.Option("--url", envvar="NAIKKELAS_REGISTRY_URL", help="The registry's address.")] = "http://127.0.0.1:8001",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what each row would become.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hand spreadsheets to the registry and wait until they are applied; each file is told of, with the id of its import.

    Exit code 0: all files applied, whatever became of single rows; 1: a file was refused or failed, or the registry does not
    answer. What it has taken goes on all the same.
    """
    _known_kelurahan(kelurahan, as_json=as_json)
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        sending = Sending(client, kelurahan, dry_run=dry_run)
        done = sending.send(files)
    if not sending.answered:
        fail(f"{done[0].told()}. Is the stack up? See `naikkelas status`.", as_json=as_json)
    if as_json:
        print_json([sent.as_dict() for sent in done])
    else:
        for sent in done:
            (print_line if sent.job else say)(sent.told())
    if not all(sent.ok for sent in done):
        raise typer.Exit(EXIT_REFUSED)
