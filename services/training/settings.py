"""Settings of the trainings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import PooledSettings

NAME = "training"


class TrainingSettings(PooledSettings):
    """What the trainings need beside the usual."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    public_url: str = Field(pattern=r"^https?://[^\s]+[^/\s]$")
    """Where people reach this service: it stands in the QR code of every certificate, followed by ``/sertifikat/<kode>``."""
    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for offers that ran out and for deadlines that passed."""
