"""Licences by kind: how their numbers are written, and how long they hold. Pure.

Sources: NIB 13 digits, as long as the business is run (PP 5/2021); P-IRT ``#############-YY`` for five years and one product
(Peraturan BPOM 22/2018); BPOM ``MD`` or ``ML`` and 12 digits. The others have no form that all issuers keep to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.contracts.licensing import LicenceKind


@dataclass(frozen=True, slots=True)
class LicenceForm:
    """How one kind is written and dated. ``shape`` and ``example`` are read by officers."""

    title: str
    pattern: re.Pattern[str]
    shape: str
    example: str
    spaced: bool = False
    """Spaces belong to the number; else they are what people type between digits."""
    runs_out: bool | None = None
    """``True``: must have a last day; ``False``: has none; ``None``: may have one."""
    most_years: int | None = None
    """The longest time from the first to the last day."""


_FREE = re.compile(r"(?=.*[0-9])[A-Z0-9][A-Z0-9 .:/-]{1,38}[A-Z0-9]")
_FREE_SHAPE = "3 sampai 40 huruf, angka, spasi, titik, titik dua, garis miring, atau tanda hubung, dengan paling sedikit satu angka"


def _free(title: str, example: str) -> LicenceForm:
    return LicenceForm(title, _FREE, _FREE_SHAPE, example, spaced=True)


LICENCE_FORMS: dict[LicenceKind, LicenceForm] = {
    LicenceKind.NIB: LicenceForm("NIB", re.compile(r"[0-9]{13}"), "13 angka", "0220001234567", runs_out=False),
    LicenceKind.P_IRT: LicenceForm(
        "P-IRT",
        re.compile(r"[0-9]{13}-[0-9]{2}"),
        "13 angka, tanda hubung, lalu 2 angka",
        "2063471010001-31",
        runs_out=True,
        most_years=5,
    ),
    LicenceKind.BPOM: LicenceForm("BPOM", re.compile(r"M[DL][0-9]{12}"), "MD atau ML dan 12 angka", "MD224510001001"),
    LicenceKind.HALAL_PERNYATAAN: _free("pernyataan halal", "PH-64710000001"),
    LicenceKind.HALAL_SERTIFIKAT: _free("sertifikat halal", "ID64110000000010000"),
    LicenceKind.SNI: _free("SNI", "SNI 8372:2018"),
    LicenceKind.LAIK_HIGIENE: _free("laik higiene", "440/123/SLHS/2026"),
}
