"""What one batch comes to, decided before anything is written: steps to apply, records to park, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.consumer.ordering import Stream, Streams, Verdict
from shared.consumer.records import Item
from shared.consumer.store import Parking
from shared.contracts import CONTRACTS
from shared.envelope import Address, EnvelopeError, Event, Read, from_kafka, read_fact

Spot = tuple[str, int]
"""Aggregate id and sequence."""


class Step(NamedTuple):
    """A record that is next in its stream; ``event`` is ``None`` if this consumer passes its type over."""

    item: Item
    address: Address
    event: Event | None


class Plan:
    """Takes the records of a batch in order; ``settle`` then says where each stream ends."""

    def __init__(self, types: frozenset[str], streams: Streams, read: Read) -> None:
        self._types = types
        self._read = read
        self._streams = streams
        self._parkings: dict[Spot, Parking] = {}
        self.steps: list[Step] = []
        self.unreadable: list[Parking] = []
        self.counts: dict[str, int] = {"duplicates": 0, "unknown_types": 0}
        self.released: list[int] = []
        """Ids of parked rows that became next and were applied."""
        self.reparked: list[int] = []
        """Ids of parked rows that became next and turned out to be poison."""
        self.moved: dict[str, int] = {}
        self.topics: dict[str, str] = {}

    @property
    def parkings(self) -> list[Parking]:
        """Everything to park, in a stable order."""
        return [*self.unreadable, *(self._parkings[spot] for spot in sorted(self._parkings))]

    def take(self, item: Item) -> None:
        """Judge the next record of the batch."""
        address = item.address
        if address is None:
            self.unreadable.append(Parking(item, "unreadable", item.fault or "no address"))
            return
        stream = self._streams[address.subject]
        verdict = stream.judge(address.sequence)
        if verdict is Verdict.APPLY:
            self._accept(stream, item, address)
            if stream.parked:
                self.release(stream)
        elif verdict is Verdict.DUPLICATE:
            self.counts["duplicates"] += 1
        else:
            self._wait(stream, item, address, verdict)

    def release(self, stream: Stream) -> None:
        """Apply what was parked and has become next."""
        for item in stream.released():
            if item.address is not None:
                self._parkings.pop((item.address.subject, item.address.sequence), None)
                self._accept(stream, item, item.address)

    def _wait(self, stream: Stream, item: Item, address: Address, verdict: Verdict) -> None:
        stream.wait(item, address.sequence)
        reason = (
            f"sequence {stream.position + 1} has not come yet"
            if verdict is Verdict.GAP
            else "an earlier event of this aggregate is parked"
        )
        self._parkings[address.subject, address.sequence] = Parking(item, verdict.value, reason)

    def _accept(self, stream: Stream, item: Item, address: Address) -> None:
        event: Event | None = None
        if address.type in self._types:
            try:
                event = from_kafka(item.headers, item.value, address, self._read)
            except EnvelopeError as error:
                self._poison(stream, item, address, str(error), attempts=1)
                return
        elif address.type not in CONTRACTS:
            self.counts["unknown_types"] += 1
        self.steps.append(Step(item, address, event))
        stream.advance()

    def _poison(self, stream: Stream, item: Item, address: Address, reason: str, attempts: int) -> None:
        stream.block(address.sequence)
        self._parkings[address.subject, address.sequence] = Parking(item, "poison", reason, attempts)
        if item.parked_id is not None:
            self.reparked.append(item.parked_id)

    @property
    def unfenced(self) -> dict[str, str]:
        """Aggregates of which something is parked and nothing was ever applied, with their topics: no row is locked."""
        return {
            parking.item.address.subject: parking.item.topic
            for parking in self._parkings.values()
            if parking.item.address is not None
            and parking.item.address.subject not in self._streams.stored
            and parking.item.address.subject not in self.moved
        }

    @property
    def events(self) -> list[Event]:
        """The events to apply, in order."""
        return [step.event for step in self.steps if step.event is not None]

    def settle(self, failures: dict[Spot, tuple[str, int]]) -> None:
        """Take the outcome of applying: ``failures`` holds reason and attempts of each event that failed.

        A stream ends before its failed event; what follows it there is parked behind it.
        """
        if not failures:
            for item, (_, subject, sequence), _ in self.steps:
                self.moved[subject] = sequence
                self.topics[subject] = item.topic
            self.released += [step.item.parked_id for step in self.steps if step.item.parked_id is not None]
            return
        stopped: set[str] = set()
        for step in self.steps:
            subject, sequence = step.address.subject, step.address.sequence
            failure = failures.get((subject, sequence))
            if failure is not None:
                stopped.add(subject)
                self._poison(self._streams[subject], step.item, step.address, *failure)
            elif subject in stopped:
                self._park_behind(step)
            else:
                self.moved[subject] = sequence
                self.topics[subject] = step.item.topic
                if step.item.parked_id is not None:
                    self.released.append(step.item.parked_id)

    def _park_behind(self, step: Step) -> None:
        if step.item.parked_id is None:
            spot = step.address.subject, step.address.sequence
            self._parkings[spot] = Parking(step.item, "behind", "an earlier event of this aggregate is parked")


def make_plan(types: frozenset[str], streams: Streams, items: Sequence[Item], read: Read = read_fact) -> Plan:
    """Return the plan for the records of one batch, in the order they came; ``read`` makes their facts."""
    plan = Plan(types, streams, read)
    for item in items:
        plan.take(item)
    return plan
