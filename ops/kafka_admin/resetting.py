"""Moving a consumer group back to a moment, so that what it has read since is read again (decision 51).

Harmless, because a consumer's positions drop what it has applied; forward is another matter: what is passed over never comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from ops.kafka_admin.groups import (
    Place,
    commits_of,
    found_at,
    members_of,
    offsets_of,
    partitions_of,
    patiently,
    states_of_groups,
)

SHOWN = 3
"""Partitions that a refusal names."""


class ResetRefusedError(Exception):
    """Why a group may not be moved; one sentence. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a moment stands in a partition: the first record from then on."""

    offset: int
    """The end of the partition if nothing came since."""
    at: int | None
    """When that record's fact happened, in milliseconds since 1970; ``None`` if there is none."""


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one partition. Offsets are those of the next record to read."""

    topic: str
    partition: int
    begin: int
    end: int
    committed: int | None
    """``None``: nothing is."""
    to: int

    @property
    def start(self) -> int:
        """Where the group would go on now: where it may not go on, or never began, it reads from the beginning."""
        known = self.committed is not None and self.begin <= self.committed <= self.end
        return self.committed if known and self.committed is not None else self.begin

    @property
    def again(self) -> int:
        """Records that are read again."""
        return max(0, self.start - self.to)

    @property
    def goes_on(self) -> int:
        """Where the group goes on afterwards."""
        return self.to if self.again else self.start

    @property
    def skipped(self) -> int:
        """Records that nobody has read, and that would be passed over."""
        return max(0, self.to - self.start)


def plan_reset(
    admin: AdminClient, group: str, topics: Sequence[str], moment: datetime | None, now: datetime
) -> list[Move]:
    """Return what becomes of every partition that a group reads; ``moment``: ``None`` is the beginning of what is kept.

    Raises ``ResetRefusedError``, ``KafkaException``.
    """
    if moment is not None and moment > now:
        raise ResetRefusedError(f"{moment.isoformat()} has not come yet: name a moment that is over.")
    if group not in patiently(lambda: states_of_groups(admin)):
        raise ResetRefusedError(f"{group} has read nothing yet: it begins at the beginning anyway.")
    if members := patiently(lambda: members_of(admin, group)):
        raise ResetRefusedError(
            f"{group} is being read by {', '.join(members)}: stop them first; one that stopped, or was killed, counts for ten seconds more."
        )
    moves = _moves(admin, group, topics, moment)
    refuse_skipping(group, moves)
    return moves


def _moves(admin: AdminClient, group: str, topics: Sequence[str], moment: datetime | None) -> list[Move]:
    partitions = partitions_of(admin, topics)
    begins = offsets_of(admin, partitions, OffsetSpec.earliest())
    found = {place: Found(begin, None) for place, begin in begins.items()}
    if moment is not None:
        at = OffsetSpec.for_timestamp(_milliseconds(moment))
        answers = found_at(admin, partitions, at)
    # Asked last: what came meanwhile must not look as if it had been passed over.
    ends = offsets_of(admin, partitions, OffsetSpec.latest())
    if moment is not None:
        found = {place: _found(answer, ends[place]) for place, answer in answers.items()}
        refuse_before_log(moment, begins, found)
    committed = patiently(lambda: commits_of(admin, [group]))[group]
    return [
        Move(*place, begins[place], ends[place], _known(committed, place), found[place].offset)
        for place in sorted(begins)
    ]


def _found(answer: ListOffsetsResultInfo, end: int) -> Found:
    return Found(end, None) if answer.offset < 0 else Found(answer.offset, answer.timestamp)


def _known(committed: Mapping[Place, int], place: Place) -> int | None:
    offset = committed.get(place, -1)
    return offset if offset >= 0 else None


def refuse_before_log(moment: datetime, begins: Mapping[Place, int], found: Mapping[Place, Found]) -> None:
    """Refuse a moment of which the log tells nothing any more, or of which it never told.

    So it is where the first record of every partition is a later one, and where the first that is kept of a partition is a later
    one while others were taken from it, and where all of a partition was: nobody knows from when that was. Raises ``ResetRefusedError``.
    """
    emptied = [place for place, it in found.items() if it.at is None and it.offset == begins[place] > 0]
    if emptied:
        raise ResetRefusedError(
            f"Nothing is kept any more of {_named(emptied)}, and nobody knows what came there since {moment.isoformat()}: "
            "say --to-earliest to read all that is kept."
        )
    asked = _milliseconds(moment)
    first = {place: it.at for place, it in found.items() if it.at is not None and it.offset == begins[place]}
    later = {place: at for place, at in first.items() if at > asked}
    full = [place for place, it in found.items() if it.offset > begins[place] or it.at is not None]
    taken = [place for place in later if begins[place] > 0]
    if later and (taken or set(later) == set(full)):
        begin = min(later[place] for place in taken or later)
        where = _named(taken) if taken else "the log"
        raise ResetRefusedError(
            f"What is kept of {where} begins at {_written(begin)}, after {moment.isoformat()}: "
            "say --to-earliest to read all that is kept."
        )


def refuse_skipping(group: str, moves: Iterable[Move]) -> None:
    """Refuse to go forward over what nobody has read: it would be lost to the consumer. Raises ``ResetRefusedError``."""
    ahead = [move for move in moves if move.skipped]
    if ahead:
        count = sum(move.skipped for move in ahead)
        raise ResetRefusedError(
            f"{group} has not read {count:,} records from before that moment ({_named((it.topic, it.partition) for it in ahead)}): "
            "passed over they would be lost to it, and what follows them of the same aggregates would wait for ever. "
            "Name an earlier moment, or let it catch up."
        )


def _named(places: Iterable[Place]) -> str:
    names = [f"{topic}/{number}" for topic, number in sorted(places)]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def moving(moves: Iterable[Move]) -> Iterator[Move]:
    """Yield the partitions of which something is read again."""
    return (move for move in moves if move.again)
