"""What is asked and what was answered, as the store of idempotency keys knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Any

import orjson
from starlette.responses import Response

REPLAYED = "Idempotency-Replayed"


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


def render(answer: Answer) -> StoredAnswer:
    """Return the bytes of an answer."""
    body = b"" if answer.content is None else orjson.dumps(answer.content)
    kind = (("content-type", "application/json"),) if body else ()
    return StoredAnswer(answer.status, (*kind, *answer.headers.items()), body)


def canonical(body: bytes, content_type: str) -> bytes:
    """Return a JSON body with sorted keys and no blanks; any other body as it is."""
    if not body or not content_type.partition(";")[0].strip().lower().endswith("json"):
        return body
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return body
