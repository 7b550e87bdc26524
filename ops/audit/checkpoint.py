"""What an earlier green audit proved, packed and sealed: versions by aggregate, places by partition, and the ground it stood on. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import unquote, urlsplit

from shared.broker import KafkaSettings

MAGIC = b"NKA1"
RED = b"NKA0"
"""Begins what stands in the place of a checkpoint after an audit of the whole that found faults."""
ID_BYTES, ENTRY_BYTES = 16, 24
"""An entry is an aggregate's id and its version, eight bytes, the highest first; entries are sorted."""


class RefusedError(Exception):
    """The checkpoint is not to be believed. The message says why, and what to do."""


class MovedError(Exception):
    """What the checkpoint proved does not carry any more. The message says what moved."""


@dataclass(frozen=True, slots=True)
class Place:
    """One partition as it was read."""

    start: int
    end: int
    anchor: str | None = None
    """Id of the last event before ``end``: it must still be there. ``None``: nothing was."""


@dataclass(frozen=True, slots=True)
class Total:
    """Versions or positions of many aggregates as two figures: how many, and the sum of a hash of each with its number."""

    count: int = 0
    digest: int = 0

    def __add__(self, other: Total) -> Total:
        return Total(self.count + other.count, self.digest + other.digest)

    def __sub__(self, other: Total) -> Total:
        return Total(self.count - other.count, self.digest - other.digest)


@dataclass(frozen=True, slots=True)
class Ground:
    """What must be the same for a proof to carry on."""

    kafka: str
    """Id of the cluster."""
    topics: Mapping[str, str]
    """Topic → the broker's id of it, another one when it is made anew."""
    clusters: Mapping[str, str]
    """Service → the system identifier of its PostgreSQL."""
    lives: Mapping[str, str]
    """Service → timeline and database: another one after a recovery or a database that was made anew."""
    schemas: Mapping[str, str]
    """Service → digest of what ran in it and of what the audit asks of it."""
    generations: str = ""
    """Which tables the projections' effects stand in."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an audit may continue. ``heads`` are packed, by topic."""

    whole_at: str
    """When all was read last, in RFC 3339."""
    at: str
    """When this was proved."""
    links: int
    """How many audits have continued since all was read."""
    events: int
    ground: Ground
    places: Mapping[str, list[Place]]
    """Topic → its partitions, in order."""
    totals: Mapping[str, Total]
    """Topic → its sources, and the positions of each of its consumers: they are the same."""
    snapshots: Mapping[str, str]
    """Service → what its database had committed when its versions were read."""
    heads: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def aggregates(self) -> int:
        """How many aggregates it knows."""
        return sum(len(packed) for packed in self.heads.values()) // ENTRY_BYTES


def pack(heads: Mapping[str, int]) -> bytes:
    """Return versions by aggregate as sorted entries."""
    return b"".join(sorted(_entry(_bytes(subject), head) for subject, head in heads.items()))


def _bytes(subject: str) -> bytes:
    return bytes.fromhex(subject.replace("-", ""))


def _entry(subject: bytes, head: int) -> bytes:
    return subject + head.to_bytes(ENTRY_BYTES - ID_BYTES, "big")


def _find(packed: bytes, subject: bytes) -> int:
    """Return where an aggregate's entry is, or would be."""
    entries = range(len(packed) // ENTRY_BYTES)
    return bisect_left(entries, subject, key=lambda n: packed[n * ENTRY_BYTES : n * ENTRY_BYTES + ID_BYTES])


def version_in(packed: bytes, subject: str) -> int:
    """Return the version of an aggregate; 0 if it is not there."""
    wanted = _bytes(subject)
    begin = _find(packed, wanted) * ENTRY_BYTES
    if packed[begin : begin + ID_BYTES] != wanted:
        return 0
    return int.from_bytes(packed[begin + ID_BYTES : begin + ENTRY_BYTES], "big")


def moved_on(packed: bytes, heads: Mapping[str, int]) -> bytes:
    """Return the entries with those of ``heads`` in their places."""
    kept, added = bytearray(packed), list[bytes]()
    for subject, head in heads.items():
        entry = _entry(_bytes(subject), head)
        begin = _find(packed, entry[:ID_BYTES]) * ENTRY_BYTES
        if packed[begin : begin + ID_BYTES] == entry[:ID_BYTES]:
            kept[begin : begin + ENTRY_BYTES] = entry
        else:
            added.append(entry)
    parts, done = list[bytes](), 0
    for entry in sorted(added):
        begin = _find(packed, entry[:ID_BYTES]) * ENTRY_BYTES
        parts += [bytes(kept[done:begin]), entry]
        done = begin
    return b"".join([*parts, bytes(kept[done:])])


def seal_key(kafka: KafkaSettings, dsn: str) -> bytes:
    """Return the key that seals checkpoints, made of the passwords of the operator and of the audit's login.

    Whoever can only write to the database does not know the first. Raises ``RefusedError`` if there is no password at all.
    """
    known = f"{kafka.password}\0{unquote(urlsplit(dsn).password or '')}"
    if known == "\0":
        raise RefusedError(
            "Neither Kafka nor PostgreSQL is asked with a password: there is nothing to seal a checkpoint with."
        )
    return hmac.digest(b"naikkelas audit checkpoint 1", known.encode(), hashlib.sha256)


def sealed(key: bytes, checkpoint: Checkpoint) -> tuple[bytes, bytes]:
    """Return seal and body of a checkpoint."""
    told = asdict(checkpoint) | {"heads": {topic: len(packed) for topic, packed in checkpoint.heads.items()}}
    head = json.dumps(told).encode()
    body = b"".join([MAGIC, len(head).to_bytes(4, "big"), head, *checkpoint.heads.values()])
    return hmac.digest(key, body, hashlib.sha256), body


def sealed_red(key: bytes, why: str) -> tuple[bytes, bytes]:
    """Return seal and body of what says that nobody may continue, and why."""
    body = RED + why.encode()
    return hmac.digest(key, body, hashlib.sha256), body


def opened(key: bytes, seal: bytes, body: bytes) -> Checkpoint:
    """Return a checkpoint, once its seal holds. Raises ``RefusedError``; ``MovedError`` if another release wrote it, or none is left."""
    if not hmac.compare_digest(hmac.digest(key, body, hashlib.sha256), seal):
        raise RefusedError(
            "The checkpoint was changed, or written under other passwords: it is not to be believed. Look for who wrote to "
            "audit_checkpoint, and run `naikkelas audit`, which reads all and leaves a new one."
        )
    if body[:4] == RED:
        raise MovedError(body[4:].decode())
    if body[:4] != MAGIC:
        raise MovedError("the checkpoint is of another release")
    begin = 8 + int.from_bytes(body[4:8], "big")
    told = json.loads(body[8:begin])
    heads: dict[str, bytes] = {}
    for topic, size in told["heads"].items():
        heads[topic] = body[begin : begin + size]
        begin += size
    return Checkpoint(
        told["whole_at"],
        told["at"],
        told["links"],
        told["events"],
        Ground(**told["ground"]),
        {topic: [Place(**place) for place in places] for topic, places in told["places"].items()},
        {topic: Total(**total) for topic, total in told["totals"].items()},
        told["snapshots"],
        heads,
    )
