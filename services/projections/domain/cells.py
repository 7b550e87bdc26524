"""The address that each number of the dashboard bears."""

from __future__ import annotations

from services.projections.domain.addresses import address
from services.projections.domain.counting import Dimension

_KEYS = {Dimension.CLASS: "kelas", Dimension.STATUS: "status", Dimension.SECTOR: "bidang", Dimension.SOURCE: "sumber"}
NAME = "district_dashboard"


def dashboard_cell(by: Dimension | None = None, code: str = "", number: str | None = None) -> str:
    """Return the address of one bucket, or of the whole; ``number`` if it is not that of the businesses."""
    if by is None:
        return address(NAME, angka=number)
    if by in _KEYS:
        return address(NAME, **{_KEYS[by]: code, "angka": number})
    return address(NAME, code, angka=number)


def class_cell(kecamatan: str | None, kelas: str) -> str:
    """Return the address of the businesses of one class, in a kecamatan or in all."""
    return address(NAME, kecamatan, kelas=kelas)


def naik_kelas_cell(year: int, number: str) -> str:
    """Return the address of the businesses, or of the steps (``kenaikan``), of a year."""
    return address("class_history", tahun=year, angka=number)
