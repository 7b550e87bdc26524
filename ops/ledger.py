"""Migrations by their ledger: what the code declares, what a database has run, and how the two differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import Any

import asyncpg

from shared.database import Migrations
from shared.service import Service

Ledger = Mapping[str, str]
"""``component/name.sql`` → SHA-256 of the file, in hex."""

_READ = "SELECT component, name, sha256 FROM schema_migration ORDER BY component, name"


@dataclass(frozen=True, slots=True)
class Difference:
    """How a database differs from the code; each a list of ``component/name.sql``, in the order of running."""

    missing: tuple[str, ...] = ()
    """Declared, and not run yet."""
    foreign: tuple[str, ...] = ()
    """Run, and unknown to this code: a newer release has been here."""
    changed: tuple[str, ...] = ()
    """Run with another text than the code has."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.foreign or self.changed)


def migrations_of(service: str) -> Sequence[Migrations]:
    """Return what brings a service's database up to date, in order."""
    declared: Service[Any] = import_module(f"services.{service}.processes").SERVICE
    found: Sequence[Migrations] = declared.loaded(declared.migrations)()
    return found


def declared_ledger(service: str) -> dict[str, str]:
    """Return the ledger that a database of this service has after this code migrated it."""
    return {
        f"{item.component}/{path.name}": sha256(path.read_text(encoding="utf-8").encode()).hexdigest()
        for item in migrations_of(service)
        for path in item.files()
    }


async def read_ledger(connection: asyncpg.Connection) -> dict[str, str]:
    """Return what a database has run; nothing where it was never migrated. Raises what asyncpg raises."""
    if await connection.fetchval("SELECT to_regclass('public.schema_migration') IS NULL"):
        return {}
    return {f"{row[0]}/{row[1]}": row[2] for row in await connection.fetch(_READ)}


def compare_ledgers(declared: Ledger, ran: Ledger) -> Difference:
    """Return how what ran differs from what is declared."""
    return Difference(
        tuple(name for name in declared if name not in ran),
        tuple(name for name in ran if name not in declared),
        tuple(name for name, digest in declared.items() if ran.get(name, digest) != digest),
    )
