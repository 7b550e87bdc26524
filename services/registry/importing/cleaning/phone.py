"""Phones: typed in every shape, stored as E.164. Families share phones, so a phone is no key."""

from __future__ import annotations

import re
from typing import NamedTuple

import phonenumbers

from services.registry.importing.cleaning.text import Cell, is_empty, text_of

# The mobile numbers of Indonesia exactly as ``phonenumbers`` knows them; a test compares the two.
_FAST = re.compile(r"(?:0|62|\+62)(8[1-35-9]\d{7,10})", re.ASCII)
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:[.,]\d+)?e[+-]?\d+", re.IGNORECASE)
_SPLIT = re.compile(r"[/,;|\n&]|\bdan\b|\batau\b", re.IGNORECASE)
_FLOAT_TAIL = re.compile(r"[.,]0+$")
_NOISE = re.compile(r"[\s().\-–—_'`’:]|\b(?:hp|wa|telp?|tlp|no)\b", re.IGNORECASE)
_PLUS = str.maketrans({"＋": "+"})
MAX_PHONES = 5


class Phones(NamedTuple):
    """The numbers as E.164, in the order typed, each once; ``code`` if a part was no number."""

    numbers: tuple[str, ...]
    code: str | None


_NONE = Phones((), None)


def check_phones(cell: Cell) -> Phones:
    """Return the phones in a cell."""
    text = cell if isinstance(cell, str) else text_of(cell)
    fast = _FAST.fullmatch(text.replace(" ", "").replace("-", ""))
    if fast is not None:
        return Phones((f"+62{fast[1]}",), None)
    return _check_slow(text)


def _check_slow(text: str) -> Phones:
    text = text.strip()
    if is_empty(text) or set(text) <= set("0- "):
        return _NONE
    if _SCIENTIFIC.fullmatch(text.replace(" ", "")) is not None:
        return Phones((), "HP_SCIENTIFIC")
    found: list[str] = []
    code: str | None = None
    for part in _SPLIT.split(text)[: MAX_PHONES + 1]:
        if is_empty(part.strip()):
            continue
        number = to_e164(part)
        if number is None:
            code = "HP_TIDAK_SAH"
        elif number not in found:
            found.append(number)
    return Phones(tuple(found[:MAX_PHONES]), code)


def to_e164(typed: str) -> str | None:
    """Return one typed number as E.164, or ``None``.

    ``phonenumbers`` alone takes ``62811812345`` for a national number and makes ``+6262811812345`` of it, and reads
    ``81234567890.0`` with its last zero; so the country code and the tail of a float are put right first.
    """
    bare = _NOISE.sub("", _FLOAT_TAIL.sub("", typed.strip()).translate(_PLUS))
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if bare.startswith("+620"):
        bare = "+62" + bare[4:]
    elif bare.startswith("620"):
        bare = "+62" + bare[3:]
    elif bare.startswith("62"):
        bare = "+" + bare
    if not (bare.isascii() and bare.removeprefix("+").isdigit() and 7 <= len(bare) <= 17):
        return None
    try:
        number = phonenumbers.parse(bare, "ID")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
