"""Waiting for a condition that only another process, or the database, can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

EVERY_SECONDS = 0.05


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until ``condition`` holds. Raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(EVERY_SECONDS)
