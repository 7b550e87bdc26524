"""What requests and answers of replays look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.partners.api.forms import Moment
from services.partners.commands import StartReplay
from services.partners.domain.replays import ReplayState, StopReason
from services.partners.handlers.replays import ShownReplay
from shared.web.app import RequestModel

StreamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class ReplayForm(RequestModel):
    """Dari suatu saat (`since`), atau sesudah kursor (`after`) dari satu aliran; sampai `until`, atau sampai yang terkirim saat ini."""

    since: Moment | None = None
    after: Annotated[str | None, Field(max_length=200, description="`Feed-Next` dari aliran itu.")] = None
    until: Moment | None = None
    streams: Annotated[tuple[StreamName, ...], Field(max_length=40, description="Kosong: semua yang diberikan.")] = ()
    rate: Annotated[int | None, Field(description="Peristiwa per detik, paling banyak.", examples=[50])] = None

    def command(self, replay_id: UUID, webhook_id: UUID, agency: str) -> StartReplay:
        """Return the command of an agency."""
        return StartReplay(replay_id, webhook_id, agency, self.since, self.after, self.until, self.streams, self.rate)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReplayStreamOut(_Out):
    """Kemajuan dalam satu aliran: sesudah `after`, sampai `upto`; dan kapan yang gagal dicoba lagi."""

    stream: str
    after: int
    position: int
    upto: int
    tries: int
    error: str | None
    failing_since: datetime | None
    due_at: datetime | None


class ReplayOut(_Out):
    """Satu putar ulang. `done` dari `total` menghitung juga peristiwa yang tidak diberikan perjanjian; `posted` yang diterima."""

    id: UUID
    webhook_id: UUID
    version: int
    state: ReplayState
    reason: StopReason | None
    rate: int
    since: datetime | None
    until: datetime | None
    posted: int
    done: int
    total: int
    created_at: datetime
    ended_at: datetime | None
    streams: list[ReplayStreamOut]

    @classmethod
    def of(cls, shown: ShownReplay) -> ReplayOut:
        """Return the answer for a replay."""
        replay = shown.replay
        done, total = shown.progress
        streams = [
            ReplayStreamOut(
                stream=place.stream,
                after=place.after,
                position=place.position,
                upto=place.upto,
                tries=place.tries,
                error=place.error,
                failing_since=place.failing_since,
                due_at=place.due_at if place.tries else None,
            )
            for place in shown.places
        ]
        told = {name: getattr(replay, name) for name in ReplayOut.model_fields if hasattr(replay, name)}
        return cls(**told, done=done, total=total, streams=streams)


class ReplayPage(_Out):
    """Satu halaman putar ulang."""

    items: list[ReplayOut]
    next: UUID | None
