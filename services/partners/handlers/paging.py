"""Pages of a stream for an agency: which events pass its text, and what it sees of each. The feed and webhooks alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.partners.commands import Terms
from services.partners.domain.labels import stream_of
from services.partners.domain.showing import contract_of, passes, show, shown_fields
from services.partners.handlers.opening import open_parts
from services.partners.store.events import Kept
from shared.database import Pool
from shared.keys import KeyClient


def choose(found: Sequence[Kept], terms: Terms, limit: int, upto: int) -> tuple[list[Kept], int]:
    """Return what passes a text, so many at most, and the position up to which everything was looked at."""
    kept = [item for item in found if passes(item.event.meta.type, item.label, terms)]
    return (kept, upto) if len(kept) <= limit else (kept[:limit], kept[limit - 1].position)


async def shape(
    pool: Pool, keys: KeyClient, terms: Terms, kept: Sequence[Kept]
) -> tuple[dict[int, dict[str, Any]], tuple[int, ...]]:
    """Return what an agency sees of events, by position, and the positions whose personal part is granted but withheld.

    Raises ``KeysAwayError``.
    """
    opened, withheld = await open_parts(pool, keys, terms, kept)
    shown = {item.position: show(item.event, item.label, terms, opened.get(item.position)) for item in kept}
    return {position: event for position, event in shown.items() if event is not None}, withheld


def types_of(terms: Terms, stream: str) -> list[str]:
    """Return the types of a stream of which a text grants something."""
    found = []
    for grant in terms.grants:
        fact = contract_of(grant.type)
        if fact is not None and stream_of(fact.TOPIC) == stream and shown_fields(grant.type, terms):
            found.append(grant.type)
    return found
