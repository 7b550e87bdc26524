"""The 34 files: uneven sizes, every kind of dirt, and the account of what was planted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ops.generator.files import CSV_SHAPES, Row, write_csv, write_xlsx
from ops.generator.people import HOSTILE, People
from services.registry.reference.places import Place, all_places, place_name

Progress = Callable[[int, int], None]
HOSTILE_CELLS = 1_200
REFUSED_SHARE = 0.012


@dataclass(slots=True)
class PlantedFile:
    """One file with what it holds. ``rows`` are data rows; ``refused`` of them must be refused, ``repeated`` are the same."""

    name: str
    kelurahan: str
    encoding: str
    rows: int = 0
    refused: int = 0
    repeated: int = 0
    without_nik: int = 0
    unknown_places: int = 0
    second_businesses: int = 0
    hostile_cells: int = 0
    jumlah_rows: int = 0
    blank_rows: int = 0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Planted:
    """All files."""

    seed: int
    files: list[PlantedFile]

    def total(self, name: str) -> int:
        """Return the sum of a count over all files."""
        return sum(int(getattr(file, name)) for file in self.files)


def _sizes(count: int, rows: int) -> list[int]:
    """Return uneven sizes that add up to ``rows``."""
    weights = [1 + 3 * (number * 7 % 11) for number in range(count)]
    sizes = [max(12, rows * weight // sum(weights)) for weight in weights]
    sizes[0] += rows - sum(sizes)
    return sizes


def generate(
    folder: Path, rows: int = 95_000, seed: int = 2026, progress: Progress = lambda done, total: None
) -> Planted:
    """Write the files and ``planted.json`` into ``folder`` and return what was planted. The same seed, the same files.

    ``rows`` is the sum of data rows, at least 1,000.
    """
    if rows < 1_000:
        raise ValueError(f"rows: {rows}; at least 1,000")
    folder.mkdir(parents=True, exist_ok=True)
    people = People(seed)
    places = list(all_places().values())
    planted = Planted(seed, [])
    for number, (place, size) in enumerate(zip(places, _sizes(len(places), rows), strict=True)):
        planted.files.append(_File(people, place, number, size).write(folder))
        progress(number + 1, len(places))
    (folder / "planted.json").write_text(json.dumps(asdict(planted), indent=1), encoding="utf-8")
    return planted


class _File:
    """One file in the making."""

    def __init__(self, people: People, place: Place, number: int, size: int) -> None:
        self._people = people
        self._place = place
        self._number = number
        self._size = size
        self._xlsx = number % 4 == 3
        encoding = "xlsx" if self._xlsx else CSV_SHAPES[number % len(CSV_SHAPES)][0]
        name = f"{number + 1:02d}_{place_name(place.code).lower().replace(' ', '_')}.{'xlsx' if self._xlsx else 'csv'}"
        self.planted = PlantedFile(name, place.code, encoding)
        self._codes: Counter[str] = Counter()
        self._hostile = max(1, HOSTILE_CELLS // 34 + 1)

    def write(self, folder: Path) -> PlantedFile:
        """Write it and return what it holds."""
        rows = self._rows()
        title = place_name(self._place.code).upper()
        path = folder / self.planted.name
        if self._xlsx:
            write_xlsx(path, title, rows)
        else:
            encoding, delimiter = CSV_SHAPES[self._number % len(CSV_SHAPES)]
            write_csv(path, title, rows, encoding, delimiter, titled=self._number % 2 == 0)
        self.planted.codes = dict(self._codes)
        return self.planted

    def _rows(self) -> list[Row | None]:
        rows: list[Row | None] = []
        owner: Row = {}
        before: Row | None = None
        while self.planted.rows < self._size:
            row, owner, clean = self._next(owner, before)
            row["NO"] = str(self.planted.rows)
            rows.append(row)
            before = row if clean else None
            if self._people.dice.random() < 0.002:
                rows.append(None)
                self.planted.blank_rows += 1
        rows += [None, {"NAMA PEMILIK": "JUMLAH", "NAMA USAHA": f"{self._size} USAHA"}]
        self.planted.jumlah_rows += 1
        self.planted.blank_rows += 1
        return rows

    def _next(self, owner: Row, before: Row | None) -> tuple[Row, Row, bool]:
        """Return the next row, its owner, and whether it is clean enough to be repeated."""
        dice, planted = self._people.dice, self.planted
        planted.rows += 1
        if before is not None and dice.random() < 0.01:
            planted.repeated += 1
            return dict(before), owner, False
        second = bool(owner) and dice.random() < 0.05
        planted.second_businesses += second
        owner = owner if second else self._people.owner()
        row = {**owner, **self._people.business(), "KELURAHAN": place_name(self._place.code)}
        row["KECAMATAN"] = self._place.district
        chance = dice.random()
        if chance < REFUSED_SHARE:
            self._spoil(row)
            return row, {}, False
        if chance < 0.05:
            self._flag(row)
            return row, {}, False
        if self._hostile and chance < 0.35:
            self._attack(row)
        return row, owner, True

    def _spoil(self, row: Row) -> None:
        """Make a row that must be refused."""
        nik = row["NIK"]
        ways = {
            "NIK_SCIENTIFIC": ("NIK", "6,47101E+15"),
            "NIK_TANGGAL_TIDAK_SAH": ("NIK", nik[:6] + "3102" + nik[10:]),
            "NIK_PANJANG": ("NIK", nik[:15]),
            "NAMA_KOSONG": ("NAMA PEMILIK", ""),
            "OMZET_TIDAK_SAH": ("OMSET / TAHUN (Rp)", "banyak sekali"),
            "MODAL_NEGATIF": ("MODAL (Rp)", "-500.000"),
        }
        if self._xlsx:
            ways["NIK_ANGKA"] = ("NIK", "#" + nik)
        code = self._people.dice.choice(sorted(ways))
        column, cell = ways[code]
        row[column] = cell
        self.planted.refused += 1
        self._codes[code] += 1

    def _flag(self, row: Row) -> None:
        """Make a row that is taken with a flag."""
        if self._people.dice.random() < 0.6:
            row["NIK"] = self._people.dice.choice(("", "-", "0", "0000000000000000"))
            self.planted.without_nik += 1
        else:
            row["KELURAHAN"] = "Kampung Baru Seberang"
            self.planted.unknown_places += 1

    def _attack(self, row: Row) -> None:
        """Put hostile text where free text is taken."""
        column = self._people.dice.choice(("NAMA USAHA", "ALAMAT", "KET"))
        row[column] = f"{HOSTILE[self._hostile % len(HOSTILE)]} {row.get(column, '')}"[:100].strip()
        self._hostile -= 1
        self.planted.hostile_cells += 1
