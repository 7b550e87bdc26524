"""``naikkelas disclosures``: which agency was given what, for an owner who asks and after a breach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from ops.cli.asking import ask_service
from ops.cli.output import Json, print_json, print_line, print_table

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Instant = Annotated[str, typer.Argument(help="An instant with its zone, for example 2026-12-01T09:00:00+08:00.")]
_PAGE = 50
_PATIENCE_SECONDS = 120.0
"""A page may hold thousands of events, and be asked for while much else goes on after a breach."""


@app.command()
def owner(owner_id: Annotated[UUID, typer.Argument(help="The owner's id.")], json: Json = False) -> None:
    """Show every event of an owner that an agency was given: when, under which agreement, which fields."""
    path = f"/disclosures/owners/{owner_id}"
    found, _ = ask_service("partners", path, {}, as_json=json, seconds=_PATIENCE_SECONDS)
    if json:
        print_json(found)
        return
    rows = [_row(item, item["event"]) for item in found["items"]]
    print_table(("instansi", "diberikan (UTC)", "perjanjian", "jenis", "subjek", "kolom"), rows)
    print_line(f"{len(rows)} peristiwa tentang pemilik {owner_id} telah diberikan kepada instansi.")


@app.command()
def between(since: Instant, until: Instant, json: Json = False) -> None:
    """Show which agency was given what from one instant until another, for the notice of a breach."""
    pages: list[dict[str, Any]] = []
    after = 0
    while True:
        params = {"since": since, "until": until, "after": after, "limit": _PAGE}
        found, _ = ask_service("partners", "/disclosures", params, as_json=json, seconds=_PATIENCE_SECONDS)
        pages += found["items"]
        if found["next"] is None:
            break
        after = found["next"]
    if json:
        print_json({"since": since, "until": until, "items": pages})
        return
    rows = [_row(page, event) for page in pages for event in page["events"]]
    print_table(("instansi", "diberikan (UTC)", "perjanjian", "jenis", "subjek", "kolom"), rows)
    owners = {owner_id for page in pages for event in page["events"] for owner_id in event["owner_ids"]}
    agencies = len({page["agency"] for page in pages})
    print_line(f"{len(rows)} peristiwa tentang {len(owners)} pemilik telah diberikan kepada {agencies} instansi.")


def _row(given: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[object, ...]:
    name = event["type"].removeprefix("id.go.balikpapan.umkm.")
    text = f"{given['agreement_id']} naskah {given['revision']}"
    return given["agency"], given["given_at"], text, name, event["subject"], ", ".join(event["fields"])
