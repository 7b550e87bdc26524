"""Facts that ``services/registry`` publishes of how far a business has come: assessments, readiness for export.

They are facts about the business, in its topic and in its numbering.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.privacy import AGENCY, PUBLIC
from shared.contracts.registry import BusinessFact


class Aspect(StrEnum):
    """The five aspects that an assessment scores and a mentor works on."""

    PRODUKSI = "produksi"
    SDM = "sdm"
    KELEMBAGAAN = "kelembagaan"
    PEMASARAN = "pemasaran"
    KEUANGAN = "keuangan"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AspectScore(_Part):
    """The level of one aspect: 1 (just begun) to 5 (ready for large buyers)."""

    aspect: Annotated[Aspect, AGENCY]
    score: Annotated[int, AGENCY]


class ChecklistItem(_Part):
    """One item of a checklist; ``None`` is not looked at yet, never no."""

    code: Annotated[str, AGENCY]
    met: Annotated[bool | None, AGENCY] = None


class BusinessAssessed(BusinessFact):
    """The business was assessed over the five aspects. Assessments are never changed; the next one is made."""

    NAME: ClassVar[str] = "business.assessed"
    assessment_id: Annotated[UUID, AGENCY]
    method: Annotated[str, AGENCY]
    method_version: Annotated[int, AGENCY]
    scores: Annotated[tuple[AspectScore, ...], AGENCY]
    """Each aspect once."""
    assessor: Annotated[str, AGENCY]
    """The ``sub`` of who assessed."""
    assessed_on: Annotated[date, PUBLIC]


class BusinessExportReadinessRecorded(BusinessFact):
    """The checklist for export was gone through; it is whole, with the version of the list."""

    NAME: ClassVar[str] = "business.export_readiness_recorded"
    checklist_version: Annotated[int, AGENCY]
    items: Annotated[tuple[ChecklistItem, ...], AGENCY]
    ready: Annotated[bool, PUBLIC]
    """Every item that this version of the list asks for is met."""
    as_of: Annotated[date, PUBLIC]
