"""One async function per command: load and lock, rule, save and outbox, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.registry.domain.models import Changed, Draft
from shared.contracts.fact import Fact
from shared.database import Connection
from shared.outbox import Cause, Change, append
from shared.sealing import seal

SOURCE = "/registry"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a command came to: the aggregate, and its version after it."""

    id: UUID
    version: int


def sealed_fact(draft: Draft, owner_id: UUID, key: bytes | None) -> Fact:
    """Return the fact with its personal part sealed under the owner's key."""
    fields = dict(draft.fields)
    if draft.personal is not None:
        if key is None:
            raise LookupError(f"{draft.fact.NAME} is personal, and there is no key to seal it under")
        fields["personal"] = seal(key, owner_id, draft.personal)
    return draft.fact.model_validate(fields)


async def publish(
    connection: Connection,
    drafts: Sequence[Draft],
    first: int,
    owner_id: UUID,
    key: bytes | None,
    cause: Cause,
    *changes: Change | None,
) -> None:
    """Store the facts of one aggregate in the outbox, numbered from ``first``, and what ``changes`` say of it."""
    facts = [(first + number, sealed_fact(draft, owner_id, key)) for number, draft in enumerate(drafts)]
    await append(connection, SOURCE, facts, cause, *changes)


async def publish_openly(
    connection: Connection, changed: Iterable[Changed[Any]], cause: Cause, change: Change | None = None
) -> int:
    """Store the facts of aggregates that hold nothing personal, and what ``change`` says of one; return how many facts."""
    facts: list[tuple[int, Fact]] = [
        (one.after.version - len(one.drafts) + place, draft.fact.model_validate(draft.fields))
        for one in changed
        for place, draft in enumerate(one.drafts, 1)
    ]
    await append(connection, SOURCE, facts, cause, change)
    return len(facts)
