"""One async function per command: load and lock, rule, save and outbox, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from shared.refusals import NotFoundError

SOURCE = "/partners"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a command came to: what it changed, and its version after it."""

    id: UUID
    version: int


class OfAgency(Protocol):
    """Something that is one agency's."""

    @property
    def agency(self) -> str:
        """Whose it is."""


Owned = TypeVar("Owned", bound=OfAgency)


def owned_by(agency: str | None, found: Owned | None, noun: str, found_id: UUID) -> Owned:
    """Return what was found if ``agency`` may see it; ``None``: who may see all. Another's is as if it were not there.

    Raises ``NotFoundError`` with the ``noun`` that people know it by.
    """
    if found is None or agency not in {None, found.agency}:
        raise NotFoundError(noun, found_id)
    return found
