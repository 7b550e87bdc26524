"""Request bodies: bounded in size and time while they arrive, and JSON bodies bounded in depth before anything parses them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from shared.problems import Problem, standard

MIB = 1024 * 1024
SLOWEST = 8 * 1024
"""Bytes a second that an upload brings at least, in the long run: less than the worst line of an office, and an end for who only holds a connection."""
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may bring. Sizes in bytes, time in seconds."""

    body: int = MIB
    uploads: Mapping[str, int] = field(default_factory=dict)
    """Paths whose multipart or binary bodies may be larger, each with its own limit: they are handed on in pieces, all others are read whole first."""
    depth: int = 32
    """Levels of nested JSON."""
    seconds: float = 30.0
    """For a body to arrive; an upload has besides what it takes at ``SLOWEST``."""


def too_large(limit: int) -> Problem:
    """Return the 413 problem."""
    size = f"{limit // MIB} MiB" if limit >= MIB else f"{limit} bita"
    return standard(413, f"Isi permintaan melebihi batas {size}.", limit_bytes=limit)


def declared_length(headers: Headers) -> int | None:
    """Return the announced length of the body in bytes, or None for a body in chunks. Raises the problem 400."""
    text = headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal():
        raise standard(400, "Content-Length harus berupa bilangan.")
    return int(text[:18])


def is_binary(headers: Headers) -> bool:
    """Tell whether the body is something else than JSON, by what its sender says of it."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind != "" and not kind.endswith("json")


class CountedBody:
    """Hands an upload on piece by piece, and ends it with the problem 413 when it grows over the limit, or 408 when it is too slow.

    Only the time counts in which the app waits for the client, not that in which it works on what came.
    """

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._seen = 0
        self._waited = 0.0
        self.ended = False
        """All of it has come, or the client has gone."""

    async def __call__(self) -> Message:
        """Return the next message of the server."""
        if self.ended:
            return await self._receive()
        began = monotonic()
        try:
            async with asyncio.timeout(self._seconds + self._seen / SLOWEST - self._waited):
                message = await self._receive()
        except TimeoutError as error:
            raise standard(408) from error
        self._waited += monotonic() - began
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise too_large(self._limit)
        self.ended = not message.get("more_body", False)
        return message


class ReadBody:
    """Hands on a body that was read whole, then whatever the server still says (a disconnect)."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Return the whole body once, then the server's messages."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class ClientGoneError(Exception):
    """The client left before its request was complete; there is nobody to answer."""


async def read_whole(receive: Receive, limits: Limits) -> bytes:
    """Return the body. Raises the problems 413 and 408, and ``ClientGoneError``."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGoneError
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limits.body:
                    raise too_large(limits.body)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError as error:
        raise standard(408) from error


def check_json(body: bytes, depth: int) -> None:
    """Raise the problem 422 for JSON nested deeper than ``depth``, or holding U+0000, which PostgreSQL cannot store."""
    if b"\\u0000" in body and _NUL.search(body):
        raise standard(422, "Teks tidak boleh memuat karakter NUL (U+0000).")
    if body.count(b"[") + body.count(b"{") <= depth:
        return
    level = 0
    for match in _TOKENS.finditer(body):
        sign = match.group()
        if sign in (b"[", b"{"):
            level += 1
            if level > depth:
                raise standard(422, f"JSON bersarang lebih dalam dari {depth} tingkat.", allowed_depth=depth)
        elif sign in (b"]", b"}"):
            level -= 1
