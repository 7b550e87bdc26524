"""Rules of assessments and of readiness for export. What was recorded is never changed; the next one is made."""

from __future__ import annotations

from services.registry.commands.progress import AssessBusiness, RecordExportReadiness
from services.registry.domain.businesses import KNOWN, require, step
from services.registry.domain.models import Business, BusinessChange
from services.registry.domain.progress_refusals import ScoresError, UnknownItemError, UnknownListError
from services.registry.reference.progress import LEVELS, Checklist, Method, find_checklist, find_method
from shared.contracts.progress import (
    Aspect,
    AspectScore,
    BusinessAssessed,
    BusinessExportReadinessRecorded,
    ChecklistItem,
)


def _method(version: int | None) -> Method:
    method = find_method(version)
    if method is None:
        raise UnknownListError("metode penilaian", version)
    return method


def _checklist(version: int | None) -> Checklist:
    checklist = find_checklist(version)
    if checklist is None:
        raise UnknownListError("daftar kesiapan ekspor", version)
    return checklist


def assess(business: Business, command: AssessBusiness, actor: str) -> BusinessChange:
    """Record an assessment: each aspect once, 1 to 5."""
    require(business, command.expected_version, "dinilai", KNOWN)
    method = _method(command.method_version)
    if set(command.scores) != set(Aspect) or not all(score in LEVELS for score in command.scores.values()):
        raise ScoresError(command.scores)
    more = {
        "assessment_id": command.assessment_id,
        "method": method.name,
        "method_version": method.version,
        "scores": tuple(AspectScore(aspect=aspect, score=command.scores[aspect]) for aspect in Aspect),
        "assessor": actor,
        "assessed_on": command.assessed_on,
    }
    return step(business, BusinessAssessed, more)


def record_export_readiness(business: Business, command: RecordExportReadiness) -> BusinessChange:
    """Record the whole checklist. Ready is who meets every item that is asked of the sector; not looked at is not met."""
    require(business, command.expected_version, "dicatat kesiapan ekspornya", KNOWN)
    checklist = _checklist(command.checklist_version)
    codes = [item.code for item in checklist.items]
    if unknown := sorted(set(command.met) - set(codes)):
        raise UnknownItemError(checklist.version, unknown, codes)
    asked = [item.code for item in checklist.items if item.asked_of(business.profile.sector)]
    more = {
        "checklist_version": checklist.version,
        "items": tuple(ChecklistItem(code=code, met=command.met.get(code)) for code in codes),
        "ready": all(command.met.get(code) is True for code in asked),
        "as_of": command.as_of,
    }
    return step(business, BusinessExportReadinessRecorded, more)
