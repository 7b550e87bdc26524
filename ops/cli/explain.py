"""``naikkelas explain``: the businesses and events behind a number, as the projections' API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import typer

from ops.cli.output import Json, fail, print_json, print_line, say
from ops.stack import Stack
from shared.auth import Role

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PAGE = 500
TRIES = 3
Page = dict[str, Any]
UNKNOWN_ADDRESS, DOES_NOT_ADD_UP = 2, 3


@app.command()
def explain(
    number: Annotated[
        str,
        typer.Argument(
            help="Its address, such as district_dashboard/64.71.01.1001/kelas=mikro. Every number of the API and the page "
            "bears one. Names may be cut short, places may be named; what is not known is answered with what is."
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many businesses.")] = 20,
    after: Annotated[UUID | None, typer.Option(help="Go on after this business.")] = None,
    json: Json = False,
) -> None:
    """Show a number, the businesses in it, and the events that put them there.

    Exit code 0: shown; 1: the service does not answer; 2: there is no such number; 3: all businesses were shown and do not
    add up to the number, which stood still meanwhile.
    """
    pages = _read(number, limit, after, as_json=json)
    found = {**pages[-1], "items": _items(pages)}
    whole = _is_whole(pages, after) and _is_steady(pages)
    wrong = whole and not _adds_up(pages)
    if json:
        print_json({"ok": not wrong, **found})
    else:
        _show(found, whole=whole)
    if _is_whole(pages, after) and not whole:
        say(
            "Not added up: the number changed while its pages were read, and when they were read anew. Ask again later."
        )
    if wrong:
        raise typer.Exit(DOES_NOT_ADD_UP)


def _read(number: str, limit: int, after: UUID | None, *, as_json: bool) -> list[Page]:
    """Return the pages up to ``limit``.

    Each page is of a moment of its own. Where a change that came between two of them may be why they do not add up they are
    read anew, a few times: what is wrong is so each time.
    """
    stack = Stack()
    try:
        url = stack.api_url("projections")
    except KeyError:
        fail("The stack is not up: `naikkelas up` starts it.", as_json=as_json)
    asked = f"{url}/explain/{quote(number, safe='/=')}"
    with httpx2.Client(headers={"Authorization": f"Bearer {stack.token([Role.OPERATOR])}"}, timeout=60.0) as client:
        for _ in range(TRIES):
            pages = _pages(client, asked, limit, after, as_json=as_json)
            if len(pages) == 1 or not _is_whole(pages, after) or (_is_steady(pages) and _adds_up(pages)):
                break
    return pages


def _pages(client: httpx2.Client, url: str, limit: int, after: UUID | None, *, as_json: bool) -> list[Page]:
    pages: list[Page] = []
    place, left = None if after is None else str(after), limit
    while not pages or (place is not None and left > 0):
        wanted: dict[str, str | int] = {"limit": min(PAGE, left)}
        pages.append(_page(client, url, wanted if place is None else {**wanted, "after": place}, as_json=as_json))
        place, left = pages[-1]["next_after"], left - len(pages[-1]["items"])
    return pages


def _items(pages: Sequence[Page]) -> list[Page]:
    return [item for page in pages for item in page["items"]]


def _is_whole(pages: Sequence[Page], after: UUID | None) -> bool:
    return after is None and pages[-1]["next_after"] is None


def _is_steady(pages: Sequence[Page]) -> bool:
    return len({(page["total"], page["businesses"]) for page in pages}) == 1


def _adds_up(pages: Sequence[Page]) -> bool:
    items, last = _items(pages), pages[-1]
    told: tuple[int, int] = (last["businesses"], last["total"] or 0)
    return (len(items), sum(item["amount"] for item in items)) == told


def _page(client: httpx2.Client, url: str, wanted: dict[str, str | int], *, as_json: bool) -> Page:
    try:
        answer = client.get(url, params=wanted)
    except httpx2.HTTPError as error:
        fail(f"{url} does not answer ({type(error).__name__}): `naikkelas status` tells why.", as_json=as_json)
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code == 422:
        fail(str(told.get("detail")), as_json=as_json, code=UNKNOWN_ADDRESS)
    if answer.status_code != 200:
        fail(f"{url} answers {answer.status_code}. {told.get('detail', '')}".strip(), as_json=as_json)
    page: Page = told
    return page


def _show(found: dict[str, Any], *, whole: bool) -> None:
    total = "tidak diketahui" if found["total"] is None else f"{found['total']} {found['unit']}"
    print_line(f"{found['address']}: {total}, dari {found['businesses']} usaha")
    for item in found["items"]:
        print_line(f"{item['business_id']}  {item['amount']}")
        for event in item["events"]:
            print_line(f"    {event['time']}  {event['type']}  {event['topic']} #{event['sequence']}  {event['id']}")
    if not found["items"]:
        return
    if found["next_after"] is not None:
        print_line(f"… berikutnya: --after {found['next_after']}")
    elif whole:
        print_line(f"Jumlah: {sum(item['amount'] for item in found['items'])} {found['unit']}, seluruhnya.")
