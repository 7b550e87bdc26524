"""The table of idempotency keys: claim a key, store its answer, forget old ones."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import orjson

from shared.idempotency.answers import RequestKey, StoredAnswer
from shared.problems import Problem

KEPT_FOR = timedelta(hours=24)
WAIT_SECONDS = 5.0
PURGE_ROWS = 10_000

# One statement: bounds the wait for another holder of the key, takes the key, or an expired row of it.
CLAIM = """
WITH bound AS MATERIALIZED (SELECT set_config('lock_timeout', $3, true))
INSERT INTO idempotency_key AS k (id, fingerprint)
SELECT $1, $2 FROM bound
ON CONFLICT (id) DO UPDATE
SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE k.created_at < now() - $4::interval
RETURNING true
"""
FIND = "SELECT fingerprint, status, headers, body FROM idempotency_key WHERE id = $1"
STORE = "UPDATE idempotency_key SET status = $2, headers = $3::jsonb, body = $4 WHERE id = $1"
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
            headers = tuple((str(name), str(value)) for name, value in orjson.loads(row["headers"]))
            return StoredAnswer(row["status"], headers, bytes(row["body"]))
    raise _busy()  # purged between the two statements, three times over


async def store(connection: asyncpg.Connection, key: RequestKey, answer: StoredAnswer) -> None:
    """Keep the answer with its key, in the transaction that claimed it."""
    headers = orjson.dumps(answer.headers).decode()
    await connection.execute(STORE, key.id, answer.status, headers, answer.body)


async def purge(connection: asyncpg.Connection | asyncpg.Pool, rows: int = PURGE_ROWS) -> int:
    """Forget at most ``rows`` keys that are older than 24 hours, and return how many; call it until it returns less."""
    tag: str = await connection.execute(PURGE, KEPT_FOR, rows)
    return int(tag.rpartition(" ")[2])
