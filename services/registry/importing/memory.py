"""What a check remembers of earlier rows: who holds a NIB, which business stood before, who may be the same person.

Only hashes are kept, so that 500,000 rows fit into some 200 MB. A check of a whole file keeps them to its end; an import
forgets people after each chunk and asks the database instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from services.registry.importing.rows import OwnerCells
from shared.contracts.registry import UNKNOWN_PLACE

Earlier = Literal["same", "different"] | None

_BITS = (1 << 60) - 1  # a Python integer of 60 bits takes 32 bytes, one of 64 takes 48


class Memory:
    """Hashes of the rows that came before, in this process only (Python's hashes differ from run to run)."""

    def __init__(self) -> None:
        self._contents: dict[int, int] = {}
        self._names: dict[int, int] = {}
        self._nibs: dict[int, int] = {}
        self._people: dict[int, int] = {}
        self._nameless: dict[int, int] = {}

    def forget_people(self) -> None:
        """Forget who holds which NIK, NIB and phone: an import asks the database instead. Businesses stay in memory."""
        for kept in (self._names, self._nibs, self._people):
            kept.clear()

    def occurrence(self, key: bytes) -> int:
        """Count rows without NIK that have the same key: 0 for the first, so that each stays a record of its own."""
        mark = hash(key) & _BITS
        count = self._nameless.get(mark, -1) + 1
        self._nameless[mark] = count
        return count

    def earlier_rows(self, keys: Sequence[bytes], contents: Iterable[object]) -> list[Earlier]:
        """Tell of each business whether it stood before, and with the same content."""
        marks, digests = [hash(key) & _BITS for key in keys], _digests(contents)
        stored = map(self._contents.setdefault, marks, digests)
        return [
            # The very object just stored: the first time.
            None if known is digest else "same" if known == digest else "different"
            for known, digest in zip(stored, digests, strict=True)
        ]

    def names_differ(self, owners: Iterable[OwnerCells]) -> list[bool]:
        """Tell of each owner whether the NIK came with another name before."""
        name_of = self._names.setdefault
        return [
            nik is not None and name_of(int(nik), digest := hash(name_key) & _BITS) != digest
            for _, name_key, nik, _, _, _ in owners
        ]

    def nibs_taken(self, nibs: Iterable[str | None], people: Iterable[object]) -> list[bool]:
        """Tell of each NIB whether another person has shown it before."""
        holder_of = self._nibs.setdefault
        return [
            nib is not None and holder_of(int(nib), digest := hash(person) & _BITS) != digest
            for nib, person in zip(nibs, people, strict=True)
        ]

    def look_known(self, people: Iterable[object], owners: Iterable[OwnerCells], places: Iterable[str]) -> list[bool]:  # fmt: skip
        """Tell of each owner whether another person before has the same name with the same phone, or birth date and place."""
        seen = self._people.setdefault
        found: list[bool] = []
        for digest, (_, name_key, _, birth, phones, _), place in zip(_digests(people), owners, places, strict=True):
            known = False
            if birth is not None and place != UNKNOWN_PLACE:
                known = seen(hash((name_key, birth, place)) & _BITS, digest) != digest
            for phone in phones:
                known = seen(hash((name_key, phone)) & _BITS, digest) != digest or known
            found.append(known)
        return found


def _digests(things: Iterable[object]) -> list[int]:
    return [hash(thing) & _BITS for thing in things]
