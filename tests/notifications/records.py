"""Events as records of Kafka, without Kafka."""

from __future__ import annotations

from dataclasses import dataclass

from shared.envelope import Event, to_kafka


@dataclass(frozen=True)
class Record:
    """What the consumer layer reads of a record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, event: Event, offset: int) -> Record:
        """Return the record that carries an event."""
        key, value, headers = to_kafka(event)
        return cls(event.fact.TOPIC, 0, offset, key, value, tuple(headers))
