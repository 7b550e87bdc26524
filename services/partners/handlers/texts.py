"""Texts of agreements, each read once: a text is never changed, only which of them counts."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.partners.commands import Terms
from services.partners.domain.showing import types_of
from services.partners.store import agreements
from shared.database import Pool

Key = tuple[UUID, int]
"""Agreement and revision."""
MOST = 1_000
"""Texts that are kept in memory."""


class Text:
    """A text, with what was worked out of it already."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._types: dict[str, list[str]] = {}

    def types(self, stream: str) -> list[str]:
        """Return the types of a stream of which it grants something."""
        found = self._types.get(stream)
        if found is None:
            found = self._types[stream] = types_of(self.terms, stream)
        return found


class Texts:
    """The texts that a process has read. That one is here says nothing of whether it counts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[Key, Text] = {}

    async def load(self, keys: Collection[Key]) -> dict[Key, Text]:
        """Return texts; one that there is not is left out."""
        missing = {key for key in keys if key not in self._known}
        if missing:
            if len(self._known) + len(missing) > MOST:
                self._known.clear()
                missing = set(keys)
            found = await agreements.load_terms(self._pool, missing)
            self._known |= {key: Text(terms) for key, terms in found.items()}
        return {key: self._known[key] for key in keys if key in self._known}
