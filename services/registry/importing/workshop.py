"""What an import needs from its process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from services.registry.importing.brake import Brake
from shared.sealing import KeyRing


class StoppedError(Exception):
    """The process stops; the job goes on elsewhere, or here later."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What an import needs from its process."""

    pool: asyncpg.Pool
    ring: KeyRing
    holder: str
    """INSTANCE of this copy: holds the lease."""
    scratch: Path
    """Where a file lies while it is read."""
    stop: asyncio.Event
    brake: Brake = field(default_factory=Brake)

    async def pause(self, seconds: float) -> None:
        """Wait, but not when the process stops. Raises ``StoppedError``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
        if self.stop.is_set():
            raise StoppedError
