"""Settings of the trainings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import ServiceSettings

NAME = "training"


class TrainingSettings(ServiceSettings):
    """What the trainings need beside the usual."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    public_url: str = Field(pattern=r"^https?://[^\s]+[^/\s]$")
    """Where people reach this service: it stands in the QR code of every certificate, followed by ``/sertifikat/<kode>``."""
    pool_size: int = Field(default=16, ge=2, le=100)
    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for offers that ran out and for deadlines that passed."""
