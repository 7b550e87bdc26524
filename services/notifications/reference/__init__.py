"""Names of the kelurahan of Balikpapan, by their Kemendagri codes (``wilayah.csv``: 34 of them)."""

from __future__ import annotations

import csv
from pathlib import Path

_FILE = Path(__file__).parent / "wilayah.csv"


def load_kelurahan() -> dict[str, str]:
    """Read code to name, such as ``64.71.01.1001`` to ``Manggar``."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {row["kode"]: row["nama"] for row in csv.DictReader(file) if row["tingkat"] == "kelurahan"}
