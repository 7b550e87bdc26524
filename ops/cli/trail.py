"""``naikkelas trail``: what operators did, and whether their trail holds together."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from ops.cli.databases import ask_database
from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.stack import Stack
from shared.trail import KEEPING, Checked, Entry, Head, read_newest, verify
from shared.trail.keeping import NEWEST

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="What operators did.")
T = TypeVar("T")
Heads = Annotated[
    Path | None,
    typer.Option(help="A file that keeps where each trail ended: compared, and written anew if nothing is wrong."),
]


@app.command("list")
def list_trail(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of each service.")] = 50,
    json: Json = False,
) -> None:
    """List what operators did, the newest first."""
    found = _of_each(lambda _, connection: read_newest(connection, NEWEST, limit), as_json=json)
    told = [{"service": name, **_told(entry)} for name, entries in found.items() for entry in entries]
    told.sort(key=lambda row: row["at"], reverse=True)
    if json:
        print_json(told)
        return
    columns = ("service", "number", "at", "actor", "way", "deed", "object", "reason")
    print_table(columns, [[row[name] for name in columns] for row in told])


@app.command("verify")
def verify_trail(heads: Heads = None, json: Json = False) -> None:
    """Find rows that were changed, removed or put in between. Exit code 0: none; 1: some; 2: it could not be looked at."""
    known = {} if heads is None else _read_heads(heads, as_json=json)
    found = _of_each(lambda name, connection: verify(connection, known.get(name)), as_json=json)
    ends: dict[str, dict[str, Any]] = {
        name: {"number": end.number, "digest": end.digest.hex()} for name, (_, end) in found.items()
    }
    ok = not any(checked.faults for checked, _ in found.values())
    if json:
        print_json({"ok": ok, "services": {name: _checked(it, ends[name]) for name, (it, _) in found.items()}})
    else:
        rows = [(name, it.rows, len(it.faults), ends[name]["digest"][:16]) for name, (it, _) in found.items()]
        print_table(("service", "deeds", "faults", "ends with"), rows)
        for name, (checked, _) in found.items():
            for fault in checked.faults:
                print_line(f"{name}: {fault.text}")
        print_line("The trail holds." if ok else "The trail does not hold.")
    if ok and heads is not None:
        heads.write_text(jsonlib.dumps(ends, indent=2) + "\n", encoding="utf-8")
    raise typer.Exit(0 if ok else 1)


def _of_each(work: Callable[[str, asyncpg.Connection], Awaitable[T]], *, as_json: bool) -> dict[str, T]:
    """Return what ``work`` finds in each service's database, by the reading login of the audit."""
    stack = Stack()
    return {
        name: ask_database(name, stack.dsn(name, "audit"), partial(work, name), as_json=as_json, code=2)
        for name in KEEPING
    }


def _told(entry: Entry) -> dict[str, Any]:
    told = asdict(entry) | {"details": jsonlib.loads(entry.details), "digest": entry.digest.hex()}
    return {("object" if name == "thing" else name): value for name, value in told.items()}


def _checked(checked: Checked, end: dict[str, Any]) -> dict[str, Any]:
    return {"deeds": checked.rows, "end": end, "faults": [asdict(fault) for fault in checked.faults]}


def _read_heads(path: Path, *, as_json: bool) -> dict[str, Head]:
    if not path.exists():
        return {}
    try:
        stored = jsonlib.loads(path.read_text(encoding="utf-8"))
        return {name: Head(int(it["number"]), bytes.fromhex(it["digest"])) for name, it in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        fail(f"{path} does not hold what an earlier `trail verify` wrote.", as_json=as_json, code=2)
