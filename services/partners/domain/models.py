"""What the partner service keeps: agreements with their texts, and what is known of the business that an event speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.partners.commands import Terms
from shared.contracts.fact import Fact
from shared.contracts.partnership import AgreementState, SuspensionCause


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement: the text that was signed, if one was, and the text that waits for signatures, if one does."""

    id: UUID
    version: int
    """Sequence of the last ``umkm.agreement`` fact of it."""
    agency: str
    state: AgreementState
    revision: int
    """Of the text that was signed by two; 0: none yet."""
    latest: int
    """Of the last text that was written."""
    terms: Terms | None
    draft: Terms | None
    signers: tuple[str, ...] = ()
    """Who has signed the draft."""
    cause: SuspensionCause | None = None
    """Why it is suspended or was ended."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of an agreement, with who wrote it and who signed it."""

    revision: int
    terms: Terms
    drafted_by: str
    drafted_at: datetime
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """An agreement after a deed, and the facts of it, numbered up to its version."""

    after: Agreement
    facts: Sequence[Fact] = ()


@dataclass(frozen=True, slots=True)
class Business:
    """A business as far as filters and reports ask, from the registry's facts alone."""

    owner_ids: tuple[UUID, ...]
    kelurahan: str
    sector: str
    kelas: str
    version: int


@dataclass(frozen=True, slots=True)
class Label:
    """Whom an event speaks of, and where that business was when the event was recorded. ``None``: it speaks of none."""

    business_id: UUID | None = None
    owner_ids: tuple[UUID, ...] = ()
    kelurahan: str | None = None
    sector: str | None = None
    kelas: str | None = None
