"""Requirements as data: which values a kind takes, whom they keep out, and who comes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from services.training.domain.models import Applicant
from services.training.domain.refusals import RequirementsNotMetError, RequirementValuesError
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import Requirement, RequirementKind

K = RequirementKind
_KELURAHAN = re.compile(r"64\.71\.\d{2}\.\d{4}")
FIRST, LATER = 0, 1


def _is_class(value: str) -> bool:
    return value in set(BusinessClass) - {BusinessClass.TIDAK_DIKETAHUI}


def _is_kelurahan(value: str) -> bool:
    return _KELURAHAN.fullmatch(value) is not None


_TAKES: dict[RequirementKind, Callable[[str], bool]] = {K.KELAS: _is_class, K.KELURAHAN: _is_kelurahan}
"""Kinds that take values, one or more of this form; all others take none."""


def check_requirements(requirements: Iterable[Requirement]) -> None:
    """Raise ``RequirementValuesError`` for values that a kind does not take, or for a kind that stands twice."""
    seen: set[RequirementKind] = set()
    for requirement in requirements:
        takes = _TAKES.get(requirement.kind)
        fits = not requirement.values if takes is None else _all_fit(requirement.values, takes)
        if not fits or requirement.kind in seen:
            raise RequirementValuesError(requirement.kind, requirement.values)
        seen.add(requirement.kind)


def _all_fit(values: tuple[str, ...], takes: Callable[[str], bool]) -> bool:
    return bool(values) and len(set(values)) == len(values) and all(takes(value) for value in values)


def needs_nib(requirements: Iterable[Requirement]) -> bool:
    """Tell whether somebody has to look for a NIB, which stands sealed."""
    return any(requirement.kind is K.PUNYA_NIB for requirement in requirements)


def _unmet(requirement: Requirement, applicant: Applicant) -> str | None:
    """Return in Indonesian why the applicant does not meet a requirement, or ``None``."""
    values = ", ".join(requirement.values)
    match requirement.kind:
        case K.PUNYA_NIB if not applicant.has_nib:
            return "usaha belum memiliki NIB"
        case K.TERVERIFIKASI if applicant.status is not BusinessStatus.TERVERIFIKASI:
            return f"usaha belum terverifikasi (status {applicant.status})"
        case K.KELAS if applicant.kelas not in requirement.values:
            return f"kelas usaha {applicant.kelas}, yang diterima: {values}"
        case K.KELURAHAN if applicant.kelurahan not in requirement.values:
            return f"kelurahan usaha {applicant.kelurahan}, yang diterima: {values}"
        case K.SEKALI_SETAHUN if applicant.this_year:
            return "pemilik sudah mengikuti program ini pada tahun yang sama"
    return None


def check_applicant(requirements: Iterable[Requirement], applicant: Applicant) -> None:
    """Raise ``RequirementsNotMetError`` that names every requirement which is not met."""
    found = {item.kind.value: why for item in requirements if (why := _unmet(item, applicant)) is not None}
    if found:
        raise RequirementsNotMetError(found)


def priority_of(requirements: Iterable[Requirement], applicant: Applicant) -> int:
    """Return 0 for who comes first and 1 for who comes later: the unserved first, where the course says so."""
    prefers = any(requirement.kind is K.UTAMAKAN_BELUM_DILAYANI for requirement in requirements)
    return LATER if prefers and applicant.served else FIRST
