"""``naikkelas dashboard``: the counts, as the projections' API gives them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops.cli.asking import ask_projections
from ops.cli.output import Json, print_json, print_line, print_table
from services.projections.domain.counting import Dimension

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def dashboard(
    by: Annotated[Dimension, typer.Option(help="What to count by.")] = Dimension.KECAMATAN,
    json: Json = False,
) -> None:
    """Show how many businesses there are; buckets and unknown are the total, always."""
    counts, url = ask_projections("/dashboard", {"by": by.value}, as_json=json)
    if json:
        print_json(counts)
        return
    _show(counts, url)


def _show(counts: dict[str, Any], url: str) -> None:
    rows = [_row(bucket) for bucket in (*counts["buckets"], counts["unknown"])]
    rows.append(("Jumlah", counts["total"], _known(counts["workers"]), counts["workers_unknown"]))
    print_table((counts["by"], counts["unit"], "tenaga kerja", "tanpa data tenaga kerja"), rows)
    print_line(f"Sumber: {counts['source']}. Data per {counts['data_from'] or '–'} sampai {counts['data_to'] or '–'}.")
    print_line(f"Digabung ke usaha lain, tidak dihitung: {counts['merged']}. Halaman: {url}/")


def _row(bucket: dict[str, Any]) -> tuple[str, int, object, int]:
    return bucket["label"], bucket["businesses"], _known(bucket["workers"]), bucket["workers_unknown"]


def _known(count: int | None) -> object:
    """Return a count, also 0; a dash for what nobody told."""
    return "–" if count is None else count
