"""A broker that does what it is told: stands in for Kafka alone, so that each batch's fate can be chosen.

What it promises is what Kafka does: a batch is appended whole or not, a partition is a log, an acknowledged batch is in.
Everything else is up to the one who drives it: when a batch lands, whether its acknowledgement arrives, and that one
which its sender gave up lands after all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from shared.broker import KafkaSettings
from shared.consumer.records import RawHeaders
from shared.relay.publishing import Publisher

PARTITIONS = 2
BATCH_ROWS = 2


@dataclass(slots=True)
class Record:
    """One record of the log, as aiokafka gives it to a consumer."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


Row = tuple[bytes, bytes, RawHeaders]
"""Key, value and headers."""


class Batch:
    """Rows that go to one partition together; small, so that a few rows already make several."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: RawHeaders) -> object | None:
        """Add a row, or return ``None`` if the batch is full."""
        if len(self.rows) == BATCH_ROWS:
            return None
        self.rows.append((key, value, headers))
        return timestamp


@dataclass(eq=False, slots=True)
class Sending:
    """A batch on its way."""

    producer: ObedientProducer
    topic: str
    partition: int
    rows: list[Row]
    acknowledged: asyncio.Future[None]
    landed: bool = False

    @property
    def awaited(self) -> bool:
        """Whether its sender still waits for it."""
        return not self.acknowledged.done()


@dataclass(slots=True)
class ObedientBroker:
    """The logs of all partitions, and the batches that are on their way."""

    logs: list[list[Record]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    under_way: list[Sending] = field(default_factory=list)

    def land(self, sending: Sending) -> None:
        """Append the batch; its sender does not know yet."""
        log = self.logs[sending.partition]
        for key, value, headers in sending.rows:
            log.append(Record(sending.topic, sending.partition, len(log), key, value, headers))
        sending.landed = True
        if not sending.awaited:
            self.under_way.remove(sending)

    def acknowledge(self, sending: Sending) -> None:
        """Tell the sender that the batch is in."""
        self.under_way.remove(sending)
        sending.acknowledged.set_result(None)

    def refuse(self, sending: Sending) -> None:
        """Let the sender's request fail. If the batch had not landed, it still may."""
        if sending.landed:
            self.under_way.remove(sending)
        sending.acknowledged.set_exception(KafkaError("no acknowledgement"))

    def forget(self, sending: Sending) -> None:
        """Lose a batch that nobody waits for."""
        self.under_way.remove(sending)


class ObedientProducer:
    """The part of ``AIOKafkaProducer`` that ``Publisher`` uses."""

    def __init__(self, broker: ObedientBroker, publisher: ObedientPublisher) -> None:
        self._broker = broker
        self.publisher = publisher

    @property
    def awaited(self) -> list[Sending]:
        """Batches that this producer's relay waits for."""
        return [sending for sending in self._broker.under_way if sending.producer is self and sending.awaited]

    async def partitions_for(self, _topic: str) -> set[int]:
        """Return the partitions of any topic."""
        return set(range(PARTITIONS))

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        """Put the batch on its way and return what resolves when it is acknowledged."""
        acknowledged = asyncio.get_running_loop().create_future()
        self._broker.under_way.append(Sending(self, topic, partition, batch.rows, acknowledged))
        return acknowledged

    async def stop(self) -> None:
        """Stop waiting. What is on its way stays there, unless it is in already."""
        for sending in self.awaited:
            sending.acknowledged.cancel()
            if sending.landed:
                self._broker.forget(sending)


class ObedientPublisher(Publisher):
    """The product's publisher with the obedient producer in it."""

    def __init__(self, broker: ObedientBroker) -> None:
        super().__init__(KafkaSettings("", "", ""), "proof")
        self._broker = broker

    async def start(self) -> Any:
        """Return the producer; a new one after the old one was given up."""
        if self._producer is None:
            self._producer = ObedientProducer(self._broker, self)
        return self._producer

    def awaited(self) -> Sequence[Sending]:
        """Return the batches that the relay waits for now."""
        return self._producer.awaited if isinstance(self._producer, ObedientProducer) else ()

    def sent(self, sending: Sending) -> bool:
        """Tell whether the batch is this publisher's."""
        return sending.producer.publisher is self
