"""The streams that agencies read: recording, reading, retention; and the copy of the registry that labels need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.partners.domain.labels import Labelled, stream_of
from services.partners.domain.models import Business, Label
from services.partners.store import queries
from shared.database import Connection, Pool, write_rows
from shared.envelope import Event, EventMeta, read_fact
from shared.registry_copy.folding import in_order, uuids_text
from shared.tracing import parent_of

RETIRED_POSITIONS = 5_000
"""What one transaction of the retention forgets at most."""


@dataclass(frozen=True, slots=True)
class Stream:
    """How far a stream goes."""

    first: int
    """The first position that is kept."""
    last: int
    history: int
    """The one that goes on."""
    until: int
    """The last position of the range that was asked for."""
    recorded_at: datetime
    """When anything was last recorded, in any stream: nothing will come that was recorded before."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """An event at its position."""

    position: int
    event: Event
    label: Label
    recorded_at: datetime
    forms: dict[frozenset[str], bytes] = field(default_factory=dict, compare=False, repr=False)
    """What was made of it already, by the fields that are shown: see ``services.partners.handlers.paging``."""


class Unread:
    """An event as the database has it; made out when somebody needs it, once."""

    __slots__ = ("_kept", "_row", "position", "type")

    def __init__(self, row: asyncpg.Record) -> None:
        self._row = row
        self._kept: Kept | None = None
        self.position: int = row["position"]
        self.type: str = row["type"]

    def kept(self) -> Kept:
        """Return it made out. Raises ``ValueError`` for what is no event."""
        if self._kept is None:
            self._kept = _kept(self._row)
        return self._kept


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """What a batch says of one owner; ``sharing`` and ``restricted`` are ``None`` where it says nothing of them."""

    version: int
    sharing: bool | None = None
    restricted: bool | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class OwnerState:
    """Whether an owner consents to sharing of personal data, had its use restricted, was erased."""

    sharing: bool
    restricted: bool
    erased: bool


async def lock_streams(connection: Connection) -> tuple[dict[str, int], datetime]:
    """Hold all streams until the transaction ends; return how far each goes, and a time that is not before any recorded one."""
    rows = await connection.fetch(queries().lock_streams)
    now: datetime = await connection.fetchval(queries().clock)
    return {row["name"]: row["last"] for row in rows}, max([now, *(row["last_at"] for row in rows)])


async def load_businesses(connection: Connection, business_ids: Iterable[UUID]) -> dict[UUID, Business]:
    """Return what is known of businesses."""
    rows = await connection.fetch(queries().load_businesses, list(business_ids))
    return {
        row["business_id"]: Business(
            tuple(row["owner_ids"]), row["kelurahan"], row["sector"], row["kelas"], row["version"]
        )
        for row in rows
    }


async def save_businesses(connection: Connection, businesses: Mapping[UUID, Business]) -> None:
    """Write businesses after a batch."""
    rows = [
        (key, uuids_text(item.owner_ids), item.kelurahan, item.sector, item.kelas, item.version)
        for key, item in in_order(businesses)
    ]
    await write_rows(connection, queries().save_businesses, rows)


async def save_owners(connection: Connection, owners: Mapping[UUID, OwnerChange]) -> None:
    """Write what a batch says of owners."""
    rows = [(key, item.sharing, item.restricted, item.erased, item.version) for key, item in in_order(owners)]
    await write_rows(connection, queries().save_owners, rows)


async def load_owners(connection: Connection | Pool, owner_ids: Collection[UUID]) -> dict[UUID, OwnerState]:
    """Return what owners say now; an owner of whom nobody told is not among them."""
    rows = await connection.fetch(queries().load_owners, list(owner_ids))
    return {row["owner_id"]: OwnerState(row["sharing"], row["restricted"], row["erased"]) for row in rows}


def _event(row: asyncpg.Record) -> Event:
    meta = EventMeta(
        row["event_id"],
        row["type"],
        row["source"],
        str(row["subject"]),
        row["occurred_at"],
        row["sequence"],
        "",
        None,
        "",
        row["traceparent"],
    )
    return Event(meta, read_fact(row["type"], row["data"].encode()))


def label_of(row: asyncpg.Record) -> Label:
    """Return the label of an event's row."""
    return Label(row["business_id"], tuple(row["owner_ids"]), row["kelurahan"], row["sector"], row["kelas"])


async def load_waiting(connection: Connection, business_ids: Iterable[UUID]) -> dict[UUID, list[Event]]:
    """Return what waits for businesses, in the order of coming."""
    found: dict[UUID, list[Event]] = {}
    for row in await connection.fetch(queries().load_waiting, list(business_ids)):
        found.setdefault(row["business_id"], []).append(_event(row))
    return found


async def replace_waiting(
    connection: Connection, released: Collection[UUID], added: Sequence[tuple[UUID, Event]]
) -> None:
    """Forget what waited for businesses that are known now, and store what waits anew."""
    if released:
        await connection.execute(queries().forget_waiting, list(released))
    rows: list[tuple[Any, ...]] = []
    for business_id, event in added:
        meta, fact = event
        rows.append(
            (
                business_id,
                stream_of(fact.TOPIC),
                meta.id,
                meta.type,
                meta.source,
                UUID(meta.subject),
                meta.sequence,
                meta.time,
                fact.model_dump_json(),
                parent_of(meta.traceparent, meta.origin),
            )
        )
    await write_rows(connection, queries().insert_waiting, rows)


async def record(connection: Connection, last: dict[str, int], ready: Sequence[Labelled], now: datetime) -> None:
    """Give events the next positions of their streams, which are held."""
    events: list[tuple[Any, ...]] = []
    bodies: list[tuple[Any, ...]] = []
    moved: dict[str, int] = {}
    for item in ready:
        meta, fact = item.event
        label, stream = item.label, stream_of(fact.TOPIC)
        place = moved[stream] = moved.get(stream, last[stream]) + 1
        owners = uuids_text(label.owner_ids)
        told = (label.business_id, owners, label.kelurahan, label.sector, label.kelas)
        events.append((stream, place, meta.id, meta.type, UUID(meta.subject), meta.sequence, now, *told))
        followed = parent_of(meta.traceparent, meta.origin)
        bodies.append((stream, place, meta.source, meta.time, fact.model_dump_json(), followed))
    await write_rows(connection, queries().insert_events, events)
    await write_rows(connection, queries().insert_bodies, bodies)
    await write_rows(connection, queries().move_streams, [(name, place, now) for name, place in sorted(moved.items())])
    last.update(moved)


async def heads(connection: Connection | Pool) -> dict[str, int]:
    """Return how far every stream goes; and, under no name, a number that moves with every agreement."""
    return {row["name"]: row["last"] for row in await connection.fetch(queries().stream_heads)}


async def find_stream(connection: Connection | Pool, stream: str, until: datetime | None) -> Stream | None:
    """Return how far a stream goes, and where a range ends that holds what was recorded before ``until``."""
    row = await connection.fetchrow(queries().find_stream, stream, until)
    return None if row is None else Stream(**row)


async def shared_with_history(connection: Connection | Pool, stream: str, history: int) -> int | None:
    """Return up to which position an earlier history is the one that goes on; ``None``: it is none of this database's past."""
    found: int | None = await connection.fetchval(queries().shared_with_history, stream, history)
    return found


async def position_before(connection: Connection | Pool, stream: str, since: datetime) -> int:
    """Return the last position that was recorded before a time; 0: none."""
    return int(await connection.fetchval(queries().position_before, stream, since))


async def read_events(
    connection: Connection | Pool, stream: str, after: int, upto: int, types: Collection[str], limit: int
) -> list[Kept]:
    """Return events of some types after a position."""
    rows = await connection.fetch(queries().read_events, stream, after, upto, list(types), limit)
    return [_kept(row) for row in rows]


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(row["position"], _event(row), label_of(row), row["recorded_at"])


async def read_all(pool: Pool, stream: str, after: int, upto: int) -> list[Unread]:
    """Return all events after a position up to another, as far as they are kept."""
    return [Unread(row) for row in await pool.fetch(queries().read_all, stream, after, upto)]


async def first_after(connection: Connection | Pool, stream: str, position: int) -> datetime | None:
    """Return when the first event after a position was recorded."""
    found: datetime | None = await connection.fetchval(queries().first_after, stream, position)
    return found


async def retire(pool: Pool, before: datetime) -> int:
    """Forget the bodies of what was recorded before a time, stream by stream, and return how many streams were shortened.

    So many positions in a transaction that none is cut off by its bound; whoever comes after one that was goes on behind it.
    """
    rows = await pool.fetch(queries().retire_until, before)
    for name, first, last in rows:
        # From a lower bound on: else each step would walk over what those before it have left dead in the index.
        for begin in range(first, last + 1, RETIRED_POSITIONS):
            upto = min(begin + RETIRED_POSITIONS - 1, last)
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(queries().retire_stream, name, upto)
                await connection.execute(queries().delete_bodies, name, begin, upto)
    return len(rows)
