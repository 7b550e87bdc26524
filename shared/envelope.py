"""CloudEvents 1.0 over Kafka, binary mode: attributes as ``ce_*`` headers, the fact alone as value.

Source: CloudEvents Kafka protocol binding 1.0.2, and the documented extensions ``sequence``,
``partitionkey``, ``correlationid``, ``causationid`` and ``traceparent``. ``origin`` is our own extension.
Pure: no input, no output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, cast
from uuid import UUID

from asyncpg.pgproto import pgproto
from pydantic import ValidationError

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact

Header = tuple[str, bytes]

CONTENT_TYPE = b"application/json"
SCHEMA_BASE = "urn:naikkelas:schema:"
"""What stands before the type in ``dataschema`` where no address is set at which the schemas are published."""

_uuid = pgproto.UUID
"""A ``uuid.UUID`` that is read in C."""
_SUBJECT = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_TYPE = re.compile(rb"[\x21-\x7e]{1,255}").fullmatch
_SEQUENCE = re.compile(rb"[1-9][0-9]{0,17}").fullmatch


class EnvelopeError(ValueError):
    """A record that is no event of ours. The message names the attribute, never its value."""


class UnknownTypeError(EnvelopeError):
    """A well-formed event of a type or major version that this code has no contract for."""


class EventMeta(NamedTuple):
    """The context attributes of one event."""

    id: UUID
    type: str
    source: str
    subject: str
    """The aggregate's id, as text; also the Kafka key and ``partitionkey``."""
    time: datetime
    """When it happened, aware, UTC."""
    sequence: int
    """Gapless per aggregate, from 1."""
    correlation_id: str
    causation_id: str | None
    origin: str
    """``command`` or ``import``."""
    traceparent: str | None


class Event(NamedTuple):
    """One fact with its context."""

    meta: EventMeta
    fact: Fact


@lru_cache(maxsize=1024)
def static_headers(type_name: str, source: str, schemas: str = SCHEMA_BASE) -> tuple[Header, ...]:
    """Return the headers that every event of a type from a source shares; ``schemas`` and the type are its ``dataschema``."""
    return (
        ("content-type", CONTENT_TYPE),
        ("ce_specversion", b"1.0"),
        ("ce_type", type_name.encode()),
        ("ce_source", source.encode()),
        ("ce_dataschema", f"{schemas}{type_name}".encode()),
    )


def format_time(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def dynamic_headers(
    event_id: str,
    subject: str,
    sequence: int,
    time: str,
    correlation_id: str,
    causation_id: str | None,
    origin: str,
    traceparent: str | None,
) -> list[Header]:
    """Return the headers that differ from event to event; ``time`` is as ``format_time`` writes it."""
    key = subject.encode()
    headers: list[Header] = [
        ("ce_id", event_id.encode()),
        ("ce_subject", key),
        ("ce_partitionkey", key),
        ("ce_sequence", b"%d" % sequence),
        ("ce_time", time.encode()),
        ("ce_correlationid", correlation_id.encode()),
        ("ce_origin", origin.encode()),
    ]
    if causation_id is not None:
        headers.append(("ce_causationid", causation_id.encode()))
    if traceparent is not None:
        headers.append(("ce_traceparent", traceparent.encode()))
    return headers


def to_kafka(event: Event) -> tuple[bytes, bytes, list[Header]]:
    """Return key, value and headers of the Kafka record that carries ``event``."""
    meta = event.meta
    headers = [
        *static_headers(meta.type, meta.source),
        *dynamic_headers(
            str(meta.id),
            meta.subject,
            meta.sequence,
            format_time(meta.time),
            meta.correlation_id,
            meta.causation_id,
            meta.origin,
            meta.traceparent,
        ),
    ]
    return meta.subject.encode(), event.fact.model_dump_json().encode(), headers


def headers_of(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, bytes]:
    """Return the headers as a mapping; null values are left out, of doubled names the first counts."""
    found = dict(headers)
    if len(found) == len(headers) and None not in found.values():
        return cast("dict[str, bytes]", found)
    return dict(reversed([(name, value) for name, value in headers if value is not None]))


def _text(headers: dict[str, bytes], name: str) -> str:
    raw = headers.get(name)
    if raw is None:
        raise EnvelopeError(f"header {name} is missing")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise EnvelopeError(f"header {name} is not UTF-8") from None


class Address(NamedTuple):
    """What must be known of a record before its body is looked at: whose it is, and its place in the order."""

    type: str
    subject: str
    """The aggregate's id, a UUID as lower-case text with hyphens."""
    sequence: int


def read_address(headers: dict[str, bytes]) -> Address:
    """Return type, aggregate and sequence from the headers alone.

    Raises ``EnvelopeError`` if one is missing or malformed.
    """
    try:
        subject, digits, type_name = headers["ce_subject"], headers["ce_sequence"], headers["ce_type"]
    except KeyError as error:
        raise EnvelopeError(f"header {error.args[0]} is missing") from None
    if _SUBJECT(subject) is None:
        raise EnvelopeError("header ce_subject is not a UUID in lower case")
    if _SEQUENCE(digits) is None:
        raise EnvelopeError("header ce_sequence is not a number from 1")
    return Address(_type_name(type_name), subject.decode(), int(digits))


@lru_cache(maxsize=256)
def _type_name(raw: bytes) -> str:
    """Return the type in a header. There are few, and every record has one."""
    if _TYPE(raw) is None:
        raise EnvelopeError("header ce_type is not printable ASCII of at most 255 characters")
    return raw.decode()


@lru_cache(maxsize=256)
def _moment(raw: bytes) -> datetime:
    """Return the time in a header. The events of an import share theirs, chunk by chunk."""
    try:
        moment = datetime.fromisoformat(raw.decode())
    except ValueError:
        raise EnvelopeError("header ce_time is not RFC 3339") from None
    if moment.tzinfo is None:
        raise EnvelopeError("header ce_time has no zone")
    return moment


_REQUIRED = ("ce_id", "ce_source", "ce_time")
_OPTIONAL = ("ce_correlationid", "ce_causationid", "ce_origin", "ce_traceparent")


def read_meta(headers: dict[str, bytes], address: Address | None = None) -> EventMeta:
    """Return the context attributes; ``address``, if given, is what ``read_address`` returned for these headers.

    Raises ``EnvelopeError`` if one is missing or malformed.
    """
    if headers.get("ce_specversion") != b"1.0":
        raise EnvelopeError("header ce_specversion is not 1.0")
    type_name, subject, sequence = address or read_address(headers)
    get = headers.get
    causation, traceparent = get("ce_causationid"), get("ce_traceparent")
    try:
        return EventMeta(
            _uuid(headers["ce_id"].decode()),
            type_name,
            headers["ce_source"].decode(),
            subject,
            _moment(headers["ce_time"]),
            sequence,
            get("ce_correlationid", b"").decode(),
            None if causation is None else causation.decode(),
            get("ce_origin", b"command").decode(),
            None if traceparent is None else traceparent.decode(),
        )
    except EnvelopeError:
        raise
    except (KeyError, ValueError):
        raise _meta_fault(headers) from None


def _meta_fault(headers: dict[str, bytes]) -> EnvelopeError:
    """Find out which header it was; the fast way above only knows that one is bad."""
    try:
        for name in (*_REQUIRED, *(name for name in _OPTIONAL if name in headers)):
            _text(headers, name)
    except EnvelopeError as error:
        return error
    return EnvelopeError("header ce_id is not a UUID")


def read_fact(type_name: str, value: bytes | None) -> Fact:
    """Return the fact in ``value``.

    Raises ``UnknownTypeError`` for a type without contract, ``EnvelopeError`` for a value that the
    contract refuses; the message names fields and rules, never values.
    """
    model = CONTRACTS.get(type_name)
    if model is None:
        raise UnknownTypeError("no contract for this type")
    if value is None:
        raise EnvelopeError("the record has no value (tombstone)")
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        raise EnvelopeError(f"{model.NAME}: {_rules(error)}") from None


Read = Callable[[str, bytes | None], Fact]
"""Type and value of a record to its fact. Raises ``EnvelopeError`` for what its contract refuses."""


def _rules(error: ValidationError) -> str:
    found: Sequence[str] = [
        f"{'.'.join(str(part) for part in item['loc']) or 'value'}: {item['type']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "; ".join(found[:5])


def from_kafka(
    headers: dict[str, bytes], value: bytes | None, address: Address | None = None, read: Read = read_fact
) -> Event:
    """Return the event of a record; ``read`` makes the fact of its type and value.

    Raises ``EnvelopeError`` as ``read_meta`` and ``read`` do.
    """
    meta = read_meta(headers, address)
    fact = read(meta.type, value)
    if fact.aggregate_id != _uuid(meta.subject):
        raise EnvelopeError("ce_subject and the fact name different aggregates")
    return Event(meta, fact)
