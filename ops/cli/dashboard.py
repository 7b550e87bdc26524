"""``naikkelas dashboard``: the counts, as the projections' API gives them."""

from __future__ import annotations

from typing import Annotated, Any

import httpx2
import typer

from ops.cli.output import Json, fail, print_json, print_line, print_table
from ops.stack import Stack
from services.projections.domain.counting import Dimension
from shared.auth import Role

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def dashboard(
    by: Annotated[Dimension, typer.Option(help="What to count by.")] = Dimension.KECAMATAN,
    json: Json = False,
) -> None:
    """Show how many businesses there are; buckets and unknown are the total, always."""
    stack = Stack()
    try:
        url = stack.api_url("projections")
    except KeyError:
        fail("The stack is not up: `naikkelas up` starts it.", as_json=json)
    headers = {"Authorization": f"Bearer {stack.token([Role.OPERATOR])}"}
    try:
        answer = httpx2.get(f"{url}/dashboard", params={"by": by.value}, headers=headers, timeout=10.0)
    except httpx2.HTTPError as error:
        fail(f"{url} does not answer ({type(error).__name__}): `naikkelas status` tells why.", as_json=json)
    if answer.status_code != 200:
        detail = answer.json().get("detail", "") if "json" in answer.headers.get("content-type", "") else ""
        fail(f"{url} answers {answer.status_code}. {detail}".strip(), as_json=json)
    counts = answer.json()
    if json:
        print_json(counts)
        return
    _show(counts, url)


def _show(counts: dict[str, Any], url: str) -> None:
    rows = [_row(bucket) for bucket in (*counts["buckets"], counts["unknown"])]
    rows.append(("Jumlah", counts["total"], counts["workers"] or "–", counts["workers_unknown"]))
    print_table((counts["by"], counts["unit"], "tenaga kerja", "tanpa data tenaga kerja"), rows)
    print_line(f"Sumber: {counts['source']}. Data per {counts['data_from'] or '–'} sampai {counts['data_to'] or '–'}.")
    print_line(f"Digabung ke usaha lain, tidak dihitung: {counts['merged']}. Halaman: {url}/")


def _row(bucket: dict[str, Any]) -> tuple[str, int, object, int]:
    workers = bucket["workers"] if bucket["workers"] is not None else "–"
    return bucket["label"], bucket["businesses"], workers, bucket["workers_unknown"]
