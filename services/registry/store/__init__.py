"""The registry's tables: rows to domain objects and back. Every function takes the caller's connection."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shared.database import Migrations, Queries, kernel_migrations, load_queries

SQL = Path(__file__).parent.parent / "sql"


@cache
def queries() -> Queries:
    """Return the named statements of the registry."""
    return load_queries(SQL / "queries.sql")


@cache
def licensing_queries() -> Queries:
    """Return the named statements of licences, organisations, brands and the daily pass."""
    return load_queries(SQL / "queries_licensing.sql")


def migrations() -> list[Migrations]:
    """Return what brings the database up to date, in order."""
    return [*kernel_migrations("outbox", "idempotency", "trail"), Migrations("registry", SQL / "migrations")]


def at_hand(statement: str, part: str) -> str:
    """Return a statement of a list that reads from ``part``: a table, or another statement."""
    return statement.replace("{at_hand}", part if part.isidentifier() else f"({part})")


def words_query(text: str) -> str | None:
    """Return the search for words that begin like those of ``text`` (a folded key), or ``None`` for no word."""
    words = ["'" + word.replace("\\", "").replace("'", "") + "':*" for word in text.split()]
    return " & ".join(words) or None
