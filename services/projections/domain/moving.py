"""The funnel of one year, from the sums of its moves: start + in - out = end, for each class and kecamatan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.projections.domain.counting import CountMismatchError
from services.projections.domain.funnel import Move
from services.projections.reference import UNKNOWN, Places
from shared.contracts.registry import BusinessClass

IN_FROM_ELSEWHERE, OUT_TO_ELSEWHERE = "pindah_masuk", "pindah_keluar"
MOVES = (
    *(move.value for move in Move if move not in {Move.PINDAH, Move.DI_LUAR}),
    IN_FROM_ELSEWHERE,
    OUT_TO_ELSEWHERE,
)
"""What moves are called where they are shown: seen from one kecamatan, a business comes or goes."""

Rows = Iterable[Mapping[str, Any]]
Cell = tuple[str, str]
"""Kecamatan and class."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Moves of one kind, from one class to another; ``None``: from or to outside."""

    move: str
    before: str | None
    after: str | None
    moves: int
    """A business that moves twice is counted twice."""


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One class over the year."""

    kelas: str
    start: int
    arrived: int
    left: int
    end: int


@dataclass(frozen=True, slots=True)
class PlaceFunnel:
    """One kecamatan, those whose place is not known, or the whole city (code ``""``)."""

    code: str
    label: str
    lines: tuple[ClassLine, ...]
    flows: tuple[Flow, ...]


def funnel(start: Rows, moves: Rows, end: Rows, places: Places) -> list[PlaceFunnel]:
    """Return the whole city, then every kecamatan, then the unknown ones.

    ``start`` and ``end`` are businesses by kecamatan and class, ``moves`` the moves of the year by all that tells them apart.
    Raises ``CountMismatchError`` if a line does not add up: no number is shown then.
    """
    began, ended, moved = _cells(start), _cells(end), list(moves)
    labels = {"": "Seluruh kota", **places.kecamatan, UNKNOWN: "Belum diketahui"}
    return [_place(code, label, began, moved, ended) for code, label in labels.items()]


def _cells(rows: Rows) -> Counter[Cell]:
    return Counter({(row["kecamatan"], row["kelas"]): int(row["businesses"]) for row in rows})


def _place(
    code: str, label: str, began: Counter[Cell], moved: list[Mapping[str, Any]], ended: Counter[Cell]
) -> PlaceFunnel:
    flows: Counter[tuple[str, str | None, str | None]] = Counter()
    for row in moved:
        before = row["was_kelas"] if row["was_in"] and code in {"", row["was_kecamatan"]} else None
        after = row["kelas"] if row["is_in"] and code in {"", row["kecamatan"]} else None
        move = row["move"]
        if move == Move.PINDAH:
            if (before is None) == (after is None):  # neither from nor to here, or within the city
                continue
            move = IN_FROM_ELSEWHERE if before is None else OUT_TO_ELSEWHERE
        if before is not None or after is not None:
            flows[move, before, after] += row["moves"]
    lines = tuple(_line(code, kelas, began, flows, ended) for kelas in map(str, BusinessClass))
    ordered = sorted(flows.items(), key=lambda item: (MOVES.index(item[0][0]), str(item[0][1]), str(item[0][2])))
    return PlaceFunnel(code, label, lines, tuple(Flow(*kind, number) for kind, number in ordered))


def _line(
    code: str,
    kelas: str,
    began: Counter[Cell],
    flows: Counter[tuple[str, str | None, str | None]],
    ended: Counter[Cell],
) -> ClassLine:
    def here(cells: Counter[Cell]) -> int:
        return sum(number for (place, of), number in cells.items() if of == kelas and code in {"", place})

    arrived = sum(number for (_, before, after), number in flows.items() if after == kelas and before != kelas)
    left = sum(number for (_, before, after), number in flows.items() if before == kelas and after != kelas)
    line = ClassLine(kelas, here(began), arrived, left, here(ended))
    if line.start + line.arrived - line.left != line.end:
        raise CountMismatchError(f"{code or 'kota'}, {kelas}: {line.start} + {arrived} - {left} is not {line.end}")
    return line
