"""Rules of notices of erasure: whom they go to, when they are told again, and how an agency answers. Pure.

An agency that was ever given anything of an owner who is erased gets one notice, whatever its agreement says by now: erasing is
its duty (UU 27/2022), no grant. ``menunggu`` (not told) → ``tersampaikan`` (told) → ``dikonfirmasi`` (acknowledged); instead of the
first ``perlu_petugas`` where no way by machine leads to the agency, so that an officer must tell it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.partners.domain.refusals import NoticeAnsweredError, ReferenceMissingError
from shared.envelope import format_time

NOTICE_TYPE = "id.go.balikpapan.umkm.owner.erasure_notice.v1"
"""Of the CloudEvent that tells it. It is no fact: it has no ``sequence``, and comes again until it is acknowledged."""
NOTICE_FIELDS = frozenset({"owner_id", "subjects", "due"})
DEADLINE = timedelta(hours=3 * 24)
"""So long an agency has to acknowledge: three times 24 hours, by the hour, from when the notice was made."""
ON_ITS_WAY = timedelta(minutes=2)
"""What was given until so long after the erasure was recorded may have been opened before it."""
LAST_LOOK = timedelta(minutes=5)
"""Then every page that was on its way stands in the disclosure log."""
CHASE = timedelta(hours=24)
"""After so long it is told again, until it is acknowledged."""
AGAIN = timedelta(minutes=30)
"""After so long a round that failed in part goes on."""
NO_WAY = timedelta(hours=1)
"""After so long it is looked for a way again."""


class NoticeState(StrEnum):
    """States of a notice."""

    MENUNGGU = "menunggu"
    PERLU_PETUGAS = "perlu_petugas"
    TERSAMPAIKAN = "tersampaikan"
    DIKONFIRMASI = "dikonfirmasi"


class Outcome(StrEnum):
    """What an agency has done."""

    DIHAPUS = "dihapus"
    """Erased."""
    TIDAK_DISIMPAN = "tidak_disimpan"
    """It never stored anything of the owner."""
    WAJIB_DISIMPAN = "wajib_disimpan"
    """Another law obliges it to keep the data; the reference names that law."""


class Obstacle(StrEnum):
    """Why the last round did not reach an agency."""

    TANPA_PERJANJIAN = "tanpa_perjanjian"
    """No agreement counts any more: nothing is sent by machine."""
    TANPA_JALAN = "tanpa_jalan"
    """The agreement counts, but there is neither an endpoint nor a topic, and the feed is not agreed."""
    MENUNGGU_DIBACA = "menunggu_dibaca"
    """The agency reads by itself, and has not read it yet."""
    WEBHOOK_GAGAL = "webhook_gagal"
    KAFKA_GAGAL = "kafka_gagal"


READ, LETTER = "feed", "surat"
"""Ways of telling beside those of an agreement: the agency asks, or an officer writes."""
BY_HAND = frozenset({Obstacle.TANPA_PERJANJIAN, Obstacle.TANPA_JALAN})
"""An officer must tell the agency."""


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """An aggregate of which an agency was given events, under the id that stood in them."""

    stream: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """What an agency must be told. Ids alone: it outlives the owner's data."""

    id: UUID
    agency: str
    owner_id: UUID
    subjects: tuple[Subject, ...]
    made_at: datetime
    due_at: datetime
    tell_at: datetime
    """To be told, or told again, from then on."""
    round_done: frozenset[str] = frozenset()
    """Endpoints (by id) and topic that took it in the round that goes on."""
    tells: int = 0
    """Rounds that reached the agency, and letters."""
    told_at: datetime | None = None
    told_ways: tuple[str, ...] = ()
    obstacle: Obstacle | None = None
    letter: str | None = None
    letter_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    outcome: Outcome | None = None
    reference: str | None = None

    @property
    def state(self) -> NoticeState:
        """The notice's state."""
        if self.acknowledged_at is not None:
            return NoticeState.DIKONFIRMASI
        if self.told_at is not None:
            return NoticeState.TERSAMPAIKAN
        return NoticeState.PERLU_PETUGAS if self.obstacle in BY_HAND else NoticeState.MENUNGGU

    @property
    def by_hand(self) -> bool:
        """Whether only an officer can tell or chase the agency now."""
        return self.acknowledged_at is None and self.obstacle in BY_HAND

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether the deadline has passed without an acknowledgement."""
        return self.acknowledged_at is None and now > self.due_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices are asked for; ``None``: of all."""

    agency: str | None = None
    owner_id: UUID | None = None
    is_open: bool | None = None
    overdue_at: datetime | None = None
    """Only those that were due before."""


def new_notice(notice_id: UUID, agency: str, owner_id: UUID, subjects: Iterable[Subject], now: datetime) -> Notice:
    """Return a notice that nobody was told yet, to be told at once; the deadline runs from now."""
    return Notice(notice_id, agency, owner_id, tuple(sorted(set(subjects))), now, now + DEADLINE, now)


def next_look(recorded_at: datetime, now: datetime) -> datetime | None:
    """Return when the disclosure log is to be looked at again for an owner; ``None``: it tells all by now."""
    last = recorded_at + LAST_LOOK
    return last if now < last else None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of telling came to."""

    took: frozenset[str]
    """Endpoints and topic that took it, now or earlier in this round."""
    reached: tuple[str, ...]
    """The ways on which it was taken now."""
    obstacle: Obstacle | None
    failed: bool
    """Whether something that is there did not take it."""


def after_round(notice: Notice, told: Round, now: datetime) -> Notice:
    """Return a notice after a round: told again after a day, gone on with soon if something failed, else looked for a way later."""
    wait = AGAIN if told.failed else CHASE if told.took else NO_WAY
    reached = bool(told.reached)
    return replace(
        notice,
        tell_at=now + wait,
        round_done=told.took if told.failed else frozenset(),
        tells=notice.tells + reached,
        told_at=(notice.told_at or now) if reached else notice.told_at,
        told_ways=tuple(sorted({*notice.told_ways, *told.reached})),
        obstacle=told.obstacle,
    )


def answer(
    notice: Notice, outcome: Outcome, reference: str | None, actor: str, now: datetime, *, officer: bool
) -> Notice:
    """Return a notice that was acknowledged; the same answer again changes nothing.

    Whoever had to keep the data may erase it later; any other second answer is refused (``NoticeAnsweredError``). An officer
    names the agency's letter, and an agency that keeps the data the law (``ReferenceMissingError``).
    """
    if notice.outcome is outcome:
        return notice
    if notice.outcome is not None and not (notice.outcome is Outcome.WAJIB_DISIMPAN and outcome is Outcome.DIHAPUS):
        raise NoticeAnsweredError(notice.outcome)
    if reference is None and (officer or outcome is Outcome.WAJIB_DISIMPAN):
        raise ReferenceMissingError(outcome)
    return replace(notice, outcome=outcome, reference=reference, acknowledged_by=actor, acknowledged_at=now)


def read(notice: Notice, now: datetime) -> Notice:
    """Return a notice that its agency has read by itself; read once, it changes no more."""
    if READ in notice.told_ways:
        return notice
    return replace(notice, told_ways=(*notice.told_ways, READ), told_at=notice.told_at or now)


def tell_by_letter(notice: Notice, letter: str, actor: str, now: datetime) -> Notice:
    """Return a notice that an officer has told by letter. Raises ``NoticeAnsweredError`` if it was acknowledged."""
    if notice.outcome is not None:
        raise NoticeAnsweredError(notice.outcome)
    ways, tells = tuple(sorted({*notice.told_ways, LETTER})), notice.tells + 1
    told_at = notice.told_at or now
    return replace(notice, letter=letter, letter_by=actor, told_ways=ways, told_at=told_at, tells=tells)


def notice_event(notice: Notice, source: str) -> dict[str, Any]:
    """Return a notice as a structured CloudEvent: ids and the deadline, nothing else. The same each time that it is told."""
    return {
        "specversion": "1.0",
        "id": str(notice.id),
        "source": source,
        "type": NOTICE_TYPE,
        "subject": str(notice.owner_id),
        "time": format_time(notice.made_at),
        "datacontenttype": "application/json",
        "partitionkey": str(notice.owner_id),
        "data": {
            "owner_id": str(notice.owner_id),
            "subjects": [{"stream": item.stream, "id": str(item.id)} for item in notice.subjects],
            "due": format_time(notice.due_at),
        },
    }


def obstacle_of(failed: Collection[Obstacle], took: Collection[str], *, agreed: bool, reads: bool) -> Obstacle | None:
    """Return what stands between a notice and its agency after a round; ``reads``: the agency may read it by itself."""
    if not agreed:
        return Obstacle.TANPA_PERJANJIAN
    if failed:
        return min(failed)
    if took:
        return None
    return Obstacle.MENUNGGU_DIBACA if reads else Obstacle.TANPA_JALAN
