"""Names of the places of Balikpapan, by their Kemendagri codes (``wilayah.csv``: 6 kecamatan, 34 kelurahan)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "TIDAK_DIKETAHUI"
_FILE = Path(__file__).parent / "wilayah.csv"
_KECAMATAN_LENGTH = len("64.71.01")


@dataclass(frozen=True, slots=True)
class Places:
    """Code to name. Both mappings keep the order of the codes."""

    kecamatan: dict[str, str]
    kelurahan: dict[str, str]

    def name(self, code: str) -> str:
        """Return ``Manggar, Balikpapan Timur`` for a kelurahan; the code itself if it is no known place."""
        if code == UNKNOWN:
            return "tempat yang tidak diketahui"
        kelurahan = self.kelurahan.get(code)
        if kelurahan is None:
            return self.kecamatan.get(code, code)
        return f"{kelurahan}, {self.kecamatan[kecamatan_of(code)]}"


def kecamatan_of(code: str) -> str:
    """Return the code of the kecamatan that a kelurahan's code begins with; unknown stays unknown."""
    return code if code == UNKNOWN else code[:_KECAMATAN_LENGTH]


def load_places() -> Places:
    """Read the places from the file that ships with the service."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Places(
        kecamatan={row["kode"]: row["nama"] for row in rows if row["tingkat"] == "kecamatan"},
        kelurahan={row["kode"]: row["nama"] for row in rows if row["tingkat"] == "kelurahan"},
    )
