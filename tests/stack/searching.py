"""Looking for words of one person wherever the platform keeps anything: every table, dumps, Kafka's files, logs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ops.stack import Stack
from ops.stack.databases import SERVICES, in_database
from ops.stack.postgres import find_programs
from shared.database import connected

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
    async with connected(dsn) as connection:
        await connection.execute("VACUUM (FULL)")
        found = {}
        for (table,) in await connection.fetch(TABLES):
            rows = await connection.fetch(f"SELECT t::text FROM {table} t")
            found[table] = "\n".join(row[0] for row in rows).encode()
        return found


def _dump(dsn: str) -> bytes:
    """Return a database as ``pg_dump`` writes it."""
    return subprocess.run([find_programs() / "pg_dump", f"--dbname={dsn}"], capture_output=True, check=True).stdout


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


async def search(stack: Stack, words: Iterable[str]) -> dict[str, set[str]]:
    """Return the places where words of ``words`` stand, each with these words."""
    wanted, found = list(words), {}
    for service in SERVICES:
        dsn = in_database(stack.servers.superuser_dsn(), service)
        for table, content in (await _tables(dsn)).items():
            found[f"{service}: {table}"] = words_in(content, wanted)
        found[f"dump: {service}"] = words_in(_dump(dsn), wanted)
    for kind, folder in (("kafka", stack.home.kafka), ("log", stack.home.logs)):
        for name, content in _files(folder):
            found.setdefault(f"{kind}: {name}", set()).update(words_in(content, wanted))
    return {place: words for place, words in found.items() if words}
