"""What stands below a table and is no row of it: who signed it, with names in the column of names. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.registry.importing.cleaning.text import Cell, clean_text, is_empty, text_of

MOST_BESIDE = 2
"""So many cells a line of signatures has at most: two people may sign side by side."""


class Footers:
    """Tells chunk by chunk, in the order of the file, which rows hold a name and nothing else."""

    def __init__(self, own: frozenset[int]) -> None:
        """``own``: columns that nobody fills in but for a row of the table, as its number and the NIK."""
        self._own = own
        self._number: int | None = None
        self._was_one = False

    def among(self, numbers: Sequence[int], rows: Sequence[Sequence[Cell]], unnamed: Sequence[bool]) -> list[bool]:
        """Tell of each row, by its number in the file, whether it is none; ``unnamed``: which name no business.

        A name alone is none; two cells are none below a blank row, and so is what follows them.
        """
        found = [False] * len(rows)
        for index in (index for index, is_so in enumerate(unnamed) if is_so):
            filled = self._filled(rows[index])
            before = numbers[index - 1] if index else self._number
            follows = found[index - 1] if index else self._was_one
            below = before is not None and (follows or numbers[index] > before + 1)
            found[index] = filled == 1 or (below and filled <= MOST_BESIDE)
        self._number, self._was_one = numbers[-1], found[-1]
        return found

    def _filled(self, row: Sequence[Cell]) -> int:
        """Return how many cells are filled in, or more than enough where one of the table's own is."""
        if any(_is_filled(row[index]) for index in self._own if index < len(row)):
            return MOST_BESIDE + 1
        return sum(map(_is_filled, row))


def _is_filled(cell: Cell) -> bool:
    return cell != "" and not is_empty(clean_text(text_of(cell)))
