"""Forms of our pages: what they send, and the proof that it is a form of ours."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from shared.problems import Problem, standard

CODE_BYTES = 16
MOST_FIELDS = 50
NUL = "\0"
MOST_SHOWN = 100
"""Of the name of a field that is refused: whoever sends it chooses that too."""


def read_fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form as browsers send it (``application/x-www-form-urlencoded``), of each the first; empty ones are absent.

    Raises the problem 422 for U+0000, as JSON that holds it is refused: no browser sends it, and PostgreSQL cannot store it.
    """
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    fields = {name: values[0] for name, values in found.items()}
    for name, text in fields.items():
        if NUL in name or NUL in text:
            raise _nul_in(name.replace(NUL, "\ufffd")[:MOST_SHOWN])
    return fields


def _nul_in(name: str) -> Problem:
    said = {
        "field": name,
        "in": "body",
        "message": "memuat karakter NUL (U+0000)",
        "allowed": "teks tanpa karakter NUL",
    }
    detail = f"Isian `{name}` memuat karakter NUL (U+0000); yang boleh: teks tanpa karakter NUL."
    return standard(422, detail, errors=[said], errors_total=1)


@dataclass(frozen=True, slots=True)
class FormCodes:
    """Signs what a form of ours will send, so that no other page can send it in the name of who looks at ours.

    The code is the request's idempotency key too: the same form sent twice has one effect. The first key signs, all of them
    are accepted.
    """

    keys: Sequence[bytes]

    def make(self, sub: str, deed: str, nonce: str) -> str:
        """Return the code for a person and a deed, for example ``resend|<id>``; ``nonce`` is new for each form."""
        return f"{nonce}.{self._sign(self.keys[0], sub, deed, nonce)}"

    def is_ours(self, code: str, sub: str, deed: str) -> bool:
        """Tell whether a code was made here for this person and this deed."""
        nonce, _, given = code.partition(".")
        right = [
            hmac.compare_digest(self._sign(key, sub, deed, nonce).encode(), given.encode("utf-8", "replace"))
            for key in self.keys
        ]
        return nonce.isalnum() and nonce.isascii() and any(right)

    def _sign(self, key: bytes, sub: str, deed: str, nonce: str) -> str:
        digest = hmac.digest(key, f"{deed}|{nonce}|{sub}".encode("utf-8", "replace"), "sha256")
        return urlsafe_b64encode(digest[:CODE_BYTES]).decode("ascii").rstrip("=")
