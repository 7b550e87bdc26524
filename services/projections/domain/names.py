"""What classes, statuses and sectors are called on a page, and how numbers and dates are written there."""

from __future__ import annotations

from datetime import date, datetime

from shared.wita import write_day, write_moment

CLASS_NAMES = {"mikro": "Mikro", "kecil": "Kecil", "menengah": "Menengah", "besar": "Besar (di luar program)"}
STATUS_NAMES = {
    "draf": "Draf",
    "diajukan": "Diajukan",
    "perlu_perbaikan": "Perlu perbaikan",
    "terverifikasi": "Terverifikasi",
    "nonaktif": "Nonaktif",
    "tutup": "Tutup",
    "ditolak": "Ditolak",
}
SOURCE_NAMES = {"impor": "Berkas kelurahan (impor)", "petugas": "Dicatat petugas"}
BASIS_NAMES = {"modal": "modal", "penjualan": "penjualan tahunan", "dilaporkan": "dilaporkan sendiri"}
FIELD_NAMES = {
    "owner_ids": "pemilik",
    "name": "nama usaha",
    "address": "alamat",
    "nib": "NIB",
    "kelurahan": "kelurahan",
    "sector": "bidang usaha",
    "kbli": "KBLI",
    "capital": "modal",
    "sales": "penjualan",
    "founded_year": "tahun berdiri",
    "flags": "tanda periksa",
}


def sector_name(code: str) -> str:
    """Return ``Makanan dan minuman`` for ``makanan_dan_minuman``."""
    return code.replace("_", " ").capitalize()


def number(value: int | None) -> str:
    """Return ``95.000`` for 95000; a dash for what is not known."""
    return "–" if value is None else f"{value:,}".replace(",", ".")


def day(value: date | None) -> str:
    """Return ``25 November 2026``; a dash for what is not known."""
    return "–" if value is None else write_day(value)


def moment(value: datetime | None) -> str:
    """Return ``25 November 2026 pukul 13.05 WITA`` for an aware instant; a dash for what is not known."""
    return "–" if value is None else write_moment(value)


def percent(part: int, whole: int) -> str:
    """Return ``12,5 %``; of nothing it is a dash."""
    return "–" if whole == 0 else f"{100 * part / whole:.1f} %".replace(".", ",")
