"""Rules of lanes: a stream on its way into an agency's topic goes on until something is missing, and then only when told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.partners.domain.refusals import LaneHistoryGoneError, LaneStateError
from shared.refusals import check_version

EVERYONE = "*"
"""Stands where a lane has its agency: it leads into a public topic. No agency's code can be this."""


class LaneState(StrEnum):
    """States of a lane, as the office names them."""

    AKTIF = "aktif"
    BERHENTI = "berhenti"


class StopReason(StrEnum):
    """Why a lane stopped."""

    RIWAYAT_DIHAPUS = "riwayat_dihapus"
    """Events after its position are not kept any more."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How far a stream was written into an agency's topic, or with ``EVERYONE`` into the public one."""

    id: UUID
    version: int
    agency: str
    stream: str
    state: LaneState
    reason: StopReason | None
    position: int
    first: int
    """The first position of the stream that is kept."""
    last: int
    moved_at: datetime


def refill(lane: Lane, expected: int) -> Lane:
    """Begin anew with all that is kept, because the topic lost what it held. Whoever reads it sees known events again, under their ids."""
    check_version(lane.version, expected)
    return replace(lane, version=lane.version + 1, state=LaneState.AKTIF, reason=None, position=lane.first - 1)


def resume(lane: Lane, expected: int, *, skip_lost: bool) -> Lane:
    """Go on with what is kept. Raises ``LaneStateError``, and ``LaneHistoryGoneError`` unless told to miss what is lost."""
    check_version(lane.version, expected)
    if lane.state is not LaneState.BERHENTI:
        raise LaneStateError(lane.state)
    kept = max(lane.position, lane.first - 1)
    if kept > lane.position and not skip_lost:
        raise LaneHistoryGoneError(lane.stream, kept - lane.position)
    return replace(lane, version=lane.version + 1, state=LaneState.AKTIF, reason=None, position=kept)
