"""The header of a spreadsheet: found by its names, below title rows, over one row or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from services.registry.importing.cleaning.text import Cell, clean_text, text_of
from services.registry.reference.names import fold_name

SEARCH_ROWS = 60
"""How many rows may stand above the header."""

ALIASES: dict[str, tuple[str, ...]] = {
    "number": ("no", "nomor", "no urut", "nomor urut"),
    "nik": ("nik", "nik pemilik", "nik pengusaha", "no ktp", "nomor ktp", "no nik", "nomor nik", "nik ktp", "no ktp nik", "nomor induk kependudukan", "ktp"),
    "owner_name": ("nama pemilik", "nama pengusaha", "nama pelaku usaha", "nama pemilik usaha", "nama lengkap", "pemilik", "nama pelaku umkm", "nama umkm pemilik", "nama sesuai ktp", "nama", "pelaku usaha"),
    "business_name": ("nama usaha", "nama umkm", "nama usaha umkm", "nama toko", "nama merek usaha", "nama badan usaha", "nama perusahaan", "usaha", "merek usaha"),
    "phone": ("no hp wa", "no hp", "nomor hp", "hp", "kontak hp", "no telp", "no telepon", "telepon", "nomor telepon", "no wa", "whatsapp", "no hp whatsapp", "no telp hp", "no hp telp", "nomor hp wa", "kontak", "hp wa", "no handphone"),
    "email": ("email", "e mail", "surel", "alamat email"),
    "address": ("alamat usaha", "alamat", "alamat lengkap", "alamat tempat usaha", "lokasi usaha", "alamat pengusaha", "alamat jalan"),
    "kelurahan": ("kel usaha", "kelurahan usaha", "kelurahan", "desa kelurahan", "kelurahan desa", "kel", "desa", "kel pengusaha", "alamat kelurahan"),
    "kecamatan": ("kec usaha", "kecamatan usaha", "kecamatan", "kec", "kec pengusaha", "alamat kecamatan"),
    "sector": ("jenis usaha", "bidang usaha", "sektor", "sektor usaha", "kegiatan utama", "kategori usaha", "jenis bidang usaha", "jenis produk"),
    "kbli": ("kode kbli", "kbli"),
    "capital": ("modal sendiri", "modal", "modal usaha", "modal pendirian", "jumlah modal", "nilai modal"),
    "capital_outside": ("modal luar", "modal pinjaman"),
    "sales": ("omset tahun", "omzet tahun", "omset tahunan", "omzet tahunan", "omset per tahun", "omzet per tahun", "omset", "omzet", "penjualan tahunan", "hasil penjualan tahunan", "omset pertahun", "omzet pertahun"),
    "nib": ("nib", "no nib", "nomor nib", "nomor induk berusaha", "no induk berusaha"),
    "birth_date": ("tgl lahir", "tanggal lahir", "tgl lahir pemilik", "tanggal lahir pemilik", "tanggal lahir pengusaha"),
    "founded_year": ("tahun berdiri", "tahun mulai operasi", "thn berdiri", "tahun mulai usaha", "berdiri"),
    "reported_class": ("skala usaha", "kelas usaha", "kelas", "klasifikasi usaha", "skala"),
    "paid_men": ("tk dibayar laki",),
    "paid_women": ("tk dibayar perempuan",),
    "unpaid_men": ("tk not dibayar laki",),
    "unpaid_women": ("tk not dibayar perempuan",),
}  # fmt: skip
"""Field → folded column names, the preferred one first: where two columns carry a field, the earlier alias wins."""

FIELDS: tuple[str, ...] = tuple(ALIASES)
_NOISE_WORDS = frozenset({"rp", "rupiah", "wajib", "diisi"})


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns are. ``row`` is the first header row's number in the file, from 1."""

    row: int
    rows: int
    """1, or 2 where two rows make up the names."""
    columns: dict[str, int]
    """Field → column, from 0."""
    labels: tuple[str, ...]
    """The names as typed, column by column."""
    width: int = field(default=0)
    """Columns up to the last one that has a name."""

    def label(self, name: str) -> str:
        """Return the typed name of a field's column, for people."""
        column = self.columns.get(name)
        return self.labels[column] if column is not None and column < len(self.labels) else name


@cache
def _by_alias() -> dict[str, tuple[str, int]]:
    return {alias: (name, rank) for name, names in ALIASES.items() for rank, alias in enumerate(names)}


def fold_label(label: str) -> str:
    """Return a column name without case, signs, and what stands beside the name (``(Rp)``)."""
    words = fold_name(label).split()
    return " ".join(word for word in words if word not in _NOISE_WORDS)


def _columns(names: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return field → column; ``names`` holds for each column its folded names, best first."""
    best: dict[str, tuple[int, int]] = {}
    for column, candidates in enumerate(names):
        hit = next((_by_alias()[name] for name in candidates if name in _by_alias()), None)
        if hit is not None and (hit[0] not in best or hit[1] < best[hit[0]][0]):
            best[hit[0]] = (hit[1], column)
    return {name: column for name, (_, column) in best.items()}


def _suffices(columns: dict[str, int]) -> bool:
    return len(columns) >= 3 and "owner_name" in columns and ("business_name" in columns or "nik" in columns)


def _texts(row: Sequence[Cell]) -> list[str]:
    return [clean_text(text_of(cell)) for cell in row[:1024]]


def find_header(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """Return the header among the first rows of a file, or ``None``.

    The first row whose names suffice is it; if the row below adds names to it (merged headings such as MODAL over
    SENDIRI and LUAR, or OMSET over PER BULAN and PER TAHUN), both are. A row that repeats column numbers (1, 2, 3 …) below it is passed over by the reader.
    """
    texts = [_texts(row) for row in rows[:SEARCH_ROWS]]
    for index, row in enumerate(texts):
        below = texts[index + 1] if index + 1 < len(texts) else []
        header = _at(index + 1, row, below)
        if header is not None:
            return header
    return None


def _at(number: int, row: list[str], below: list[str]) -> Header | None:
    single = _columns([[fold_label(label)] for label in row])
    double = _columns(_combined(row, below)) if _may_be_header(below) else {}
    more = len(double) > len(single) or (len(double) == len(single) and _stands_over(row, below, double))
    if more and _suffices(double) and len(single) >= 2:
        labels = tuple(f"{a} {b}".strip() for a, b in _pairs(row, below))
        return Header(number, 2, double, labels, _width(labels))
    if _suffices(single):
        return Header(number, 1, single, tuple(row), _width(row))
    return None


def _stands_over(row: list[str], below: list[str], double: dict[str, int]) -> bool:
    """Tell whether a name over a group makes up a column's name with the one below it: OMSET over PER BULAN and PER TAHUN.

    By itself it would name the group's first column, which may be another thing.
    """
    pairs = _pairs(row, below)
    return any(
        all(pairs[column]) and _by_alias().get(fold_label(" ".join(pairs[column])), ("",))[0] == name
        for name, column in double.items()
    )


def _width(labels: Sequence[str]) -> int:
    return max((index + 1 for index, label in enumerate(labels) if label), default=0)


def _may_be_header(row: list[str]) -> bool:
    """Tell whether a row can be the second of a header: some words, no long run of digits."""
    filled = [text for text in row if text]
    return bool(filled) and not any(sum(sign.isdigit() for sign in text) > 3 for text in filled)


def _pairs(row: list[str], below: list[str]) -> list[tuple[str, str]]:
    """Return upper and lower name of each column; an upper name spans the empty cells to its right that have a lower one."""
    width = max(len(row), len(below))
    upper, pairs = "", []
    for column in range(width):
        top = row[column] if column < len(row) else ""
        low = below[column] if column < len(below) else ""
        upper = top or (upper if low else "")
        pairs.append((upper, low))
    return pairs


def _combined(row: list[str], below: list[str]) -> list[list[str]]:
    return [
        [name for name in (fold_label(f"{top} {low}"), fold_label(low), "" if low else fold_label(top)) if name]
        for top, low in _pairs(row, below)
    ]
