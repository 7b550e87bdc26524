"""What classes, statuses and sectors are called on a page, and how numbers and dates are written there."""

from __future__ import annotations

from datetime import date, datetime

from shared.wita import write_day, write_moment, write_number

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
LICENCE_NAMES = {
    "nib": "NIB",
    "p_irt": "P-IRT",
    "bpom": "Izin edar BPOM",
    "halal_pernyataan": "Pernyataan halal",
    "halal_sertifikat": "Sertifikat halal",
    "sni": "Sertifikat SNI",
    "laik_higiene": "Sertifikat laik higiene",
}
ASPECT_NAMES = {
    "produksi": "produksi",
    "sdm": "SDM",
    "kelembagaan": "kelembagaan",
    "pemasaran": "pemasaran",
    "keuangan": "keuangan",
}
EVIDENCE_NAMES = {
    "laporan_keuangan": "laporan keuangan",
    "spt_tahunan": "SPT tahunan",
    "neraca": "neraca",
    "oss": "data OSS",
    "survei_lapangan": "survei lapangan",
    "pernyataan_pemilik": "pernyataan pemilik",
}
CAUSE_NAMES = {
    "permintaan_peserta": "atas permintaan peserta",
    "permintaan_pemilik": "atas permintaan pemilik",
    "menolak_tawaran": "menolak tawaran",
    "tidak_memenuhi_syarat": "tidak memenuhi syarat",
    "angkatan_dibatalkan": "angkatan dibatalkan",
    "pameran_dibatalkan": "pameran dibatalkan",
    "pemilik_dihapus": "data pemilik dihapus",
    "usaha_tidak_aktif": "usaha tidak aktif",
    "usaha_tutup": "usaha tutup",
    "tidak_konfirmasi": "tidak mengonfirmasi",
    "nilai": "nilai belum cukup",
    "salah_data": "salah data",
    "kecurangan": "kecurangan",
    "dokumen_tidak_sesuai": "dokumen tidak sesuai",
    "nomor_tidak_ditemukan": "nomor tidak ditemukan",
    "dicabut_penerbit": "dicabut penerbit",
    "ditolak_djki": "ditolak DJKI",
    "dibatalkan": "dibatalkan",
    "selesai": "selesai",
    "lainnya": "alasan lain",
}
"""Why something ended, for all services; a test holds it against the causes in the contracts."""


def sector_name(code: str) -> str:
    """Return ``Makanan dan minuman`` for ``makanan_dan_minuman``."""
    return code.replace("_", " ").capitalize()


def number(value: int | None) -> str:
    """Return ``95.000`` for 95000; a dash for what is not known."""
    return "–" if value is None else write_number(value)


def day(value: date | None) -> str:
    """Return ``25 November 2026``; a dash for what is not known."""
    return "–" if value is None else write_day(value)


def told_day(value: str | None) -> str:
    """Return a day that a fact tells (ISO 8601) inside a sentence."""
    return day(date.fromisoformat(value)) if value else "tanggal yang tidak diketahui"


def moment(value: datetime | None) -> str:
    """Return ``25 November 2026 pukul 13.05 WITA`` for an aware instant; a dash for what is not known."""
    return "–" if value is None else write_moment(value)


def percent(part: int, whole: int) -> str:
    """Return ``12,5 %``; of nothing it is a dash."""
    return "–" if whole == 0 else f"{100 * part / whole:.1f} %".replace(".", ",")
