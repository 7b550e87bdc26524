"""Looks that every process has: at itself, at its pool, at the outbox of its database."""

from __future__ import annotations

import resource
from pathlib import Path
from time import time

from shared.database import Pool
from shared.metrics.catalogue import (
    CPU_SECONDS,
    MEMORY,
    OUTBOX_AGE,
    OUTBOX_DEPTH,
    POOL_CONNECTIONS,
    POOL_LIMIT,
    SPANS,
    STARTED,
)
from shared.metrics.holding import Figure, Look, Metrics
from shared.outbox import outbox_backlog
from shared.tracing import active

_PAGE = resource.getpagesize()
_STATM = Path("/proc/self/statm")


def process_look() -> Look:
    """Return the look at this process: processor, memory (where the system tells), start."""
    began = time()

    async def look() -> list[Figure]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        found: list[Figure] = [(CPU_SECONDS, (), used.ru_utime + used.ru_stime), (STARTED, (), began)]
        if (held := _memory()) is not None:
            found.append((MEMORY, (), held))
        return found

    return look


def _memory() -> int | None:
    """Return the bytes that this process holds; ``None`` where the system does not tell (only Linux does)."""
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE if _STATM.exists() else None


def pool_look(pool: Pool) -> Look:
    """Return the look at a pool of connections."""

    async def look() -> list[Figure]:
        size, idle = pool.get_size(), pool.get_idle_size()
        return [
            (POOL_CONNECTIONS, ("used",), size - idle),
            (POOL_CONNECTIONS, ("idle",), idle),
            (POOL_LIMIT, (), pool.get_max_size()),
        ]

    return look


def outbox_look(pool: Pool) -> Look:
    """Return the look at the outbox of a database."""

    async def look() -> list[Figure]:
        backlog = await outbox_backlog(pool)
        return [(OUTBOX_DEPTH, (), backlog.depth), (OUTBOX_AGE, (), backlog.oldest_seconds)]

    return look


def traces_look() -> Look:
    """Return the look at what became of the spans of this process; without traces it sees nothing."""

    async def look() -> list[Figure]:
        tracer = active()
        return [] if tracer is None else [(SPANS, (name,), count) for name, count in tracer.figures().items()]

    return look


def process_metrics() -> Metrics:
    """Return the figures of a process that has counted nothing yet, with the look at itself."""
    metrics = Metrics()
    metrics.look("process", process_look())
    metrics.look("traces", traces_look())
    return metrics
