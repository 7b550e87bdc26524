"""``class_funnel``: every move of a business between classes, kecamatan, and out of or into the count, as a double entry.

The start of a year is the sum of all moves before it, its end that of all until then: so start, in, out and end add up,
for each class and kecamatan, and each number can be told by the facts behind it. A move belongs to the year in which it
was recorded (WITA), so that a year that is over does not change any more.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.classes import LADDER, is_naik_kelas
from services.projections.domain.standing import told
from services.projections.domain.trusted import AnyEvent
from services.projections.reference import UNKNOWN, kecamatan_of
from shared.contracts import registry
from shared.contracts.registry import BusinessClass
from shared.wita import WITA


class Move(StrEnum):
    """What a move was."""

    BARU = "baru"
    """Recorded for the first time."""
    NAIK = "naik"
    """Up the ladder mikro, kecil, menengah, with evidence. This alone is counted as *naik kelas*."""
    NAIK_TANPA_BUKTI = "naik_tanpa_bukti"
    """Up the ladder without evidence: recorded before evidence was asked for, or put right."""
    TURUN = "turun"
    PEMBETULAN = "pembetulan"
    """The class became known, or unknown again: no step of the business."""
    KE_BESAR = "ke_besar"
    """Out of the programme at its upper end. Still counted."""
    DARI_BESAR = "dari_besar"
    PINDAH = "pindah"
    """To another kecamatan."""
    TUTUP = "tutup"
    DITOLAK = "ditolak"
    DIGABUNG = "digabung"
    KEMBALI = "kembali"
    """Back in the count, as after a merge that was a mistake."""
    DI_LUAR = "di_luar"
    """Not in the count, before or after; kept so that a way back leads to the right place."""


_LEAVING = {
    registry.BusinessRejected.NAME: Move.DITOLAK,
    registry.BusinessMerged.NAME: Move.DIGABUNG,
}


class FunnelRow(NamedTuple):
    """One move, in the order of the columns. Of a business that is not counted, place and class are remembered."""

    business_id: UUID
    sequence: int
    ordinal: int
    """Moves of the business are numbered from 1, so that a lost row shows in the audit."""
    event_id: UUID | str
    name: str
    at: datetime
    year: int
    """Never earlier than that of the move before, whatever the clocks of two processes said."""
    move: str
    was_in: bool
    was_kecamatan: str
    was_kelas: str
    is_in: bool
    kecamatan: str
    kelas: str


def funnel_row(last: FunnelRow | None, event: AnyEvent) -> FunnelRow | None:
    """Return the move that ``event`` is; ``None`` if it is none, or is in the ledger already."""
    meta = event.meta
    fact: Any = event.fact
    if last is not None and meta.sequence <= last.sequence:
        return None
    was_in, was_kecamatan, was_kelas = (
        (last.is_in, last.kecamatan, last.kelas) if last else (False, UNKNOWN, BusinessClass.TIDAK_DIKETAHUI.value)
    )
    said = told(fact)
    is_in = (last is None or was_in) if said.counted is None else said.counted
    kecamatan = was_kecamatan if said.kelurahan is None else kecamatan_of(said.kelurahan)
    kelas = was_kelas if said.kelas is None else said.kelas.value
    if last is not None and (is_in, kecamatan, kelas) == (was_in, was_kecamatan, was_kelas):
        return None
    if was_in and is_in:
        move = Move.PINDAH if kelas == was_kelas else class_move(was_kelas, kelas, bool(said.evidence))
    elif was_in:
        move = _LEAVING.get(fact.NAME, Move.TUTUP)
    else:
        move = Move.DI_LUAR if not is_in else Move.BARU if last is None else Move.KEMBALI
    year = meta.time.astimezone(WITA).year
    return FunnelRow(
        fact.business_id,
        meta.sequence,
        last.ordinal + 1 if last else 1,
        meta.id,
        fact.NAME,
        meta.time,
        max(year, last.year) if last else year,
        move.value,
        was_in,
        was_kecamatan,
        was_kelas,
        is_in,
        kecamatan,
        kelas,
    )


def class_move(before: str, after: str, evidence: bool) -> Move:
    """Return what it is to be recorded with another class."""
    was, now = BusinessClass(before), BusinessClass(after)
    if is_naik_kelas(was, now):
        return Move.NAIK if evidence else Move.NAIK_TANPA_BUKTI
    if was in LADDER and now in LADDER:
        return Move.TURUN
    if BusinessClass.TIDAK_DIKETAHUI in {was, now}:
        return Move.PEMBETULAN
    return Move.KE_BESAR if now is BusinessClass.BESAR else Move.DARI_BESAR
