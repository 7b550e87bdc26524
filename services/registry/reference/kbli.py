"""KBLI, the classification of business fields: two lists in force side by side, told apart by their version.

The 2025 list (Peraturan BPS 7/2025) re-used codes of 2020 with other meanings, so a code alone names nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from services.registry.reference.places import read_table

KbliVersion = Literal["2020", "2025"]


@cache
def kbli_titles(version: KbliVersion) -> dict[str, str]:
    """Return five-digit code → title. Titles of 2020 may be cut."""
    title = "judul" if version == "2025" else "judul_mungkin_terpotong"
    return {row["kode"]: row[title] for row in read_table(f"kbli{version}_5digit.csv")}


def is_kbli(version: KbliVersion, code: str) -> bool:
    """Tell whether ``code`` stands in the list of ``version``."""
    return code in kbli_titles(version)


def kbli_version_of(code: str) -> KbliVersion | None:
    """Return the one version that a bare code can be of, or ``None`` if it stands in no list, or in both with different titles.

    Where both lists give it the same title it is taken as of 2025, the list in force.
    """
    new, old = kbli_titles("2025").get(code), kbli_titles("2020").get(code)
    if new is not None and old is not None:
        return "2025" if new.startswith(old) else None
    if new is not None:
        return "2025"
    return "2020" if old is not None else None
