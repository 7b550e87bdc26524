"""The checkpoint where it is kept: beside what the last audits came to, in the projections' database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from ops.audit.checkpoint import (
    Checkpoint,
    Ground,
    MovedError,
    RefusedError,
    opened,
    pack,
    seal_key,
    sealed,
    sealed_red,
)
from ops.audit.log import Log
from ops.audit.reading import Sources
from shared.broker import KafkaSettings
from shared.database import SERVER_ERRORS, connected

KEPT = "kept"
NONE = "no audit has left a checkpoint yet"


def now() -> str:
    """Return the time as a checkpoint tells it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


async def keep_whole(dsn: str, kafka: KafkaSettings, ground: Ground, sources: Sources, log: Log, events: int) -> str:
    """Keep what an audit of all services has proved, with what it stood on before it began; return whether it was kept."""
    heads = {topic: pack(seen.heads) for topic, seen in log.topics.items()}
    totals = sources.totals_of(heads)
    moment = now()
    checkpoint = Checkpoint(moment, moment, 0, events, ground, log.places, totals, sources.snapshots, heads)
    return await keep(dsn, kafka, checkpoint)


async def keep(dsn: str, kafka: KafkaSettings, checkpoint: Checkpoint) -> str:
    """Seal and keep a checkpoint; return whether it was kept, or why not: what an audit found is told all the same."""
    return await _put(dsn, lambda: sealed(seal_key(kafka, dsn), checkpoint))


async def keep_red(dsn: str, kafka: KafkaSettings, faults: int) -> str:
    """Leave, after an audit of the whole that found faults, nothing to continue from: what comes next would be green without them."""
    why = f"the last audit of the whole, at {now()}, found {faults:,} faults"
    said = await _put(dsn, lambda: sealed_red(seal_key(kafka, dsn), why))
    return "not kept: it found faults, and the next one reads all again" if said == KEPT else said


async def _put(dsn: str, seal_it: Callable[[], tuple[bytes, bytes]]) -> str:
    try:
        seal, body = seal_it()
        async with connected(dsn) as connection:
            await connection.execute("SELECT audit.keep_checkpoint($1, $2)", seal, body)
    except RefusedError as error:
        return f"not kept: {error}"
    except asyncpg.UndefinedFunctionError:
        return "not kept: the schema of projections is older than this release"
    except SERVER_ERRORS as error:
        return f"not kept: the database of projections did not take it ({type(error).__name__})"
    return KEPT


async def load(dsn: str, kafka: KafkaSettings) -> Checkpoint:
    """Return the checkpoint that is kept.

    Raises ``RefusedError`` if it is not to be believed, ``MovedError`` if there is none, the errors of the server.
    """
    async with connected(dsn) as connection:
        try:
            row = await connection.fetchrow("SELECT seal, body FROM audit.checkpoint")
        except asyncpg.UndefinedTableError:
            raise MovedError("the schema of projections is older than this release") from None
    if row is None:
        raise MovedError(NONE)
    return opened(seal_key(kafka, dsn), row["seal"], row["body"])


def one_further(checkpoint: Checkpoint, events: int, **proved: object) -> Checkpoint:
    """Return the checkpoint after an audit that continued from it; ``proved`` are its fields that changed."""
    return replace(checkpoint, at=now(), links=checkpoint.links + 1, events=checkpoint.events + events, **proved)  # type: ignore[arg-type]
