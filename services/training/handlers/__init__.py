"""One async function per command: load and lock, rule, save and outbox, inside the caller's transaction.

Locks are taken in one order: owner, course, batch, certificate. Nobody who holds a batch asks for an owner or a course.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.training.domain.models import Certificate, Changed, Course, Enrolment
from shared.contracts.fact import Fact
from shared.database import Connection
from shared.outbox import Cause, Change, append, append_each

SOURCE = "/training"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a command came to: what it changed, and its version after it."""

    id: UUID
    version: int


AnyChanged = Changed[Course] | Changed[Enrolment] | Changed[Certificate]


def _numbered(item: AnyChanged) -> list[tuple[int, Fact]]:
    return [(item.after.version - len(item.facts) + place, fact) for place, fact in enumerate(item.facts, 1)]


async def publish(
    connection: Connection, changes: Sequence[AnyChanged], cause: Cause, *statements: Change | None
) -> None:
    """Store the facts of aggregates in the outbox, numbered by their versions, and run what stores the aggregates."""
    facts = [numbered for item in changes for numbered in _numbered(item)]
    await append(connection, SOURCE, facts, cause, *statements)


async def publish_each(
    connection: Connection, changes: Sequence[tuple[AnyChanged, Cause]], *statements: Change | None
) -> None:
    """Do the same for several commands in one transaction: each change has a cause of its own."""
    facts = [(sequence, fact, cause) for item, cause in changes for sequence, fact in _numbered(item)]
    await append_each(connection, SOURCE, facts, *statements)
