"""What of a Kafka record looks like somebody's number or address, whoever wrote it there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PERSONAL = re.compile(rb"\d{16}|\+?62\s?8\d{8,}|08\d{8,}|[\w.]+@[\w.]+")
_SEALED = re.compile(rb"nk1\.[^\"]+")
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}")


def personal_in(value: bytes, headers: Iterable[tuple[str, Any]]) -> list[bytes]:
    """Return what looks personal in the readable part of a record: not in sealed texts, and not in ids."""
    readable = _SEALED.sub(b"", value) + b" ".join(told for _, told in headers if isinstance(told, bytes))
    return PERSONAL.findall(_ID.sub(b"", readable))
