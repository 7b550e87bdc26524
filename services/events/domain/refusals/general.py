"""What every refusal is, and those of every deed."""

from __future__ import annotations

from uuid import UUID

from shared.refusals import DeedRefusedError

SHOWN = 20
"""Of many ids an answer names so many."""


class RefusalError(DeedRefusedError):
    """A deed that a rule of the exhibitions or outlets refuses."""


class UnknownBusinessError(RefusalError):
    """The registry's facts have not told of this business or owner (yet)."""

    slug, title = "usaha-belum-dikenal", "Usaha atau pemilik belum dikenal"

    def __init__(self, what: str, identity: UUID) -> None:
        super().__init__(
            f"{what} {identity} belum dikenal di pameran; bila baru didaftarkan, coba lagi sebentar lagi.",
            id=str(identity),
        )
