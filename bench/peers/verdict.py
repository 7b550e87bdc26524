"""What was lost, doubled and reordered: what the database holds against what a log or a table of effects shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

Address = tuple[str, int]
"""Key and sequence of an event; sequences of a key run from 1 without gap."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of events. ``doubled``: seen again (every time counts); ``reordered``: first seen after a later one of its key."""

    expected: int
    lost: int
    phantom: int
    doubled: int
    reordered: int

    @property
    def clean(self) -> bool:
        """Tell whether nothing was lost, made up or reordered; seen twice is for the reader to stand."""
        return not (self.lost or self.phantom or self.reordered)

    def as_dict(self) -> dict[str, int]:
        """Return it for JSON."""
        return asdict(self)


def tally(versions: Mapping[str, int], seen: Iterable[Address], since: Mapping[str, int] | None = None) -> Tally:
    """Compare committed versions with what was seen, in the order in which it was seen.

    ``since``: what came up to these versions was for warming up and does not count.
    """
    begin = {} if since is None else since
    known: set[Address] = set()
    heads: dict[str, int] = {}
    phantom = doubled = reordered = 0
    for key, sequence in seen:
        if sequence <= begin.get(key, 0):
            continue
        if (key, sequence) in known:
            doubled += 1
            continue
        known.add((key, sequence))
        phantom += sequence > versions.get(key, 0)
        reordered += sequence < heads.get(key, 0)
        heads[key] = max(sequence, heads.get(key, 0))
    wanted = {(key, number) for key, top in versions.items() for number in range(begin.get(key, 0) + 1, top + 1)}
    return Tally(len(wanted), len(wanted - known), phantom, doubled, reordered)


def fate(key: str, poison: int, top: int, seen: Iterable[Address]) -> str:
    """Tell what became of a key whose event ``poison`` cannot be handled, while it went on to version ``top``."""
    applied = {sequence for found, sequence in seen if found == key}
    after = sum(1 for number in range(poison + 1, top + 1) if number in applied)
    if poison in applied:
        return "it took effect"
    return f"{after} of the {top - poison} later events of its key were applied over the hole"
