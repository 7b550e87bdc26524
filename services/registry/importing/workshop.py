"""What an import needs from its process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from services.registry.importing.brake import Brake
from services.registry.importing.turns import Turns
from shared.sealing import KeyRing

ResultT = TypeVar("ResultT")


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
    turns: Turns = field(default_factory=Turns)
    reader: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 1, "reading"))
    """The one thread that reads: each further one would keep the memory of the largest workbook that it ever held."""

    async def read(self, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Run a step of the reading of a file apart from the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.reader, function, *arguments)

    def go_on(self) -> None:
        """Raise ``StoppedError`` when the process stops."""
        if self.stop.is_set():
            raise StoppedError

    async def pause(self, seconds: float) -> None:
        """Wait, but not when the process stops. Raises ``StoppedError``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        self.go_on()
