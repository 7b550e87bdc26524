"""Who may do what: every operation of every service with the roles that it lets in. ``python -m tests.access`` writes docs/access.md.

The apps are made as their processes make them, without servers: whether a caller is let in is decided before anything is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import asyncpg
from fastapi import FastAPI

from shared.auth import Access, Role, new_signing_key, public_jwks, rule_of
from shared.auth.rules import routes_of
from shared.database import Pool
from shared.settings import ServiceSettings
from tests.house.tree import ROOT

DOCUMENT = ROOT / "docs" / "access.md"
SERVICES = ("registry", "training", "events", "projections", "notifications", "partners")
ISSUER, AUDIENCE = "https://masuk.umkm.example", "naikkelas"
EVERYBODY = "everybody"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
HEAD = """\
# Who may do what

Written by `python -m tests.access` from the routes; `tests/kernel/test_access_matrix.py` holds that this page is what the code says, and
tries every operation with every role by a real request. *Everybody* needs no token. An officer of a kelurahan sees and changes what
belongs to the own kelurahan only; an agency, what is its own. What is on a process's own port alone (health, metrics) is not
passed on by the proxy.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service, and whom it lets in; ``None``: everybody."""

    service: str
    method: str
    path: str
    roles: frozenset[Role] | None

    def row(self) -> str:
        """Return the line of the document."""
        named = EVERYBODY if self.roles is None else ", ".join(f"`{role}`" for role in Role if role in self.roles)
        return f"| {self.method} | `{self.path}` | {named} |"


def _settings(module: ModuleType, folder: Path) -> Any:
    [made] = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ServiceSettings) and kind.__module__ == module.__name__
    ]
    given = {
        "database_dsn": NOWHERE,
        "kafka_bootstrap": "127.0.0.1:1",
        "kafka_username": "nobody",
        "kafka_password": "x",
        "http_port": 0,
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwks": str(folder / "jwks.json"),
        "key_encryption_key": KEY,
        "upload_dir": folder,
        "registry_url": "http://127.0.0.1:1",
        "service_token_file": folder / "token",
        "public_url": "http://127.0.0.1:1",
        "unsubscribe_key": "0123456789abcdef",
        "cursor_key": "0123456789abcdef",
        "webhook_key": KEY,
    }
    return made(**{name: value for name, value in given.items() if name in made.model_fields})


def publish_key(folder: Path, signing: dict[str, Any]) -> None:
    """Write what apps in the folder know tokens by."""
    (folder / "jwks.json").write_text(json.dumps(public_jwks(signing)), encoding="utf-8")
    (folder / "token").write_text("x", encoding="utf-8")


def app_of(service: str, folder: Path, pool: Pool) -> FastAPI:
    """Return the app of a service, as its process makes it."""
    settings = _settings(import_module(f"services.{service}.settings"), folder)
    app: FastAPI = import_module(f"services.{service}.app").create_app(settings, pool)
    return app


def apps(folder: Path, signing: dict[str, Any]) -> dict[str, FastAPI]:
    """Return the app of each service, without a database; ``signing`` is the key of the tokens that they know. Needs a running loop."""
    publish_key(folder, signing)
    return {
        service: app_of(service, folder, asyncpg.create_pool(NOWHERE, min_size=0, max_size=1)) for service in SERVICES
    }


def operations(made: dict[str, FastAPI]) -> Iterator[Operation]:
    """Return every operation of the apps, in the order of service, path and method."""
    for service, app in made.items():
        found = set()
        for route in routes_of(app):
            rule = rule_of(route)
            if rule is not None:
                roles = rule.roles if isinstance(rule, Access) else None
                methods = set(getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
                found |= {Operation(service, method, route.path, roles) for method in methods}
        yield from sorted(found, key=lambda operation: (operation.path, operation.method))


def document(made: dict[str, FastAPI]) -> str:
    """Return the page."""
    text, last = [HEAD], ""
    for operation in operations(made):
        if operation.service != last:
            last = operation.service
            text.append(f"\n## {last}\n\n| | operation | lets in |\n|---|---|---|\n")
        text.append(operation.row() + "\n")
    return "".join(text)


async def _write() -> None:
    with TemporaryDirectory() as folder:
        DOCUMENT.write_text(document(apps(Path(folder), new_signing_key())), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
