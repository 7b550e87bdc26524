"""``naikkelas erase`` and ``naikkelas erasures``: carry out a granted request, and see those that are open or late.

The registry decides; these commands ask it by HTTP. What a request needs before (recorded, identity checked, granted) is
done by officers through the same API.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn
from uuid import UUID

import httpx2
import typer

from ops.cli.access import running_stack
from ops.cli.confirming import is_sure
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from shared.auth import Role

app = typer.Typer(add_completion=False, rich_markup_mode=None)
EXIT_NOTHING_DONE = EXIT_OVERDUE = 3
_PAGE = 200
LOSSES = {
    "businesses_forgotten": "businesses left without an owner: their names go, their numbers stay",
    "businesses_passed_on": "businesses that go on with another owner",
    "nibs": "of these their NIB: it is one person's",
    "licences": "licences whose numbers go",
    "visit_notes": "notes of mentors' visits that go",
}
Url = Annotated[str | None, typer.Option("--url", envvar="NAIKKELAS_REGISTRY_URL", help="The registry; default: the local stack's.")]  # fmt: skip
Token = Annotated[str | None, typer.Option("--token", envvar="NAIKKELAS_TOKEN", help="Bearer token; default: the local stack's operator.")]  # fmt: skip


def _client(url: str | None, token: str | None) -> httpx2.Client:
    if url is None or token is None:
        stack = running_stack()
        url = url or stack.api_url("registry")
        token = token or stack.token([Role.OPERATOR])
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _answer(answer: httpx2.Response, *, as_json: bool) -> Any:
    if not answer.is_success:
        told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        fail(str(told.get("detail") or f"The registry answers {answer.status_code}."), as_json=as_json)
    return answer.json()


def _tell(found: dict[str, Any]) -> None:
    request = found["request"]
    print_line(f"Owner {found['owner_id']}, version {found['version']}. An erasure destroys the key and personal data:")
    for name, text in LOSSES.items():
        print_line(f"  {found.get(name, 0):>6}  {text}")
    late = ", OVERDUE" if request["overdue"] else ""
    print_line(f"Request {request['id']}: {request['state']}, due {request['due']}{late}")


def _granted(found: dict[str, Any], *, as_json: bool) -> dict[str, Any]:
    """Return the owner's granted request; ends the command with a sentence where there is none."""
    request: dict[str, Any] | None = found["request"]
    if found["erased"]:
        fail(f"Owner {found['owner_id']} is erased already.", as_json=as_json)
    if request is None or request["state"] != "diterima":
        state = "there is no open request" if request is None else f"request {request['id']} is {request['state']}"
        fail(f"Nothing was done: only a granted request (diterima) is carried out; {state}.", as_json=as_json)
    return request


def _look_only(found: dict[str, Any], *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"erased": False, **found})
    else:
        print_line("Nothing was done: say --yes to erase.")
    raise typer.Exit(EXIT_NOTHING_DONE)


def _away(error: httpx2.TransportError, *, as_json: bool) -> NoReturn:
    fail(f"The registry does not answer ({type(error).__name__}): `naikkelas status` tells why.", as_json=as_json)


@app.command()
def erase(
    owner_id: Annotated[UUID, typer.Argument(help="The owner whose granted request is carried out.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking; without a terminal nothing is done otherwise.")] = False,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show what an erasure would destroy; then, once confirmed, carry out the owner's granted request.

    Exit code 0: erased; 1: refused, or the registry does not answer; 3: nothing was done, this was a look only.
    """
    try:
        with _client(url, token) as client:
            found = _answer(client.get(f"/owners/{owner_id}/erasure"), as_json=json)
            request = _granted(found, as_json=json)
            if not json:
                _tell(found)
            if not is_sure(str(owner_id), "This cannot be undone. Type the owner's id to erase", yes=yes):
                _look_only(found, as_json=json)
            headers = {"If-Match": f'"{request["version"]}"', "Idempotency-Key": f"erase-{request['id']}"}
            done = _answer(client.post(f"/erasure-requests/{request['id']}/execution", headers=headers), as_json=json)
    except httpx2.TransportError as error:
        _away(error, as_json=json)
    if json:
        print_json({"erased": True, "request": done})
    else:
        print_line(f"Owner {owner_id} is erased. `naikkelas audit` shows when every consumer has heard of it.")


@app.command()
def erasures(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their deadline of 3 x 24 h.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most so many; default: all.")] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List requests to erase, oldest first. Exit code 3: there is one past its deadline, shown or not."""
    try:
        with _client(url, token) as client:
            found = _listed(client, overdue=overdue, as_json=json)
    except httpx2.TransportError as error:
        _away(error, as_json=json)
    shown = found[:limit]
    if json:
        print_json(shown)
    elif shown:
        rows = [[item["id"], item["owner_id"], item["state"], item["due"], "yes" if item["overdue"] else ""] for item in shown]  # fmt: skip
        print_table(["request", "owner", "state", "due", "overdue"], rows)
    else:
        print_line("There is none.")
    if len(shown) < len(found):
        late = sum(item["overdue"] for item in found[len(shown) :])
        say(f"There are {len(found) - len(shown)} more, {late} of them overdue.")
    raise typer.Exit(EXIT_OVERDUE if any(item["overdue"] for item in found) else 0)


def _listed(client: httpx2.Client, *, overdue: bool, as_json: bool) -> list[dict[str, Any]]:
    """Return the requests of all pages: those that are done stay in the list, so that a late one may stand on any."""
    found: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"overdue": str(overdue).lower(), "limit": _PAGE}
    while True:
        page = _answer(client.get("/erasure-requests", params=params), as_json=as_json)
        found += page["items"]
        if page["next"] is None:
            return found
        params["after"] = page["next"]
