"""What a process of this service is told: what every process is, nothing more."""

from __future__ import annotations

from shared.settings import ServiceSettings

NAME = "projections"
POOL_SIZE = 6


class ProjectionsSettings(ServiceSettings):
    """Settings of API, worker and rebuild. A rebuild needs ``MIGRATION_DSN``: it makes tables and swaps their names."""
