"""Settings of the partner service."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.sealing import KeyRing
from shared.settings import PooledSettings

NAME = "partners"


class PartnersSettings(PooledSettings):
    """What the partner service needs beside the usual."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    cursor_key: SecretStr
    """Signs cursors. Several, one a line: the first signs, all are accepted."""
    retention_days: int = Field(default=90, ge=1, le=3_650)
    """How long agencies may come back for an event. What was given to whom is kept for ever."""
    webhook_key: SecretStr
    """Wraps the secrets of webhooks: base64 of 32 bytes. Several, one a line: the first wraps, all open."""
    webhook_networks: str = ""
    """Networks inside which webhooks may go too, also by http: CIDRs, separated by commas. For agencies on the city's own network."""
    webhook_poll_seconds: float = Field(default=0.05, gt=0, le=5)
    """How often the worker looks for new events while it serves endpoints."""
    replay_rate: int = Field(default=50, ge=1, le=10_000)
    """Events a second of a replay for which nothing else is asked."""
    replay_rate_most: int = Field(default=200, ge=1, le=10_000)
    """Events a second of one replay at most, and of all replays that a worker posts together."""
    tick_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often the worker looks for agreements that begin or run out."""
    watch_seconds: float = Field(default=0.25, gt=0, le=2)
    """How often an API process looks for new events while agencies wait for some."""
    erasure_seconds: float = Field(default=5.0, gt=0, le=600)
    """How often a worker looks for agencies that must be told that an owner is erased."""
    kafka_seconds: float = Field(default=0.25, gt=0, le=2)
    """How often a worker looks for what is to be written into the topics of agencies."""

    def cursor_keys(self) -> tuple[bytes, ...]:
        """Return the keys of the cursors, the one that signs first."""
        return tuple(line.encode() for line in _lines(self.cursor_key))

    def webhook_keys(self) -> tuple[str, ...]:
        """Return the keys that wrap secrets of webhooks, the one that wraps new ones first."""
        return _lines(self.webhook_key)

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks inside which webhooks may go too."""
        return tuple(ip_network(word) for word in self.webhook_networks.replace(",", " ").split())

    @model_validator(mode="after")
    def _readable(self) -> Self:
        self.networks()
        keys = self.webhook_keys()
        if not keys:
            raise ValueError("WEBHOOK_KEY holds no key")
        for key in keys:
            _ring(key)
        return self


def _ring(key: str) -> None:
    """Refuse what wraps nothing, under the name of this setting."""
    try:
        KeyRing(key)
    except ValueError as error:
        raise ValueError(str(error).replace("KEY_ENCRYPTION_KEY", "WEBHOOK_KEY")) from None


def _lines(secret: SecretStr) -> tuple[str, ...]:
    return tuple(line.strip() for line in secret.get_secret_value().splitlines() if line.strip())
