"""Handing owners' keys to services at the moment of use; every asking is noted with its purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from services.registry.store import owners as store
from shared.database import Connection
from shared.sealing import KeyRing

KeyAnswer = bytes | Literal["erased", "unknown"]


async def resolve_keys(
    connection: Connection, ring: KeyRing, owner_ids: Sequence[UUID], purpose: str, actor: str
) -> dict[UUID, KeyAnswer]:
    """Return for each owner the key, or why there is none, and note the asking."""
    wrapped = await store.resolve_keys(connection, owner_ids)
    answers = {owner_id: _answer(ring, owner_id, wrapped) for owner_id in dict.fromkeys(owner_ids)}
    erased = sum(1 for answer in answers.values() if answer == "erased")
    unknown = sum(1 for answer in answers.values() if answer == "unknown")
    counts = (len(answers) - erased - unknown, erased, unknown)
    await store.log_key_access(connection, actor, purpose, list(answers), counts)
    return answers


def _answer(ring: KeyRing, owner_id: UUID, wrapped: dict[UUID, bytes | None]) -> KeyAnswer:
    if owner_id not in wrapped:
        return "unknown"
    found = wrapped[owner_id]
    return "erased" if found is None else ring.unwrap(owner_id, found)
