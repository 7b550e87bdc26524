"""Sectors as the office counts them: a closed list, because a sector is public and free text may name people. Pure."""

from __future__ import annotations

from functools import cache

from services.registry.reference.names import fold_name

UNKNOWN_SECTOR = "tidak_diketahui"
OTHER_SECTOR = "lainnya"

_WORDS: dict[str, tuple[str, ...]] = {
    "kuliner": ("kuliner", "makanan", "minuman", "makan", "warung makan", "kue", "katering", "catering", "oleh oleh", "food", "fnb", "f b", "restoran", "kafe", "cafe", "amplang", "mantau"),
    "perdagangan": ("perdagangan", "dagang", "toko", "kelontong", "sembako", "retail", "ritel", "eceran", "kios"),
    "jasa": ("jasa", "service", "servis", "laundry", "salon", "bengkel", "reparasi", "pangkas", "sewa", "fotokopi"),
    "kriya": ("kriya", "kerajinan", "craft", "handicraft", "anyaman", "souvenir", "suvenir"),
    "fesyen": ("fesyen", "fashion", "busana", "konveksi", "jahit", "penjahit", "batik", "pakaian"),
    "pertanian": ("pertanian", "perkebunan", "kebun", "tani", "tanaman"),
    "perikanan": ("perikanan", "nelayan", "ikan", "tambak", "budidaya ikan"),
    "peternakan": ("peternakan", "ternak", "unggas"),
    "industri": ("industri", "pengolahan", "manufaktur", "mebel", "meubel", "furnitur", "percetakan", "produksi"),
    "konstruksi": ("konstruksi", "bangunan", "kontraktor"),
    "transportasi": ("transportasi", "angkutan", "ojek", "logistik", "travel", "ekspedisi"),
    "pariwisata": ("pariwisata", "wisata", "penginapan", "homestay"),
    "kesehatan": ("kesehatan", "kecantikan", "apotek", "jamu", "pijat"),
    "pendidikan": ("pendidikan", "kursus", "les", "bimbel"),
    "digital": ("digital", "teknologi", "komputer", "aplikasi", "desain", "konten"),
}  # fmt: skip

SECTORS: tuple[str, ...] = (*_WORDS, OTHER_SECTOR, UNKNOWN_SECTOR)
"""Every value that a sector can have."""


@cache
def _by_word() -> dict[str, str]:
    return {word: sector for sector, words in _WORDS.items() for word in words}


def match_sector(text: str) -> str:
    """Return the sector that ``text`` speaks of: the whole text, else its first known word.

    Empty text is ``tidak_diketahui``; text that fits none is ``lainnya``.
    """
    folded = fold_name(text)
    if not any(sign.isalpha() for sign in folded):
        return UNKNOWN_SECTOR
    words = _by_word()
    if folded in words:
        return words[folded]
    return next((words[word] for word in folded.split() if word in words), OTHER_SECTOR)
