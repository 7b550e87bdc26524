"""Settings of the exhibitions."""

from __future__ import annotations

from pydantic import Field

from shared.settings import PooledSettings

NAME = "events"


class EventsSettings(PooledSettings):
    """What the exhibitions need beside the usual."""

    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for places that nobody confirmed in time."""
