"""Settings of the registry."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from shared.sealing import KeyRing
from shared.settings import PooledSettings

NAME = "registry"


class RegistrySettings(PooledSettings):
    """What the registry needs beside the usual."""

    key_encryption_key: SecretStr
    """Wraps owners' keys, and is stored nowhere: base64 of 32 bytes. Several, one a line: the first wraps, all open."""
    upload_dir: Path
    """Scratch space of imports."""
    tick_seconds: float = Field(default=30.0, gt=0, le=600)
    """How often the worker looks whether the pass of the day (00:30 WITA) is due."""

    @field_validator("key_encryption_key")
    @classmethod
    def _wraps(cls, value: SecretStr) -> SecretStr:
        KeyRing(value.get_secret_value())
        return value
