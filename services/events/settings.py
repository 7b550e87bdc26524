"""Settings of the exhibitions."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings

NAME = "events"


class EventsSettings(ServiceSettings):
    """What the exhibitions need beside the usual."""

    pool_size: int = Field(default=16, ge=2, le=100)
    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for places that nobody confirmed in time."""
