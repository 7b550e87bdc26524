"""What a check remembers of earlier rows: who holds a NIB, which business stood before, who may be the same person.

Only hashes are kept, so that 500,000 rows fit into some 200 MB. A check of a whole file keeps them to its end; an import
forgets people after each chunk and asks the database instead.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

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

    def earlier_row(self, key: bytes, content: object) -> Literal["same", "different"] | None:
        """Tell whether a business stood before, and with the same content."""
        mark, digest = hash(key) & _BITS, hash(content) & _BITS
        known = self._contents.setdefault(mark, digest)
        if known is digest:  # the very object just stored: the first time
            return None
        return "same" if known == digest else "different"

    def name_differs(self, nik: str, name_key: str) -> bool:
        """Tell whether a NIK came with another name before."""
        digest = hash(name_key) & _BITS
        return self._names.setdefault(int(nik), digest) != digest

    def nib_taken(self, nib: str, person: object) -> bool:
        """Tell whether another person has shown this NIB before."""
        digest = hash(person) & _BITS
        return self._nibs.setdefault(int(nib), digest) != digest

    def looks_known(self, name_key: str, birth: date | None, kelurahan: str, phones: tuple[str, ...], person: object) -> bool:  # fmt: skip
        """Tell whether another person before has the same name with the same birth date and kelurahan, or phone."""
        digest = hash(person) & _BITS
        found = False
        if birth is not None:
            found = self._people.setdefault(hash((name_key, birth, kelurahan)) & _BITS, digest) != digest
        for phone in phones:
            found = self._people.setdefault(hash((name_key, phone)) & _BITS, digest) != digest or found
        return found
