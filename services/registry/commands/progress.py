"""What the registry can be told about how far a business has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.registry.commands import OnBusiness
from shared.contracts.progress import Aspect


@dataclass(frozen=True, slots=True)
class AssessBusiness(OnBusiness):
    """Score a business over the five aspects. ``method_version``: ``None`` is the newest."""

    assessment_id: UUID
    method_version: int | None
    scores: dict[Aspect, int]
    assessed_on: date


@dataclass(frozen=True, slots=True)
class RecordExportReadiness(OnBusiness):
    """Go through the checklist for export. An item that is not among ``met`` was not looked at."""

    readiness_id: UUID
    checklist_version: int | None
    """``None`` is the newest."""
    met: dict[str, bool | None]
    as_of: date
