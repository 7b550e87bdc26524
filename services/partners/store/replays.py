"""Replays of endpoints, and how far each is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.partners.domain.replays import Leg, Replay, ReplayState, Span, StopReason
from services.partners.store import replay_queries
from services.partners.store.deliveries import Held, NotOursError, Place
from shared.database import Connection, Pool


@dataclass(slots=True)
class ReplayPlace(Place):
    """Where a replay is in a stream."""

    after: int = 0
    """It began after this position."""
    upto: int = 0
    """It ends with this one."""
    error: str | None = None
    """What the last try came to; ``None``: it was taken."""

    @property
    def over(self) -> bool:
        """Whether nothing of this stream is left."""
        return self.position >= self.upto


def _replay(row: asyncpg.Record | None) -> Replay | None:
    if row is None:
        return None
    reason = row["reason"]
    told = dict(row) | {
        "state": ReplayState(row["state"]),
        "reason": None if reason is None else StopReason(reason),
    }
    return Replay(**told)


async def load_spans(
    connection: Connection, webhook_id: UUID, streams: Collection[str], since: datetime | None, until: datetime | None
) -> list[Span]:
    """Return what there is of some streams for an endpoint, which is locked; a stream that does not exist is left out."""
    rows = await connection.fetch(replay_queries().replay_spans, webhook_id, list(streams), since, until)
    return [Span(**row) for row in rows]


async def insert_replay(connection: Connection, replay: Replay, legs: Sequence[Leg]) -> None:
    """Store a new replay; its endpoint is locked."""
    told = (replay.id, replay.webhook_id, replay.version, replay.state.value, replay.rate, replay.since, replay.until)
    await connection.execute(replay_queries().insert_replay, *told, replay.created_at)
    columns = [leg.stream for leg in legs], [leg.after for leg in legs], [leg.upto for leg in legs]
    await connection.execute(replay_queries().insert_replay_positions, replay.id, *columns)


async def running_replay(connection: Connection, webhook_id: UUID) -> UUID | None:
    """Return the id of the replay of an endpoint that goes on, if one does."""
    found: UUID | None = await connection.fetchval(replay_queries().running_replay, webhook_id)
    return found


async def find_replay(pool: Pool, webhook_id: UUID, replay_id: UUID) -> Replay | None:
    """Return a replay of an endpoint, not locked."""
    return _replay(await pool.fetchrow(replay_queries().find_replay, replay_id, webhook_id))


async def lock_replay(connection: Connection, webhook_id: UUID, replay_id: UUID) -> Replay | None:
    """Return a replay of an endpoint, locked; lock the endpoint first."""
    return _replay(await connection.fetchrow(replay_queries().lock_replay, replay_id, webhook_id))


async def list_replays(pool: Pool, webhook_id: UUID, after: UUID, limit: int) -> list[Replay]:
    """Return replays of an endpoint after an id."""
    rows = await pool.fetch(replay_queries().list_replays, webhook_id, after, limit)
    return [found for row in rows if (found := _replay(row)) is not None]


async def newest_replays(pool: Pool, webhook_id: UUID, before: UUID, limit: int) -> list[Replay]:
    """Return replays of an endpoint before an id, the newest first."""
    rows = await pool.fetch(replay_queries().newest_replays, webhook_id, before, limit)
    return [found for row in rows if (found := _replay(row)) is not None]


async def load_rate(pool: Pool, replay_id: UUID) -> int | None:
    """Return how many events a second a replay may post; ``None``: it does not go on."""
    found: int | None = await pool.fetchval(replay_queries().load_replay_rate, replay_id)
    return found


async def load_places(pool: Pool, replay_ids: Collection[UUID]) -> dict[UUID, list[ReplayPlace]]:
    """Return how far replays are in each stream, in the order of the streams' names."""
    found: dict[UUID, list[ReplayPlace]] = {replay_id: [] for replay_id in replay_ids}
    for row in await pool.fetch(replay_queries().load_replay_places, list(replay_ids)):
        told = dict(row) | {"done": set(row["done"]), "noted_withheld": tuple(row["noted_withheld"])}
        replay_id, after = told.pop("replay_id"), told.pop("after_position")
        found[replay_id].append(ReplayPlace(after=after, **told))
    return found


async def note_page(
    connection: Connection, upto: int, withheld: tuple[int, ...], *, held: Held, replay_id: UUID, place: Place
) -> None:
    """Store what is on its way from now on. Raises ``NotOursError``, also if the replay does not go on any more."""
    told = (upto, held.agreement_id, held.revision, list(withheld), place.position, held.id, held.epoch)
    if await connection.fetchval(replay_queries().note_replay_page, replay_id, place.stream, *told) is None:
        raise NotOursError(f"replay {replay_id} does not go on here")


async def save_place(connection: Connection, held: Held, replay_id: UUID, place: ReplayPlace) -> None:
    """Store where a replay is; its endpoint is locked."""
    due_at = place.due_at or held.now
    told = (place.position, sorted(place.done), place.tries, place.failing_since, due_at, place.error)
    await connection.execute(replay_queries().save_replay_place, replay_id, place.stream, *told)


async def count_replayed(connection: Connection, replay_id: UUID, count: int) -> None:
    """Note that so many more were taken."""
    await connection.execute(replay_queries().count_replayed, replay_id, count)


async def end_replay(
    connection: Connection, replay_id: UUID, state: ReplayState, reason: StopReason | None = None
) -> None:
    """End a replay, unless it has ended."""
    told = None if reason is None else reason.value
    await connection.execute(replay_queries().end_replay, replay_id, state.value, told)


async def end_replays_of(connection: Connection, webhook_id: UUID, reason: StopReason) -> None:
    """Stop what goes on of an endpoint, which is locked."""
    await connection.execute(replay_queries().end_replays_of, webhook_id, reason.value)


async def stop_ungranted(pool: Pool) -> list[tuple[UUID, str]]:
    """Stop every replay whose agency is granted nothing by webhook now, and return those with the reasons."""
    return [(row["id"], row["reason"]) for row in await pool.fetch(replay_queries().stop_ungranted)]
