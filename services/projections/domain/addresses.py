"""Addresses of the numbers that this service shows: ``district_dashboard/64.71.01.1001/kelas=mikro``.

An address is the name of what counts, then a place (code or name) and ``key=value`` parts in any order. Names and keys may
be cut short where only one fits. What cannot be read is refused with what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.projections.reference import UNKNOWN, Places
from shared.refusals import DeedRefusedError

SHOWN = 40


class AddressRefusedError(DeedRefusedError):
    """The address names no number. ``values["allowed"]`` holds what may stand in the part that cannot be read."""

    slug = "alamat-angka-tidak-dikenal"
    title = "Alamat angka tidak dikenal"


def refused(what: str, part: str, allowed: Iterable[str]) -> AddressRefusedError:
    """Return the refusal of one part of an address."""
    known = list(allowed)
    more = f" dan {len(known) - SHOWN} lagi" if len(known) > SHOWN else ""
    said = f"{what} “{part}” tidak dikenal" if part else f"{what} belum disebut"
    return AddressRefusedError(f"{said}. Yang ada: {', '.join(known[:SHOWN])}{more}.", part=part, allowed=known)


@dataclass(frozen=True, slots=True)
class Key:
    """One ``key=value`` part."""

    name: str
    values: tuple[str, ...] = ()
    """What may stand behind it; empty: whatever ``example`` is of the form of."""
    example: str = ""
    required: bool = False

    def read(self, text: str) -> str:
        """Return the value. Raises ``AddressRefusedError``."""
        if self.values:
            return _one_of(f"Nilai {self.name}", text, self.values)
        if not _FORMS[self.example](text):
            raise refused(f"Nilai {self.name}", text, [f"misalnya {self.example}"])
        return text


YEAR, DAY, WORD = "2026", "2026-11-30", "kuliner"
ID = "0190f0c0-a000-7000-8000-00000000abcd"
ID_OR_UNKNOWN, YEAR_OR_UNKNOWN = (f"{form} atau {UNKNOWN}" for form in (ID, YEAR))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text and 2000 <= date.fromisoformat(text).year < 2100
    except ValueError:
        return False


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


_FORMS: dict[str, Callable[[str], bool]] = {
    YEAR: lambda text: re.fullmatch(r"20\d\d", text) is not None,
    DAY: _is_day,
    ID: _is_id,
    ID_OR_UNKNOWN: lambda text: text == UNKNOWN or _is_id(text),
    YEAR_OR_UNKNOWN: lambda text: text == UNKNOWN or _FORMS[YEAR](text),
    WORD: lambda text: re.fullmatch(r"[a-z0-9_]{1,60}", text) is not None,
}


@dataclass(frozen=True, slots=True)
class Grammar:
    """How the addresses of one projection are written."""

    name: str
    keys: tuple[Key, ...]
    kelurahan: bool = True
    """A place may be a kelurahan; else it is a kecamatan."""
    placed: bool = True
    """There may be a place."""

    def key(self, name: str) -> Key:
        """Return a key by its name, which may be cut short. Raises ``AddressRefusedError``."""
        return next(
            key for key in self.keys if key.name == _one_of("Bagian", name, [f"{key.name}" for key in self.keys])
        )


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was read. Without a place or a key it speaks of all of them."""

    name: str
    place: str | None = None
    """Code of a kelurahan or kecamatan, or ``TIDAK_DIKETAHUI``."""
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{key}={value}" for key, value in self.values.items()]
        return "/".join([self.name, *([self.place] if self.place else []), *parts])

    @property
    def kecamatan(self) -> str | None:
        """The place, if it is a kecamatan or unknown."""
        return None if self.place is None or _is_kelurahan(self.place) else self.place

    @property
    def kelurahan(self) -> str | None:
        """The place, if it is a kelurahan."""
        return self.place if self.place is not None and _is_kelurahan(self.place) else None

    def day(self, key: str) -> date:
        """Return the value of a key as a day."""
        return date.fromisoformat(self.values[key])


def address(name: str, place: str | None = None, /, **values: object) -> str:
    """Return the address of a number; values that are ``None`` are left out."""
    return str(Address(name, place or None, {key: str(value) for key, value in values.items() if value is not None}))


def read_address(text: str, grammars: Collection[Grammar], places: Places) -> Address:
    """Return the address in ``text``. Raises ``AddressRefusedError``."""
    first, *parts = [part.strip() for part in text.strip().strip("/").split("/")]
    names = [grammar.name for grammar in grammars]
    name = _one_of("Angka", first, names)
    grammar = next(grammar for grammar in grammars if grammar.name == name)
    place: str | None = None
    values: dict[str, str] = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign and place is None and grammar.placed:
            place = _place(part, grammar, places)
            continue
        known = grammar.key(key if sign else part)
        if not sign or known.name in values:
            raise refused("Bagian", part, [f"{known.name}=… satu kali"])
        values[known.name] = known.read(value)
    for key_ in grammar.keys:
        if key_.required and key_.name not in values:
            raise refused(f"Bagian {key_.name}", "", key_.values or [f"{key_.name}={key_.example}"])
    return Address(name, place, {key.name: values[key.name] for key in grammar.keys if key.name in values})


def _one_of(what: str, text: str, known: Collection[str]) -> str:
    """Return the one of ``known`` that is ``text``, or the only one that begins with it."""
    if text in known:
        return text
    begun = [name for name in known if text and name.startswith(text)]
    if len(begun) != 1:
        raise refused(what, text, begun or known)
    return begun[0]


def _is_kelurahan(code: str) -> bool:
    return code.count(".") == 3


def _place(text: str, grammar: Grammar, places: Places) -> str:
    known = {**places.kecamatan, **(places.kelurahan if grammar.kelurahan else {}), UNKNOWN: UNKNOWN}
    if text in known:
        return text
    named = [code for code, name in known.items() if name.casefold() == text.casefold()]
    if len(named) == 1:
        return named[0]
    begun = named or [code for code in known if text and code.startswith(text)]
    options = [f"{code} ({known[code]})" for code in begun or known]
    raise refused("Tempat", text, [*options, *(f"{key.name}=…" for key in grammar.keys)])
