"""``naikkelas contracts``: the gate of contracts, what is published of them, and who reads it. Only the last asks a running stack."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated

import typer
from yaml import safe_dump as dump

from ops.cli.output import Json, fail, print_json, print_line, say
from ops.cli.readers import all_readers, print_all, print_verdict
from ops.contracts.gate import Finding, IncompatibleContractError, all_findings, refused
from ops.contracts.gate import release as store_revisions
from ops.contracts.storing import SCHEMAS, outdated, stored_types
from shared.asyncapi import asyncapi_document
from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX
from shared.envelope import SCHEMA_BASE

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Contracts of the events.")
DIFFERS = 3

Names = Annotated[list[str] | None, typer.Argument(help="Types, whole or like business.registered.v1. Default: all.")]


def full_names(
    names: list[str] | None, *, as_json: bool, known: Collection[str] = (), code: int = 1
) -> set[str] | None:
    """Return the types that were named, whole; ``None`` for all. Ends the command for a name that is none of ``known``.

    Without ``known`` all types are, those too that only have a stored schema.
    """
    if not names:
        return None
    known = known or {*CONTRACTS, *stored_types()}
    found = {name if name in known else f"{TYPE_PREFIX}.{name}" for name in names}
    if unknown := sorted(found - set(known)):
        sentence = f"No event has this type: {', '.join(unknown)}.{_nearest(unknown, known)}"
        fail(f"{sentence} `naikkelas contracts list` names all.", as_json=as_json, code=code)
    return found


def _nearest(unknown: Collection[str], known: Collection[str]) -> str:
    """Return which types are called much the same, as a sentence; what is the same in all of them says nothing."""
    short = [name.removeprefix(f"{TYPE_PREFIX}.") for name in known]
    wanted = [name.removeprefix(f"{TYPE_PREFIX}.") for name in unknown]
    near = dict.fromkeys(match for name in wanted for match in get_close_matches(name, short))
    return f" Nearest: {', '.join(near)}." if near else ""


def _in_a_checkout(*, as_json: bool) -> None:
    if not SCHEMAS.is_dir():
        fail("The stored schemas are not here: run this in a checkout of the code.", as_json=as_json)


def _lines(findings: list[Finding]) -> None:
    for finding in findings:
        change = finding.change
        verdict = f"breaks {' and '.join(change.breaks)}" if change.breaks else "compatible"
        print_line(f"{finding.type.removeprefix(f'{TYPE_PREFIX}.')}  {verdict}  {change.sentence()}")


@app.command()
def check(json: Json = False) -> None:
    """Refuse what breaks readers, old or new. Exit code 1: refused; 3: compatible, and not stored yet."""
    _in_a_checkout(as_json=json)
    broken, late = refused(all_findings()), outdated()
    if json:
        print_json({"ok": not broken and not late, "refused": [f.as_json() for f in broken], "not_stored": late})
    else:
        for finding in broken:
            say(finding.sentence())
        for name in late if not broken else ():
            say(f"{name}: compatible, and not stored yet. Run `naikkelas contracts release` and commit the revision.")
        if not broken and not late:
            print_line(f"{len(CONTRACTS)} contracts are as stored, and read by old and new readers alike.")
    raise typer.Exit(1 if broken else DIFFERS if late else 0)


@app.command()
def diff(types: Names = None, json: Json = False) -> None:
    """Explain every change since the newest stored revision. Exit code 1: some break; 3: all are compatible; 0: none."""
    _in_a_checkout(as_json=json)
    wanted = full_names(types, as_json=json)
    found = [item for item in all_findings() if wanted is None or item.type in wanted]
    if json:
        print_json([finding.as_json() for finding in found])
    else:
        _lines(found)
    raise typer.Exit(1 if refused(found) else DIFFERS if found else 0)


@app.command()
def release(json: Json = False) -> None:
    """Store a revision of every contract that changed; nothing is stored while one of them breaks readers."""
    _in_a_checkout(as_json=json)
    try:
        written = [path.relative_to(SCHEMAS).as_posix() for path in store_revisions()]
    except IncompatibleContractError as error:
        fail(str(error), as_json=json)
    if json:
        print_json({"ok": True, "written": written})
    else:
        print_line("\n".join(written) or "Nothing changed.")


@app.command("list")
def list_contracts(json: Json = False) -> None:
    """List the types of events with their topics."""
    rows = [{"type": name, "topic": fact.TOPIC} for name, fact in sorted(CONTRACTS.items())]
    if json:
        print_json(rows)
    else:
        print_line("\n".join(f"{row['topic']}  {row['type']}" for row in rows))


@app.command()
def asyncapi(
    types: Annotated[str | None, typer.Option(help="Types, separated by commas. Default: all.")] = None,
    server: Annotated[str, typer.Option(help="host:port of a broker, as readers reach it.")] = "localhost:9092",
    plain: Annotated[bool, typer.Option("--plain", help="The broker speaks without TLS.")] = False,
    schemas_url: Annotated[str, typer.Option(help="What begins the dataschema of events.")] = SCHEMA_BASE,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML instead of JSON.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, also for failures.")] = False,
) -> None:
    """Print the AsyncAPI 3 document of the events: topics, messages with headers, access, who reads and writes."""
    wanted = full_names([name.strip() for name in types.split(",")] if types is not None else None, as_json=json)
    document = asyncapi_document(
        wanted, bootstrap=server, protocol="kafka" if plain else "kafka-secure", schemas=schemas_url
    )
    if yaml and not json:
        print_line(dump(document, sort_keys=False, allow_unicode=True, width=120).rstrip())
    else:
        print_json(document)


@app.command()
def readers(
    types: Names = None,
    may_end: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Only tell whether this type may end, by the exit code too.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell who reads each type, and whether it may end. With --may-end exit code 1: somebody reads it; 2: not everybody could be asked."""
    if may_end is not None and types:
        fail("--may-end asks about one type: name no others.", as_json=json, code=2)
    wanted = full_names([may_end] if may_end is not None else types, as_json=json, known=CONTRACTS, code=2)
    found, platform = all_readers([fact for name, fact in sorted(CONTRACTS.items()) if not wanted or name in wanted])
    if may_end is None:
        print_all(found, platform, as_json=json)
    else:
        raise typer.Exit(print_verdict(found[0], platform, as_json=json))
