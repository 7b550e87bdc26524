"""Idempotency keys: a POST that is sent again gets the first answer, and has no second effect (Stripe's rules).

A handler gives its work as a function of the connection, and says what is to be answered::

    @router.post("/owners", status_code=201)
    async def register_owner(
        body: RegisterOwnerRequest, request: Request,
        principal: Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))],
        once: OnlyOnce,
    ) -> Response:
        async def work(connection: asyncpg.Connection) -> Answer:
            owner = await handlers.register_owner(connection, body.to_command(), cause_of(request, principal))
            return Answer(201, {"id": str(owner.id), "version": owner.version}, {"Location": f"/owners/{owner.id}"})

        return await once.run(request.app.state.pool, work)

``run`` opens the transaction: claim of the key, the work, and the stored answer commit together or not at all, so the
promise survives any crash. Do not open another transaction inside (it would be a savepoint with two more round trips).

The rules:
* The header ``Idempotency-Key`` (1 to 255 visible ASCII characters) is required: without it 400.
* Same caller, key and request: the stored status, headers and body, with ``Idempotency-Replayed: true``. The request is
  its method, path, query, ``If-Match`` and body; JSON bodies are compared by content, not by their spelling.
* Same key, other request: 422.
* Two at once: the second waits for the first (at most 5 s, else 409 with Retry-After) and gets its answer.
* Stored are successes, and refusals by a rule (a ``Problem`` below 500 raised by the work): who wants another try after
  such a refusal takes a new key. Not stored, so that the same key may be sent again: what never reached the work
  (401, 403, 413, 422 of the form), 409 of this module, 429, and everything from 500 up. There Stripe stores and we do
  not, because here a failure has rolled everything back: nothing happened.
* Keys are kept for 24 hours.

Keep personal values out of the ``Answer``: it is stored in the clear for a day. Ids, versions and states are enough.
For uploads pass ``content=`` (a digest of the file and of the fields that matter); the body is then not read again.
A route that writes with statements of its own (group commit) uses ``claim`` and ``store`` on its connection.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b, sha256
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, FastAPI, Header
from starlette.requests import Request
from starlette.responses import Response

from shared.auth.rules import dependencies_of, routes_of
from shared.problems import MEDIA_TYPE, Problem, problem_response, request_id_of

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
WAIT_SECONDS = 5
PURGE_ROWS = 10_000
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and stored: status, content (anything JSON), further headers."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it went out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def response(self, *, replayed: bool) -> Response:
        """Return it as a response; ``replayed`` marks one that came from the store."""
        response = Response(self.body, status_code=self.status, headers=dict(self.headers))
        if replayed:
            response.headers[REPLAYED] = "true"
        return response


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The identity of a request: 32 bytes each, made with the client's key, which itself is not kept."""

    id: bytes
    fingerprint: bytes


def request_key(caller: str, key: str, *parts: bytes) -> RequestKey:
    """Return the identity of what ``caller`` asks under ``key``; ``parts`` are all that makes it that request."""
    secret = sha256(key.encode()).digest()
    digest = blake2b(key=secret, digest_size=32)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return RequestKey(sha256(f"{caller}\n{key}".encode()).digest(), digest.digest())


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


async def claim(connection: asyncpg.Connection, key: RequestKey) -> StoredAnswer | None:
    """Take the key inside the caller's transaction and return None, or return what was answered before.

    From then on waits for locks in this transaction are bounded to 5 s. Raises the problems 409 (another request
    with this key does not end) and 422 (the key was used for another request).
    """
    wait = f"{WAIT_SECONDS}s"
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


def render(answer: Answer) -> StoredAnswer:
    """Return the bytes of an answer."""
    body = b"" if answer.content is None else orjson.dumps(answer.content)
    kind = (("content-type", "application/json"),) if body else ()
    return StoredAnswer(answer.status, (*kind, *answer.headers.items()), body)


def _render_refusal(problem: Problem, request: Request) -> StoredAnswer:
    response = problem_response(problem, request_id_of(request), request.url.path)
    return StoredAnswer(problem.status, (("content-type", MEDIA_TYPE), *problem.headers.items()), bytes(response.body))


Work = Callable[[asyncpg.Connection], Awaitable[Answer]]


class Once:
    """The idempotent run of one request."""

    def __init__(self, request: Request, key: str) -> None:
        self._request = request
        self._key = key

    async def identity(self, content: bytes | None = None) -> RequestKey:
        """Return the identity of the request; ``content`` stands for a body that must not be read again."""
        request = self._request
        if content is None:
            content = canonical(await request.body(), request.headers.get("content-type", ""))
        principal = getattr(request.state, "principal", None)
        return request_key(
            principal.sub if principal is not None else "",
            self._key,
            request.method.encode(),
            request.url.path.encode(),
            request.url.query.encode(),
            request.headers.get("if-match", "").encode(),
            content,
        )

    async def run(self, pool: asyncpg.Pool, work: Work, *, content: bytes | None = None) -> Response:
        """Do ``work`` in a transaction unless it was done before; return its answer, or the one of then."""
        key = await self.identity(content)
        async with pool.acquire() as connection:
            try:
                return await self._first(connection, key, work)
            except RefusalError as refusal:
                return await self._keep_refusal(connection, key, refusal.problem)

    async def _first(self, connection: asyncpg.Connection, key: RequestKey, work: Work) -> Response:
        async with connection.transaction():
            stored = await claim(connection, key)
            if stored is not None:
                return stored.response(replayed=True)
            try:
                answer = render(await work(connection))
            except Problem as problem:
                if problem.status >= 500 or problem.status == 429:
                    raise
                raise RefusalError(problem) from problem
            await store(connection, key, answer)
        return answer.response(replayed=False)

    async def _keep_refusal(self, connection: asyncpg.Connection, key: RequestKey, problem: Problem) -> Response:
        """Store a refusal after the roll-back; if the same request succeeded meanwhile, its answer is the answer."""
        answer = _render_refusal(problem, self._request)
        async with connection.transaction():
            stored = await claim(connection, key)
            if stored is not None:
                return stored.response(replayed=True)
            await store(connection, key, answer)
        return answer.response(replayed=False)


class RefusalError(Exception):
    """Carries a refusal out of the transaction, which rolls back on its way."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def canonical(body: bytes, content_type: str) -> bytes:
    """Return a JSON body with sorted keys and no blanks; any other body as it is."""
    if not body or not content_type.partition(";")[0].strip().lower().endswith("json"):
        return body
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return body


async def once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(alias=HEADER, description="Kunci unik permintaan ini; permintaan ulang dengan kunci yang sama aman."),
    ] = None,
) -> Once:
    """Return the idempotent run of this request, as a dependency. Raises the problem 400 without a usable key."""
    if idempotency_key is None or not _KEY.fullmatch(idempotency_key):
        raise Problem(
            400,
            "kunci-wajib",
            "Idempotency-Key wajib diisi",
            "Sertakan header Idempotency-Key: 1 sampai 255 karakter ASCII tanpa spasi, baru untuk setiap permintaan baru.",
        )
    return Once(request, idempotency_key)


OnlyOnce = Annotated[Once, Depends(once)]


def assert_every_post_is_idempotent(app: FastAPI, *, except_paths: frozenset[str] = frozenset()) -> None:
    """Raise ``LookupError`` naming the POST routes that do not depend on ``once``; exceptions only read."""
    missing = [
        route.path
        for route in routes_of(app)
        if "POST" in (getattr(route, "methods", None) or ())
        and route.path not in except_paths
        and once not in (list(dependencies_of(route.dependant)) if getattr(route, "dependant", None) else [])
    ]
    if missing:
        raise LookupError(f"POST routes without an idempotency key: {'; '.join(missing)}")
