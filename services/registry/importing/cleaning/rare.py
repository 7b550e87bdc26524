"""Columns that few files have: founding year, workers, KBLI, e-mail, reported class. Pure."""

from __future__ import annotations

import re
from datetime import date

from services.registry.importing.cleaning.text import Cell, clean_text, is_empty, text_of
from services.registry.reference.kbli import KbliVersion, kbli_version_of
from services.registry.reference.names import fold_name
from shared.contracts.registry import BusinessClass

_EMAIL = re.compile(r"[^@\s,;]{1,64}@[^@\s,;]+\.[^@\s.,;]{2,}")


def check_year(cell: Cell, today: date) -> tuple[int | None, str | None]:
    """Return the founding year and ``None``, or ``None`` and the code."""
    typed = clean_text(text_of(cell))
    if is_empty(typed) or typed == "0":
        return None, None
    digits = typed.removesuffix(".0")[:4] if re.fullmatch(r"\d{4}(?:\.0|-\d\d-\d\d)?", typed, re.ASCII) else ""
    if digits and 1900 <= int(digits) <= today.year:
        return int(digits), None
    return None, "TAHUN_TIDAK_SAH"


def check_workers(cell: Cell) -> tuple[int | None, str | None]:
    """Return a number of workers and ``None``, or ``None`` and the code."""
    typed = clean_text(text_of(cell)).removesuffix(".0").removesuffix(" orang")
    if is_empty(typed):
        return None, None
    if typed.isascii() and typed.isdigit() and len(typed) <= 5:
        return int(typed), None
    return None, "TENAGA_KERJA_TIDAK_SAH"


def check_kbli(cell: Cell) -> tuple[tuple[KbliVersion, str] | None, str | None]:
    """Return the list and the code of KBLI and ``None``, or ``None`` and the code."""
    typed = clean_text(text_of(cell)).removesuffix(".0")
    if is_empty(typed):
        return None, None
    if re.fullmatch(r"\d{5}", typed, re.ASCII) is None:
        return None, "KBLI_TIDAK_DIKENAL"
    version = kbli_version_of(typed)
    if version is None:
        return None, "KBLI_VERSI_TIDAK_JELAS"
    return (version, typed), None


def check_email(cell: Cell) -> tuple[str | None, str | None]:
    """Return the address as typed and ``None``, or ``None`` and the code."""
    typed = clean_text(text_of(cell))
    if is_empty(typed):
        return None, None
    return (typed, None) if len(typed) <= 254 and _EMAIL.fullmatch(typed) else (None, "EMAIL_TIDAK_SAH")


def check_reported_class(cell: Cell) -> tuple[BusinessClass | None, str | None]:
    """Return the class that the row claims, if it is one."""
    words = fold_name(text_of(cell)).removeprefix("usaha ")
    return next((kelas for kelas in BusinessClass if kelas.value == words), None), None
