"""``naikkelas figures``: trainings, exhibitions, mentoring and who was never helped, as the projections' API gives them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from ops.cli.asking import ask_projections
from ops.cli.output import Json, print_json, print_line, print_table
from services.projections.domain.figures import HELP, OUTCOMES, EquityDimension, OutcomeDimension

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=500, help="How many rows.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of the first week; none: this week.")]
_HEADINGS = {
    "enrolled": "mendaftar",
    "accepted": "diterima",
    "attended": "hadir",
    "passed": "lulus",
    "failed": "tidak lulus",
    "withdrawn": "mundur",
    "cancelled": "dibatalkan dinas",
    "certificates": "bersertifikat",
    "businesses": "usaha",
    "trained": "pernah dilatih",
    "placed": "pernah mendapat tempat di pameran",
    "mentored": "pernah didampingi",
    "never_helped": "belum pernah",
}


@app.command()
def training(
    by: Annotated[OutcomeDimension, typer.Option(help="What to count by.")] = OutcomeDimension.KECAMATAN,
    json: Json = False,
) -> None:
    """Show what came of enrolments; buckets and unknown are the total, in every column."""
    _show_table(ask_projections("/trainings/outcome", {"by": by.value}, as_json=json)[0], OUTCOMES, json)


@app.command()
def equity(
    by: Annotated[EquityDimension, typer.Option(help="What to count by.")] = EquityDimension.KECAMATAN,
    json: Json = False,
) -> None:
    """Show how many businesses were ever trained, placed, mentored, or never helped at all."""
    _show_table(ask_projections("/equity", {"by": by.value}, as_json=json)[0], HELP, json)


@app.command()
def exhibitions(
    after: Annotated[UUID | None, typer.Option(help="The last exhibition of the page before.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Show what came of exhibitions; a turnover is told as published, of five businesses or more."""
    page, _ = ask_projections("/exhibitions/turnover", {"after": after, "limit": limit}, as_json=json)
    if json:
        print_json(page)
        return
    names = ("applications", "placed", "took_part", "no_show", "reported", "belum_lapor")
    rows = [
        (
            each["title"] or each["exhibition_id"],
            *(each[name] for name in names),
            each["withheld"]
            if each["turnover"] is None
            else f"Rp{each['turnover']} ({each['turnover_businesses']} usaha)",
        )
        for each in page["items"]
    ]
    print_table(("pameran", "daftar", "ditempatkan", "ikut", "tidak hadir", "lapor", "belum lapor", "omzet"), rows)
    _say_more(page)


@app.command()
def mentoring(
    since: Day = None,
    until: Day = None,
    after: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show what mentors did, week by week, against their targets."""
    days = {name: day.date().isoformat() for name, day in (("since", since), ("until", until)) if day is not None}
    page, _ = ask_projections("/mentoring/activity", {**days, "after": after, "limit": limit}, as_json=json)
    if json:
        print_json(page)
        return
    names = ("monday", "mentor_id", "visits", "weekly_target", "visited", "looked_after")
    rows = [tuple("–" if each[name] is None else each[name] for name in names) for each in page["items"]]
    print_table(("pekan dari", "pendamping", "pertemuan", "target", "usaha ditemui", "usaha didampingi"), rows)
    _say_more(page)


def _show_table(counts: dict[str, Any], names: Sequence[str], json: bool) -> None:
    if json:
        print_json(counts)
        return
    rows = [
        (bucket["label"], *(bucket[name] for name in names))
        for bucket in (*counts["buckets"], counts["unknown"], counts["total"])
    ]
    print_table((counts["by"], *(_HEADINGS[name] for name in names)), rows)
    print_line(f"Satuan: {counts['unit']}. Sumber: {counts['source']}. Keadaan per {counts['changed_at'] or '–'}.")


def _say_more(page: dict[str, Any]) -> None:
    if page["next_after"]:
        print_line(f"There is more, after {page['next_after']}.")
