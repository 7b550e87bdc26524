"""Looking for words of one person wherever the platform keeps anything: every table, Kafka's files, logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import asyncpg

from ops.stack import Stack
from ops.stack.databases import SERVICES, in_database

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
"""


def _forms(word: str) -> set[bytes]:
    """Return how a word may stand there: as it is, in the JSON of ASCII, and as PostgreSQL writes bytes."""
    plain = word.encode()
    return {plain, word.encode("unicode_escape"), plain.hex().encode()}


def words_in(content: bytes, words: Iterable[str]) -> set[str]:
    """Return the words that stand in there, whatever the case."""
    lower = content.lower()
    return {word for word in words if any(form.lower() in lower for form in _forms(word))}


async def _tables(dsn: str) -> Mapping[str, bytes]:
    """Return every row of every table of a database as text, after a vacuum."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM (FULL)")
        found = {}
        for (table,) in await connection.fetch(TABLES):
            rows = await connection.fetch(f"SELECT t::text FROM {table} t")
            found[table] = "\n".join(row[0] for row in rows).encode()
        return found
    finally:
        await connection.close()


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


async def search(stack: Stack, words: Iterable[str]) -> dict[str, set[str]]:
    """Return the places where words of ``words`` stand, each with these words."""
    wanted, found = list(words), {}
    for service in SERVICES:
        for table, content in (await _tables(in_database(stack.servers.superuser_dsn(), service))).items():
            found[f"{service}: {table}"] = words_in(content, wanted)
    for kind, folder in (("kafka", stack.home.kafka), ("log", stack.home.logs)):
        for name, content in _files(folder):
            found.setdefault(f"{kind}: {name}", set()).update(words_in(content, wanted))
    return {place: words for place, words in found.items() if words}
