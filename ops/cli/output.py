"""What the command prints: tables and lines for people, JSON for programs, one sentence on standard error for failures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


def print_line(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell on standard error what is going on."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table: with lines on a terminal, plain columns elsewhere."""
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        texts = [[str(cell) for cell in row] for row in (headings, *rows)]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for text in texts:
            print_line("  ".join(cell.ljust(width) for cell, width in zip(text, widths, strict=True)).rstrip())
        return
    console.print(drawn_table(headings, rows))


def drawn_table(headings: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> Table:
    """Return rows as a table with lines.

    Every text is given as it is: Rich would take what stands in square brackets for its own marks, leave it out, or fail.
    """
    table = Table(title=None if title is None else _as_it_is(title), title_justify="left")
    for heading in headings:
        table.add_column(_as_it_is(heading))
    for row in rows:
        table.add_row(*map(_as_it_is, row))
    return table


def _as_it_is(cell: object) -> Text:
    return Text(str(cell))


def fail(sentence: str, *, as_json: bool = False, code: int = 1) -> NoReturn:
    """End with a sentence that says what is wrong and what to do."""
    if as_json:
        print_json({"ok": False, "error": sentence})
    else:
        say(sentence)
    sys.exit(code)


@contextmanager
def written_files(*, as_json: bool = False) -> Iterator[None]:
    """End with a sentence where a file that is written inside cannot be, a workbook too."""
    from xlsxwriter.exceptions import FileCreateError  # a tenth of a second that no other command is to wait for

    try:
        yield
    except (OSError, FileCreateError) as error:
        # A workbook's own error is no OSError: it carries the one that it came of.
        cause = error if isinstance(error, OSError) else error.args[0]
        name, why = getattr(cause, "filename", None), getattr(cause, "strerror", None)
        fail(f"{name or 'The file'} cannot be written ({why or cause}): name another file.", as_json=as_json)
