"""Settings of the registry."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings

NAME = "registry"


class RegistrySettings(ServiceSettings):
    """What the registry needs beside the usual."""

    key_encryption_key: SecretStr
    """Base64 of 32 bytes; wraps owners' keys, and is stored nowhere."""
    upload_dir: Path
    """Scratch space of imports."""
    pool_size: int = Field(default=16, ge=2, le=100)
    tick_seconds: float = Field(default=30.0, gt=0, le=600)
    """How often the worker looks whether the pass of the day (00:30 WITA) is due."""
