"""Facts that the live consumer has applied already, read again without checking them a second time.

A rebuild reads millions of them. Each was validated by its contract when it was first applied, so here the same
fields are decoded by msgspec structs that are derived from the contracts: a fifth of the time. Fields, types and
defaults are the contract's; only its patterns and ranges are not checked again. ``Trusted`` looks like ``Event`` to
the rules of this package.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec

from shared.contracts import CONTRACTS
from shared.envelope import Event
from shared.lean import struct_of


class TrustedMeta(NamedTuple):
    """The context attributes that the rules use."""

    id: str
    """A UUID, left as the text it came as: the database reads it faster than Python does."""
    time: datetime
    sequence: int
    origin: str


class Trusted(NamedTuple):
    """An event of which nothing was checked but its shape."""

    meta: TrustedMeta
    fact: Any


AnyEvent = Event | Trusted


def read_trusted(type_name: str, sequence: int, headers: dict[str, bytes], value: bytes) -> Trusted:
    """Return the fact of a record that the live consumer has applied.

    Raises ``ValueError`` or ``KeyError`` if it is not what was applied then.
    """
    meta = TrustedMeta(
        headers["ce_id"].decode("ascii"),
        datetime.fromisoformat(headers["ce_time"].decode("ascii")),
        sequence,
        headers["ce_origin"].decode("ascii"),
    )
    return Trusted(meta, _decoder(type_name).decode(value))


@cache
def _decoder(type_name: str) -> msgspec.json.Decoder[Any]:
    """Return what reads a contract without the sealed part, which no projection looks at."""
    model = CONTRACTS[type_name]
    return msgspec.json.Decoder(struct_of(model, model.model_fields.keys() - {"personal"}))
