"""``naikkelas erasure-notices``: which agencies were told that an owner is erased, who has acknowledged, whom to chase."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from ops.cli.asking import ask_service
from ops.cli.output import Json, print_json, print_line, print_table

app = typer.Typer(add_completion=False, rich_markup_mode=None)
EXIT_CHASE = 3
_PAGE = 200
_COLUMNS = ("pemberitahuan", "instansi", "pemilik", "keadaan", "disampaikan", "tenggat (UTC)", "tindakan")


@app.command("erasure-notices")
def notices(
    owner: Annotated[UUID | None, typer.Option("--owner", help="Only of this owner; those acknowledged too.")] = None,
    agency: Annotated[str | None, typer.Option("--agency", help="Only of this agency.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their deadline of 3 x 24 h.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Those acknowledged too.")] = False,
    json: Json = False,
) -> None:
    """List what agencies were told of erasures. Exit code 3: one is past its deadline, or only an officer can tell it."""
    is_open = None if everything or owner is not None else True
    asked = {"owner_id": owner, "agency": agency, "overdue": overdue, "open": is_open, "limit": _PAGE}
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page, _ = ask_service("partners", "/erasures", _words(asked | {"after": after}), as_json=json)
        found += page["items"]
        if (after := page["next"]) is None:
            break
    if json:
        print_json(found)
    elif found:
        print_table(_COLUMNS, [_row(item) for item in found])
    else:
        print_line("Tidak ada.")
    raise typer.Exit(EXIT_CHASE if any(item["overdue"] or item["by_hand"] for item in found) else 0)


def _words(params: dict[str, Any]) -> dict[str, str]:
    """Return what is asked for as a query takes it."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items()
        if value is not None
    }


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    deed = "petugas menyurati" if item["by_hand"] else "tagih" if item["overdue"] else ""
    told = f"{item['told_at']} {','.join(item['told_ways'])}" if item["told_at"] else ""
    state = item["outcome"] or item["state"]
    return item["id"], item["agency"], item["owner_id"], state, told, item["due"], deed
