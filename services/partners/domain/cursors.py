"""Cursors of the feed: where an agency is in a stream, signed for that agency and that stream (HMAC-SHA-256).

``k1.<base64url of the position, 8 bytes, two marks of 4, and 16 bytes of the signature>``, of the first history of the store; of one that
began when a backup was brought back ``k2.`` with the history's id, 8 bytes, before the marks. A cursor is no secret and grants nothing:
it is read under the token and agreement of who sends it.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import NamedTuple

from services.partners.domain.refusals import CursorAgencyError, CursorError, CursorStreamError

FIRST_HISTORY = 0
SCHEMES = {"k1": 8, "k2": 16}
"""What stands before the marks: the position, and the history where it is not the first."""
SIGNATURE_BYTES = 16
TAG_BYTES = 4
LONGEST = 64


class Cursor(NamedTuple):
    """What a cursor says."""

    position: int
    history: int = FIRST_HISTORY


def _mac(key: bytes, *parts: bytes) -> bytes:
    # Each part with its length before it, so that no two lists of parts are the same text.
    told = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, told, "sha256")


def write_cursor(key: bytes, agency: str, stream: str, position: int, history: int = FIRST_HISTORY) -> str:
    """Return the cursor after the event at ``position``; 0 is before the first."""
    scheme, place = "k1", position.to_bytes(8, "big")
    if history != FIRST_HISTORY:
        scheme, place = "k2", place + history.to_bytes(8, "big")
    head = place + _tag(key, b"agency", agency) + _tag(key, b"stream", stream)
    body = head + _mac(key, b"cursor", head, agency.encode(), stream.encode())[:SIGNATURE_BYTES]
    return f"{scheme}.{urlsafe_b64encode(body).decode().rstrip('=')}"


def read_cursor(keys: Sequence[bytes], agency: str, stream: str, cursor: str) -> Cursor:
    """Return what a cursor says; every one of ``keys`` is accepted, so that the first can be changed.

    Raises ``CursorError`` for what no key signed, ``CursorAgencyError`` for another agency's, ``CursorStreamError`` for
    another stream's.
    """
    body = _body(cursor)
    head, signature = body[:-SIGNATURE_BYTES], body[-SIGNATURE_BYTES:]
    for key in keys:
        expected = _mac(key, b"cursor", head, agency.encode(), stream.encode())[:SIGNATURE_BYTES]
        if hmac.compare_digest(signature, expected):
            place = head[: -2 * TAG_BYTES]
            return Cursor(int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big"))
    raise _why(keys, agency, stream, head)


def _tag(key: bytes, kind: bytes, text: str) -> bytes:
    return _mac(key, kind, text.encode())[:TAG_BYTES]


def _why(
    keys: Sequence[bytes], agency: str, stream: str, head: bytes
) -> CursorError | CursorAgencyError | CursorStreamError:
    """Return which refusal it is. The tags only choose the words: whatever they say, the cursor is refused."""
    agency_tag, stream_tag = head[-2 * TAG_BYTES : -TAG_BYTES], head[-TAG_BYTES:]
    ours = [(_tag(key, b"agency", agency) == agency_tag, _tag(key, b"stream", stream) == stream_tag) for key in keys]
    if (False, True) in ours:
        return CursorAgencyError()
    return CursorStreamError(stream) if (True, False) in ours else CursorError()


def _body(cursor: str) -> bytes:
    scheme, _, text = cursor.partition(".")
    if scheme not in SCHEMES or len(cursor) > LONGEST or not text.isascii():
        raise CursorError
    try:
        body = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (Base64Error, ValueError):
        raise CursorError from None
    size = SCHEMES[scheme] + 2 * TAG_BYTES + SIGNATURE_BYTES
    if len(body) != size or urlsafe_b64encode(body).decode().rstrip("=") != text:
        raise CursorError
    return body
