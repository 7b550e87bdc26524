"""Which record is next, which was there before, which must wait: the order of one aggregate, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from shared.consumer.records import Item


class Verdict(Enum):
    """What to do with a record."""

    APPLY = "apply"
    DUPLICATE = "duplicate"
    GAP = "gap"
    """An earlier one is missing: park until it comes."""
    BEHIND = "behind"
    """An earlier one is parked as poison: park until that is redriven."""


class Stream(msgspec.Struct, gc=False):
    """One aggregate as this consumer knows it: the last sequence applied, and what is parked beyond it."""

    position: int
    parked: dict[int, Item] = msgspec.field(default_factory=dict)
    """Parked records that only wait, by sequence."""
    stuck: set[int] = msgspec.field(default_factory=set)
    """Sequences parked as poison: they and all behind them need a redrive."""

    def judge(self, sequence: int) -> Verdict:
        """Return what to do with the record of this sequence, as things stand now."""
        if sequence <= self.position or sequence in self.parked or sequence in self.stuck:
            return Verdict.DUPLICATE
        if self.stuck:
            return Verdict.BEHIND
        return Verdict.APPLY if sequence == self.position + 1 else Verdict.GAP

    def advance(self) -> None:
        """Count the next record as applied."""
        self.position += 1

    def released(self) -> Iterator[Item]:
        """Yield parked records that have become next; the caller advances after each that it applies."""
        while not self.stuck and (item := self.parked.get(self.position + 1)) is not None:
            del self.parked[self.position + 1]
            yield item

    def wait(self, item: Item, sequence: int) -> None:
        """Note that the record was parked and waits."""
        self.parked[sequence] = item

    def block(self, sequence: int) -> None:
        """Note that the record was parked as poison."""
        self.stuck.add(sequence)


class Streams:
    """The streams that one batch touches."""

    def __init__(self, positions: dict[str, int]) -> None:
        self.stored = positions
        """Positions as the database has them; an aggregate that is not in it is new to this consumer."""
        self._streams: dict[str, Stream] = {}

    def __getitem__(self, subject: str) -> Stream:
        stream = self._streams.get(subject)
        if stream is None:
            stream = self._streams[subject] = Stream(self.stored.get(subject, 0))
        return stream

    def load_parked(self, parked: Iterable[tuple[Item, bool]]) -> None:
        """Take over what is parked already; the flag tells poison from what only waits."""
        for item, poison in parked:
            if item.address is None:
                continue
            stream = self[item.address.subject]
            if poison:
                stream.block(item.address.sequence)
            else:
                stream.wait(item, item.address.sequence)
