"""The chain of the trail: how a row is sealed, and what is wrong with rows that do not hold together. No input or output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

FIRST_DIGEST = bytes(32)
"""What the first row is sealed over."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail."""

    number: int
    at: datetime
    actor: str
    way: str
    """``api`` or ``cli``."""
    deed: str
    thing: str
    reason: str
    details: str
    """JSON, as it was sealed."""
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a trail: the number of its last row and that row's digest."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``kind``: ``missing`` (rows before it), ``changed``, ``end`` or ``known`` (see ``Checked``)."""

    kind: str
    number: int
    text: str


@dataclass(slots=True)
class Checked:
    """Takes rows in their order and holds what is wrong with them; ``end`` then compares the last one with what is known of it."""

    known: Head | None = None
    """The end at an earlier check, kept elsewhere: who can write to the database cannot change that."""
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)
    _last: Head = field(default_factory=lambda: Head(0, FIRST_DIGEST))
    _known_digest: bytes | None = None

    def take(self, entries: Iterable[Entry]) -> None:
        """Check the next rows."""
        for entry in entries:
            if entry.number != self._last.number + 1:
                text = f"row {entry.number} follows row {self._last.number}: rows were removed or put in"
                self.faults.append(Fault("missing", entry.number, text))
            elif digest_of(self._last.digest, entry) != entry.digest:
                text = f"row {entry.number} is not what was sealed, or the row before it is another one"
                self.faults.append(Fault("changed", entry.number, text))
            self._last = Head(entry.number, entry.digest)
            self.rows += 1
            if self.known is not None and entry.number == self.known.number:
                self._known_digest = entry.digest

    def end(self, head: Head | None) -> Head:
        """Compare the end with what the database says of it (``None``: nothing), and return it."""
        if head != self._last:
            told = "nothing" if head is None else f"row {head.number}"
            text = f"the trail ends with row {self._last.number}, its head says {told}: rows were removed or put in"
            self.faults.append(Fault("end", self._last.number, text))
        if self.known is not None and self.known.number and self._known_digest != self.known.digest:
            text = (
                f"row {self.known.number} is not the one that was there at an earlier check: the trail was written anew"
            )
            self.faults.append(Fault("known", self.known.number, text))
        return self._last


def digest_of(before: bytes, entry: Entry) -> bytes:
    """Return the digest that seals a row over the digest of the row before it, as the database computes it."""
    microseconds = (entry.at - _EPOCH) // _MICROSECOND
    texts = (
        str(entry.number),
        str(microseconds),
        entry.actor,
        entry.way,
        entry.deed,
        entry.thing,
        entry.reason,
        entry.details,
    )
    return sha256(before + b"".join(map(_part, texts))).digest()


def _part(text: str) -> bytes:
    encoded = text.encode()
    return b"%d:%b" % (len(encoded), encoded)
