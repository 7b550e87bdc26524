"""``naikkelas trail``: what operators did, and whether their trail holds together."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from errno import EBUSY, EROFS
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from ops.cli.databases import ask_database
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from ops.stack import Stack
from ops.stack.errors import StackError
from ops.stack.home import write_private
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
    """Find rows that were changed, removed or put in between.

    Exit code 0: none; 1: some; 2: it could not be looked at, or FILE could not be written.
    """
    known = {} if heads is None else _read_heads(heads, as_json=json)
    found = _of_each(lambda name, connection: verify(connection, known.get(name)), as_json=json)
    ends: dict[str, dict[str, Any]] = {
        name: {"number": end.number, "digest": end.digest.hex()} for name, (_, end) in found.items()
    }
    ok = not any(checked.faults for checked, _ in found.values())
    unkept = _keep_heads(heads, ends) if ok and heads is not None else None
    if json:
        told = {"ok": ok, "services": {name: _checked(it, ends[name]) for name, (it, _) in found.items()}}
        if heads is not None:
            told["compared"] = sorted(known)
        print_json(told if unkept is None else {**told, "error": unkept})
    else:
        _print_checked({name: checked for name, (checked, _) in found.items()}, ends)
        print_line("The trail holds." if ok else "The trail does not hold.")
    if heads is not None and (new := [name for name in found if name not in known]):
        say(f"{heads} held no earlier heads of {', '.join(new)}: these trails were compared with nothing outside.")
    if unkept is not None and not json:
        say(unkept)
    raise typer.Exit(1 if not ok else 0 if unkept is None else 2)


def _print_checked(found: dict[str, Checked], ends: dict[str, dict[str, Any]]) -> None:
    rows = [(name, it.rows, len(it.faults), ends[name]["digest"][:16]) for name, it in found.items()]
    print_table(("service", "deeds", "faults", "ends with"), rows)
    for name, checked in found.items():
        for fault in checked.faults:
            print_line(f"{name}: {fault.text}")


def _keep_heads(path: Path, ends: dict[str, dict[str, Any]]) -> str | None:
    """Write where each trail ended, whole or not at all; return why that could not be. A file that is mounted by itself is written in its place."""
    text = jsonlib.dumps(ends, indent=2) + "\n"
    try:
        try:
            write_private(path, text)
        except StackError as error:
            if not path.is_file() or getattr(error.__cause__, "errno", None) not in {EROFS, EBUSY}:
                raise
            path.write_text(text, encoding="utf-8")
    except (StackError, OSError) as error:
        return f"The trail holds, and where it ended was not kept: {error}"
    return None


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
    try:
        stored = jsonlib.loads(path.read_text(encoding="utf-8"))
        return {name: Head(int(it["number"]), bytes.fromhex(it["digest"])) for name, it in stored.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        fail(f"{path} does not hold what an earlier `trail verify` wrote.", as_json=as_json, code=2)
