"""The tables of exhibitions and outlets: rows to domain objects and back. Every function takes the caller's connection."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shared.database import Migrations, Queries, kernel_migrations, load_queries

SQL = Path(__file__).parent.parent / "sql"


@cache
def queries() -> Queries:
    """Return the named statements of the exhibitions."""
    return load_queries(SQL / "queries.sql")


def migrations() -> list[Migrations]:
    """Return what brings the database up to date, in order."""
    return [
        *kernel_migrations("outbox", "consumer", "idempotency", "partners", "trail"),
        Migrations("events", SQL / "migrations"),
    ]
