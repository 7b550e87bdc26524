"""The tables of the partner service: rows to domain objects and back. Every function takes the caller's connection."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shared.database import Migrations, Queries, kernel_migrations, load_queries

SQL = Path(__file__).parent.parent / "sql"


@cache
def queries() -> Queries:
    """Return the named statements of the partner service."""
    return load_queries(SQL / "queries.sql")


@cache
def webhook_queries() -> Queries:
    """Return the named statements of webhooks."""
    return load_queries(SQL / "webhooks.sql")


@cache
def replay_queries() -> Queries:
    """Return the named statements of replays."""
    return load_queries(SQL / "replays.sql")


@cache
def erasure_queries() -> Queries:
    """Return the named statements of erasures."""
    return load_queries(SQL / "erasures.sql")


def migrations() -> list[Migrations]:
    """Return what brings the database up to date, in order."""
    return [
        *kernel_migrations("outbox", "consumer", "idempotency", "trail"),
        Migrations("partners", SQL / "migrations"),
    ]
