"""``naikkelas keys``: which key-encryption keys are still needed, and everything wrapped under the newest one while services run.

The keys stay with the services, in their settings; this command drives them by HTTP, and sees ids and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import uuid4

import httpx2
import typer

from ops.cli.access import running_stack
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from ops.cli.progress import Tell, stages
from shared.auth import Role

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Key-encryption keys: which are needed, and rotating them without downtime.",
)
SETTINGS = {"registry": "KEY_ENCRYPTION_KEY", "partners": "WEBHOOK_KEY"}
"""The services that wrap something, and the setting that holds their keys."""
EXIT_NEEDED = 3
BATCH = 500
Url = Annotated[list[str] | None, typer.Option("--url", help="SERVICE=URL of registry or partners; may be given twice. Default: the local stack's.")]  # fmt: skip
Token = Annotated[str | None, typer.Option("--token", envvar="NAIKKELAS_TOKEN", help="Bearer token; default: the local stack's operator.")]  # fmt: skip
Status = dict[str, list[dict[str, Any]]]


@contextmanager
def _clients(urls: list[str] | None, token: str | None, *, as_json: bool) -> Iterator[dict[str, httpx2.Client]]:
    """Give a client for each service; ends the command with a sentence where one does not answer."""
    given = {name: url for name, _, url in (text.partition("=") for text in urls or ())}
    if wrong := [f"{name}={url}" for name, url in given.items() if name not in SETTINGS or not url]:
        fail(f"--url wants registry=URL or partners=URL, not {', '.join(wrong)}.", as_json=as_json, code=2)
    if not given or token is None:
        stack = running_stack()
        given = given or {service: stack.api_url(service) for service in SETTINGS}
        token = token or stack.token([Role.OPERATOR])
    headers = {"Authorization": f"Bearer {token}"}
    clients = {name: httpx2.Client(base_url=url, headers=headers, timeout=60) for name, url in given.items()}
    try:
        yield clients
    except httpx2.TransportError as error:
        fail(f"A service does not answer ({type(error).__name__}): `naikkelas status` tells why.", as_json=as_json)
    finally:
        for client in clients.values():
            client.close()


def _answer(service: str, answer: httpx2.Response, *, as_json: bool) -> Any:
    if not answer.is_success:
        told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        detail = str(told.get("detail") or f"it answers {answer.status_code}.")
        fail(f"{service}: {detail} What was done so far stays; ask again to go on.", as_json=as_json)
    return answer.json()


def _status(clients: dict[str, httpx2.Client], *, as_json: bool) -> Status:
    return {
        service: _answer(service, client.get("/key-rotation"), as_json=as_json)["keys"]
        for service, client in clients.items()
    }


def _left(keys: list[dict[str, Any]]) -> int:
    """Return how many rows another key than the first is needed for, and the settings have it."""
    return sum(key["rows"] for key in keys if key["place"] == "older")


def _sentences(status: Status) -> Iterator[str]:
    """Tell of each service what may be done."""
    for service, keys in status.items():
        setting, left = SETTINGS[service], _left(keys)
        if lost := sum(key["rows"] for key in keys if key["place"] == "missing"):
            yield f"{service}: {lost:,} rows need a key that {setting} does not hold. Nobody can read them until it is there again."
        if left:
            yield f"{service}: {left:,} rows still need an older key. It may NOT be removed: run `naikkelas keys rotate`."
        elif free := [key["id"] for key in keys if key["may_be_removed"]]:
            yield (
                f"{service}: nothing needs {', '.join(free)} any more. Once every process has been restarted with the new key first, "
                f"and this says so again, it may be removed from {setting}."
            )
        elif not lost:
            yield f"{service}: one key, and all is wrapped under it."


def _report(status: Status, *, as_json: bool, **more: object) -> None:
    """Print where it stands, and end with 1 if a key is lost, 3 if an older one is needed."""
    lost = any(key["place"] == "missing" for keys in status.values() for key in keys)
    left = sum(map(_left, status.values()))
    if as_json:
        print_json({"ok": not lost and not left, "rows_left": left, "services": status, **more})
    else:
        rows = [
            (service, key["id"], key["place"], f"{key['rows']:,}", "yes" if key["may_be_removed"] else "no")
            for service, keys in status.items()
            for key in keys
        ]
        print_table(("service", "key", "place in the settings", "rows", "may be removed"), rows)
        for sentence in _sentences(status):
            print_line(sentence)
    raise typer.Exit(1 if lost else EXIT_NEEDED if left else 0)


@app.command()
def status(url: Url = None, token: Token = None, json: Json = False) -> None:
    """Show which key each row needs. Exit code 0: the first alone; 3: an older one too; 1: one that the settings do not hold."""
    with _clients(url, token, as_json=json) as clients:
        found = _status(clients, as_json=json)
    _report(found, as_json=json)


@app.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be wrapped anew.")] = False,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Wrap everything under the first key of the settings, in batches. Stopped anywhere it goes on when it is asked again.

    Exit code 0: nothing needs an older key any more; 3: something does (always so with --dry-run, if there is work); 1: a failure.
    """
    with _clients(url, token, as_json=json) as clients:
        found = _status(clients, as_json=json)
        if dry_run:
            _report(found, as_json=json, dry_run=True)
        done, unreadable = 0, 0
        with stages() as tell:
            for service, client in clients.items():
                if total := _left(found[service]):
                    counts = _rewrap(service, client, total, tell, as_json=json)
                    done, unreadable = done + counts[0], unreadable + counts[1]
        found = _status(clients, as_json=json)
    if unreadable:
        say(f"{unreadable:,} rows are not opened by the key that they name; they are left as they are.")
    if not json:
        print_line(f"{done:,} rows were wrapped anew.")
    _report(found, as_json=json, rewrapped=done, unreadable=unreadable)


def _rewrap(service: str, client: httpx2.Client, total: int, tell: Tell, *, as_json: bool) -> tuple[int, int]:
    """Go through all rows until there is nothing to do; return how many were wrapped anew, and how many cannot be read.

    What somebody else has locked is passed over, so a second look follows each in which there was something.
    """
    done = 0
    while True:
        found, unreadable = 0, 0
        after: str | None = None
        while True:
            step = _batch(service, client, after, as_json=as_json)
            found, unreadable = found + step["rewrapped"], unreadable + step["unreadable"]
            tell(f"{service}: rows wrapped anew", min(done + found, total - 1), total)
            if (after := step["next"]) is None:
                break
        done += found
        if not found:
            tell(f"{service}: rows wrapped anew", total, total)
            return done, unreadable


def _batch(service: str, client: httpx2.Client, after: str | None, *, as_json: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"limit": BATCH} | ({} if after is None else {"after": after})
    headers = {"Idempotency-Key": f"keys-{uuid4()}"}
    step: dict[str, Any] = _answer(
        service, client.post("/key-rotation/batches", json=body, headers=headers), as_json=as_json
    )
    return step
