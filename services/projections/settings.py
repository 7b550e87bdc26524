"""What a process of this service is told: what every process is, and the API where the others are."""

from __future__ import annotations

import hmac

from pydantic import Field

from shared.settings import ServiceSettings

NAME = "projections"
POOL_SIZE = 6
_PROCESS = r"[a-z]+-(api|worker|relay)(-\d{1,3})?=[A-Za-z0-9.-]{1,253}:\d{1,5}"


class ProjectionsSettings(ServiceSettings):
    """Settings of API, worker and rebuild. A rebuild needs ``MIGRATION_DSN``: it makes tables and swaps their names."""

    platform: str = Field(default="", pattern=rf"^\s*({_PROCESS}([\s,]+{_PROCESS})*)?\s*$")
    """Where the processes of the platform answer inside the network, for the page of operations:
    ``registry-api=registry-api:8000,…``; empty: the page tells of no process."""

    def form_key(self) -> bytes:
        """Return the key that signs forms: the same in every copy, made of a secret that they share."""
        return hmac.digest(self.kafka_password.get_secret_value().encode(), b"naikkelas projections forms", "sha256")
