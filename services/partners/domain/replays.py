"""Rules of replays: which range an endpoint is posted again, how fast, and how one ends. Pure (docs/decisions/0037)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.partners.domain.cursors import FIRST_HISTORY
from services.partners.domain.refusals import (
    ReplayRangeError,
    ReplayRateError,
    ReplayRunsError,
    ReplayStateError,
    WebhookStateError,
)
from services.partners.domain.webhooks import Webhook, WebhookState
from shared.refusals import check_version

MARK = "replay"
"""The attribute of CloudEvents that holds a replay's id, in each event that it posts."""
STEP_SECONDS = 0.25
"""A replay posts the events of so long a time at once, and then lets others go on."""


class ReplayState(StrEnum):
    """States of a replay, as the office names them."""

    BERJALAN = "berjalan"
    SELESAI = "selesai"
    DIBATALKAN = "dibatalkan"
    DIHENTIKAN = "dihentikan"
    """It did not come to its end, and nobody of the agency has wanted that."""


class StopReason(StrEnum):
    """Why a replay was stopped. Whoever wants the rest asks for another one."""

    PERJANJIAN_DITANGGUHKAN = "perjanjian_ditangguhkan"
    PERJANJIAN_KEDALUWARSA = "perjanjian_kedaluwarsa"
    PERJANJIAN_BERAKHIR = "perjanjian_berakhir"
    CARA_TIDAK_DIPERJANJIKAN = "cara_tidak_diperjanjikan"
    TANPA_PERJANJIAN = "tanpa_perjanjian"
    RIWAYAT_DIHAPUS = "riwayat_dihapus"
    """What was left of it is not kept any more."""
    GAGAL_TIGA_HARI = "gagal_tiga_hari"
    WEBHOOK_DIHAPUS = "webhook_dihapus"


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay of an endpoint. Progress does not move its version."""

    id: UUID
    webhook_id: UUID
    version: int
    state: ReplayState
    reason: StopReason | None
    rate: int
    """Events a second, at most."""
    since: datetime | None
    until: datetime | None
    posted: int
    """Events that the endpoint took."""
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast replays are: what is taken where nothing is asked for, and the most."""

    usual: int
    most: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The range that an agency asks for: from a time, or after a cursor of one stream."""

    since: datetime | None
    after: str | None
    until: datetime | None
    streams: tuple[str, ...]
    """None: all that the agreement grants."""


@dataclass(frozen=True, slots=True)
class Span:
    """What there is of a stream, for one endpoint. Positions; 0 is before the first."""

    stream: str
    first: int
    """The first that is kept."""
    last: int
    live: int
    """Up to here the endpoint was posted everything that it was granted."""
    before_since: int
    before_until: int
    history: int = FIRST_HISTORY
    """Of the store, the one that goes on."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What a replay posts of a stream: after one position, up to another."""

    stream: str
    after: int
    upto: int


def check_wanted(wanted: Wanted) -> None:
    """Refuse a range that is none. Raises ``ReplayRangeError``."""
    if (wanted.since is None) == (wanted.after is None):
        raise ReplayRangeError("awal")
    if wanted.after is not None and len(wanted.streams) != 1:
        raise ReplayRangeError("aliran_kursor")
    if len(set(wanted.streams)) < len(wanted.streams):
        raise ReplayRangeError("aliran_ganda")
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        raise ReplayRangeError("waktu")


def rate_of(asked: int | None, rates: Rates) -> int:
    """Return how fast a replay is. Raises ``ReplayRateError``."""
    if asked is not None and not 1 <= asked <= rates.most:
        raise ReplayRateError(rates.most)
    return min(rates.usual, rates.most) if asked is None else asked


def leg_of(span: Span, cursor: int | None) -> Leg:
    """Return what is posted of a stream: never beyond what the endpoint has had already, so no replay is ahead of what is live."""
    after = max(span.before_since if cursor is None else cursor, span.first - 1)
    return Leg(span.stream, after, max(after, min(span.live, span.before_until)))


def check_beginning(webhook: Webhook, running: UUID | None) -> None:
    """Refuse a replay of an endpoint that is posted nothing, or a second one. Raises ``WebhookStateError``, ``ReplayRunsError``."""
    if webhook.state is not WebhookState.AKTIF:
        raise WebhookStateError("diputar ulang", webhook.state)
    if running is not None:
        raise ReplayRunsError(running)


def cancel(replay: Replay, expected: int, now: datetime) -> Replay:
    """Post nothing more of it. Raises ``StaleVersionError``, ``ReplayStateError``."""
    check_version(replay.version, expected)
    if replay.state is not ReplayState.BERJALAN:
        raise ReplayStateError("dibatalkan", replay.state)
    return replace(replay, version=replay.version + 1, state=ReplayState.DIBATALKAN, ended_at=now)


def progress(legs: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Return how many positions are done and how many there are, from where each stream began, is, and ends."""
    return sum(position - after for after, position, _ in legs), sum(upto - after for after, _, upto in legs)


def slice_of(pace: float) -> int:
    """Return how many events a replay posts at once, at most; ``pace``: events a second."""
    return max(1, int(pace * STEP_SECONDS))


class Budget:
    """How many events a second all replays of a process may post together, in equal shares among those that have something to post."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sharing: set[UUID] = set()

    def join(self, replay_id: UUID) -> None:
        """Take a share from now on."""
        self._sharing.add(replay_id)

    def leave(self, replay_id: UUID) -> None:
        """Leave the share to others."""
        self._sharing.discard(replay_id)

    def pace(self, rate: int) -> float:
        """Return how many events a second a replay may post that was asked to post ``rate``."""
        return min(rate, self._most / max(1, len(self._sharing)))
