"""The table of idempotency keys: claim a key, store its answer, forget old ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import asyncpg
import orjson

from shared.database import write_rows
from shared.idempotency.answers import RequestKey, StoredAnswer
from shared.problems import Problem

KEPT_FOR = timedelta(hours=24)
WAIT_SECONDS = 5.0
PURGE_ROWS = 10_000

# One statement: bounds the wait for another holder of the key, takes the key, or an expired row of it.
_BOUNDED = """
WITH bound AS MATERIALIZED (SELECT set_config('lock_timeout', $3, true))
INSERT INTO idempotency_key AS k (id, fingerprint)
"""
_TAKEN = """
ON CONFLICT (id) DO UPDATE
SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE k.created_at < now() - $4::interval
RETURNING k.id
"""
CLAIM = "".join((_BOUNDED, "SELECT $1, $2 FROM bound", _TAKEN))
# In the order of the ids, so that two groups with the same keys do not lock one another out.
_SEVERAL = "SELECT u.id, u.fingerprint FROM bound, unnest($1::bytea[], $2::bytea[]) AS u(id, fingerprint) ORDER BY u.id"
CLAIM_ALL = "".join((_BOUNDED, _SEVERAL, _TAKEN))
FIND = "SELECT fingerprint, status, headers, body FROM idempotency_key WHERE id = $1"
FIND_ALL = "SELECT id, fingerprint, status, headers, body FROM idempotency_key WHERE id = ANY ($1::bytea[])"
STORE = "UPDATE idempotency_key SET status = $2, headers = $3::jsonb, body = $4 WHERE id = $1"
STORE_ALL = """
UPDATE idempotency_key k SET status = u.status, headers = u.headers::jsonb, body = u.body
FROM unnest($1::bytea[], $2::smallint[], $3::text[], $4::bytea[]) AS u(id, status, headers, body) WHERE k.id = u.id
"""
GIVE_BACK = "DELETE FROM idempotency_key WHERE id = ANY ($1::bytea[])"
PURGE = """
DELETE FROM idempotency_key WHERE id IN (
    SELECT id FROM idempotency_key WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


def _busy() -> Problem:
    return Problem(
        409,
        "sedang-diproses",
        "Permintaan yang sama sedang diproses",
        "Permintaan dengan Idempotency-Key ini masih diproses; silakan coba lagi sebentar lagi.",
        headers={"Retry-After": "2"},
    )


def _reused() -> Problem:
    return Problem(
        422,
        "kunci-terpakai",
        "Idempotency-Key sudah dipakai",
        "Idempotency-Key ini sudah dipakai untuk permintaan lain; pakai kunci baru.",
    )


async def claim(
    connection: asyncpg.Connection, key: RequestKey, wait_seconds: float = WAIT_SECONDS
) -> StoredAnswer | None:
    """Take the key inside the caller's transaction and return None, or return what was answered before.

    From then on waits for locks in this transaction are bounded to ``wait_seconds``. Raises the problems 409 (another request
    with this key does not end) and 422 (the key was used for another request).
    """
    wait = f"{wait_seconds}s"
    for _ in range(3):
        try:
            taken = await connection.fetchval(CLAIM, key.id, key.fingerprint, wait, KEPT_FOR)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise _busy() from error
        if taken:
            return None
        row = await connection.fetchrow(FIND, key.id)
        if row is not None:
            if bytes(row["fingerprint"]) != key.fingerprint:
                raise _reused()
            return _answer(row)
    raise _busy()  # purged between the two statements, three times over


async def claim_all(
    connection: asyncpg.Connection, keys: Collection[RequestKey], wait_seconds: float = WAIT_SECONDS
) -> tuple[frozenset[bytes], dict[bytes, StoredAnswer]]:
    """Take keys as ``claim`` does, each once; return the ids that are taken, and by id what was answered before.

    An id that is in neither belongs to another request, or was forgotten just now: ``claim`` it alone.
    Raises what asyncpg raises, if another request with one of the keys does not end.
    """
    wanted = {key.id: key.fingerprint for key in keys}
    wait = f"{wait_seconds}s"
    rows = await connection.fetch(CLAIM_ALL, list(wanted), list(wanted.values()), wait, KEPT_FOR)
    taken = frozenset(bytes(row["id"]) for row in rows)
    others = wanted.keys() - taken
    found = await connection.fetch(FIND_ALL, list(others)) if others else []
    known = {bytes(row["id"]): _answer(row) for row in found if bytes(row["fingerprint"]) == wanted[bytes(row["id"])]}
    return taken, known


def _answer(row: asyncpg.Record) -> StoredAnswer:
    headers = tuple((str(name), str(value)) for name, value in orjson.loads(row["headers"]))
    return StoredAnswer(row["status"], headers, bytes(row["body"]))


def _headers(answer: StoredAnswer) -> str:
    return orjson.dumps(answer.headers).decode()


async def store(connection: asyncpg.Connection, key: RequestKey, answer: StoredAnswer) -> None:
    """Keep the answer with its key, in the transaction that claimed it."""
    await connection.execute(STORE, key.id, answer.status, _headers(answer), answer.body)


async def store_all(connection: asyncpg.Connection, answers: Mapping[bytes, StoredAnswer]) -> None:
    """Keep answers with the ids of their keys, in the transaction that claimed these."""
    rows = [(key_id, answer.status, _headers(answer), answer.body) for key_id, answer in answers.items()]
    await write_rows(connection, STORE_ALL, rows)


async def give_back(connection: asyncpg.Connection, ids: Collection[bytes]) -> None:
    """Let go of keys in the transaction that claimed them, as if nobody had asked."""
    if ids:
        await connection.execute(GIVE_BACK, list(ids))


async def purge(connection: asyncpg.Connection | asyncpg.Pool, rows: int = PURGE_ROWS) -> int:
    """Forget at most ``rows`` keys that are older than 24 hours, and return how many; call it until it returns less."""
    tag: str = await connection.execute(PURGE, KEPT_FOR, rows)
    return int(tag.rpartition(" ")[2])
