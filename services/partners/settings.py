"""Settings of the partner service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class PartnersSettings(ServiceSettings):
    """What the partner service needs beside the usual."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    cursor_key: SecretStr
    """Signs cursors. Several, one a line: the first signs, all are accepted."""
    retention_days: int = Field(default=90, ge=1, le=3_650)
    """How long agencies may come back for an event. What was given to whom is kept for ever."""
    pool_size: int = Field(default=16, ge=2, le=100)
    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for agreements that begin or run out."""
    watch_seconds: float = Field(default=0.25, gt=0, le=2)
    """How often an API process looks for new events while agencies wait for some."""
    kafka_seconds: float = Field(default=0.25, gt=0, le=2)
    """How often a worker looks for what is to be written into the topics of agencies."""

    def cursor_keys(self) -> tuple[bytes, ...]:
        """Return the keys of the cursors, the one that signs first."""
        lines = self.cursor_key.get_secret_value().splitlines()
        return tuple(line.strip().encode() for line in lines if line.strip())
