"""A Kafka record as the consumer layer sees it: its address read, its body still closed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.envelope import Address, EnvelopeError, headers_of, read_address

RawHeaders = Sequence[tuple[str, bytes | None]]


class KafkaRecord(Protocol):
    """The part of ``aiokafka.ConsumerRecord`` that is used."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


class Item(msgspec.Struct, gc=False):
    """One record on its way through the layer. A struct, since each record makes one: it holds nothing that leads back to it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    raw_headers: RawHeaders
    headers: dict[str, bytes]
    address: Address | None
    fault: str | None = None
    """Why the address cannot be read, if so."""
    parked_id: int | None = None
    """The row of ``parked_event`` that it was read from, if so."""


def read_item(record: KafkaRecord) -> Item:
    """Return the record with its address, or with the reason why it has none. Never raises for what it holds."""
    headers = headers_of(record.headers)
    address: Address | None = None
    fault: str | None = None
    try:
        address = read_address(headers)
    except EnvelopeError as error:
        fault = str(error)
    return Item(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        record.headers,
        headers,
        address,
        fault,
    )


def dump_headers(headers: RawHeaders) -> str:
    """Return headers as JSON text, ``[[name, base64 or null], …]``: any byte survives, doubled names too."""
    return json.dumps([[name, None if value is None else b64encode(value).decode("ascii")] for name, value in headers])


def load_headers(text: str) -> list[tuple[str, bytes | None]]:
    """Return the headers that ``dump_headers`` wrote."""
    return [(name, None if value is None else b64decode(value)) for name, value in json.loads(text)]
