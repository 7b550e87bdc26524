"""What an operator can ask of this service: rebuild a projection, or go back to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNNAMED = "operator"
"""Who asked, where nobody says who."""


class Projection(StrEnum):
    """The read models; the value is the name of the live table."""

    DISTRICT_DASHBOARD = "district_dashboard"
    BUSINESS_TIMELINE = "business_timeline"
    CLASS_HISTORY = "class_history"
    CLASS_FUNNEL = "class_funnel"
    JOBS = "jobs"
    SERVICE_TIMELINE = "service_timeline"
    TRAINING_OUTCOME = "training_outcome"
    EXHIBITION_TURNOVER = "exhibition_turnover"
    MENTORING_ACTIVITY = "mentoring_activity"

    @property
    def standby(self) -> str:
        """The name of the table of the other generation."""
        return f"{self.value}_standby"

    @property
    def consumer(self) -> str:
        """The name that the positions of the other generation are kept under."""
        return f"projections@{self.value}"


@dataclass(frozen=True, slots=True)
class RebuildProjections:
    """Build a new generation from the beginning of the log, beside live traffic."""

    projections: tuple[Projection, ...]
    swap: bool = True
    """Put it in the place of the live one when it has caught up."""
    accept_differences: bool = False
    """Swap although rows differ from the live ones: wanted after a rule was mended, never otherwise."""
    actor: str = UNNAMED
    """Who asked for it, for the trail."""


@dataclass(frozen=True, slots=True)
class RollBackProjections:
    """Bring the generation before up to date and put it back in its place."""

    projections: tuple[Projection, ...]
    actor: str = UNNAMED
