"""``docs/speed.md``: a row for each figure, with the day on which it was measured; below it what was seen to take the time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from bench.harness import Result

HEAD = """\
# Speed

Written by `make bench ARGS=--write`; minimum / median / maximum, baseline and product in turn, in one run. Rows of a later day
were measured again alone, by `python -m bench --only NAME --write`.

"""
COLUMNS = "| what | figure | goal | measured |\n|---|---|---|---|\n"
_ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<figure>[^|]*) \| (?P<goal>[^|]*) \| (?P<day>[^|]*) \|$", re.MULTILINE)


def _same(what: str) -> str:
    """Return a row's name without what changes from run to run: a count (``empty reads of 852``), a process in brackets.

    How many rows or events it was asked for is what it is about, and stays.
    """
    return re.sub(r"\(.*\)|(?<=of )[\d,]+(?![\d,]| rows| events)", "", what)


def rows_of(text: str) -> dict[str, tuple[str, str, str]]:
    """Return the rows of a table that was written before: figure, goal and day, by what was measured."""
    found = {row["what"]: (row["figure"], row["goal"], row["day"]) for row in _ROW.finditer(text)}
    return {what: cells for what, cells in found.items() if what not in {"what", "---"}}


def table(
    before: Mapping[str, tuple[str, str, str]],
    results: Iterable[Result],
    void: Mapping[str, str],
    day: date,
) -> str:
    """Return the rows: those of ``before`` in their places, measured ones in the place of what they replace, new ones at the end.

    A void benchmark has no figure to replace one with, so it stands beside what is known, until the next run.
    """
    rows = {what: cells for what, cells in before.items() if not cells[0].startswith("void: ")}
    for result in results:
        what, cells = result.name, (result.figure(), result.goal, day.isoformat())
        names = [what if _same(name) == _same(what) else name for name in rows]
        rows = dict(zip(names, rows.values(), strict=True)) | {what: cells}
    rows |= {name: (f"void: {reason}", "", day.isoformat()) for name, reason in void.items()}
    return COLUMNS + "".join(f"| {what} | {' | '.join(cells)} |\n" for what, cells in rows.items())


def write(
    path: Path,
    profile: str,
    card: Mapping[str, str],
    results: Iterable[Result],
    void: Mapping[str, str],
    *,
    whole: bool,
) -> None:
    """Write the document; a run that is not ``whole`` replaces the rows that it measured."""
    before = {} if whole or not path.exists() else rows_of(path.read_text(encoding="utf-8"))
    machine = ", ".join(f"{name} {value}" for name, value in card.items())
    made = table(before, results, void, date.today())  # noqa: DTZ011 - the day of the machine that measured
    path.write_text(f"{HEAD}{machine}\n\n{made}\n{profile}", encoding="utf-8")
