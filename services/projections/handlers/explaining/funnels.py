"""Explainer of ``class_funnel``: businesses at the start and the end of a year, and the moves in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.projections.domain.addresses import YEAR, Address, Grammar, Key, refused
from services.projections.domain.funnel import Move
from services.projections.domain.moving import IN_FROM_ELSEWHERE, MOVES, OUT_TO_ELSEWHERE
from services.projections.handlers.explaining.dashboards import KELAS
from services.projections.handlers.explaining.explainer import BUSINESSES, Cell, Explainer
from services.projections.store import explaining
from shared.database import Connection

MOVED = "perpindahan"
"""The unit of moves: a business that moves twice is counted twice."""
_STOCKS = ("awal", "akhir")
_FLOWS = ("masuk", "keluar")


async def _cell(_: Connection, address: Address) -> Cell:
    value = address.values.get
    year, place, kelas = int(address.values["tahun"]), address.kecamatan, value("kelas")
    move, number = value("gerak"), value("angka")
    if move is not None:
        if kelas or number:
            raise refused("Bagian", f"{'kelas' if kelas else 'angka'}=… bersama gerak=…", ["gerak=…", "dari=…", "ke=…"])
        kind = Move.PINDAH.value if move in {IN_FROM_ELSEWHERE, OUT_TO_ELSEWHERE} else move
        if kind == Move.PINDAH and place is None:
            raise refused("Tempat", "", ["satu kecamatan: di seluruh kota tidak ada yang pindah"])
        outward = move == OUT_TO_ELSEWHERE
        return Cell("cell_funnel_moves", (year, place, kind, value("dari"), value("ke"), outward), MOVED)
    if value("dari") or value("ke"):
        raise refused("Bagian gerak", "", MOVES)
    number = number or "akhir"
    if number in _FLOWS:
        return Cell("cell_funnel_flow", (year, place, kelas, number == "masuk"), MOVED)
    return Cell("cell_funnel_stock", (year if number == "akhir" else year - 1, place, kelas), BUSINESSES)


async def _facts(connection: Connection, _: Address, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return await explaining.moves(connection, rows)


CLASS_FUNNEL = Explainer(
    Grammar(
        "class_funnel",
        (
            Key("tahun", example=YEAR, required=True),
            KELAS,
            Key("angka", (*_STOCKS, *_FLOWS)),
            Key("gerak", MOVES),
            Key("dari", KELAS.values),
            Key("ke", KELAS.values),
        ),
        kelurahan=False,
    ),
    _cell,
    _facts,
)
