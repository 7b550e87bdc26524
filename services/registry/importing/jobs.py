"""Import jobs: one file each, from upload to its last row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from services.registry.importing.rows import Result

RULES_VERSION = 2
"""Version of the cleaning rules. A file that was applied by the same rules is not applied again. Told by the worker that applies it."""
NO_RULES = 0
"""Of a job that no worker has had in hand: the API may be of another release than the worker."""

State = Literal["menunggu", "berjalan", "selesai", "ditolak", "gagal"]
OPEN_STATES = frozenset({"menunggu", "berjalan"})


@dataclass(slots=True)
class Job:
    """One import. ``state``: menunggu, berjalan, selesai, ditolak (the file), gagal (our fault)."""

    id: UUID
    version: int
    file_name: str
    sha256: str
    kelurahan: str
    own_only: bool
    dry_run: bool
    officer: str
    state: State
    reason_code: str | None
    reason: str | None
    repeats: UUID | None
    last_number: int
    counts: Counter[Result]
    fact_count: int
    labels: dict[str, str]
    attempts: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    def totals(self) -> dict[str, int]:
        """Return the totals; they add up to ``rows``."""
        return {"rows": self.counts.total(), **{result.value: self.counts[result] for result in Result}}


def job_of(row: asyncpg.Record, labels: dict[str, str]) -> Job:
    """Return the job in a row of ``import_job``."""
    counts = Counter({result: int(row[f"{result.value}_count"]) for result in Result})
    copied: dict[str, Any] = {name: row[name] for name in _COPIED}
    return Job(counts=counts, labels=labels, **copied)


_COPIED = (
    "id", "version", "file_name", "sha256", "kelurahan", "own_only", "dry_run", "officer", "state", "reason_code", "reason",
    "repeats", "last_number", "fact_count", "attempts", "created_at", "started_at", "completed_at",
)  # fmt: skip
