"""What every refusal is, and those of every deed."""

from __future__ import annotations

from uuid import UUID

from shared.refusals import DeedRefusedError

SHOWN = 20
"""Of many ids an answer names so many."""


class RefusalError(DeedRefusedError):
    """A deed that a rule of the exhibitions or outlets refuses."""


class NotFoundError(RefusalError):
    """There is no such exhibition, booth, wave, application, outlet, turn or member."""

    slug, title = "tidak-ditemukan", "Tidak ditemukan"

    def __init__(self, what: str, identity: object) -> None:
        super().__init__(f"{what} {identity} tidak ada.", id=str(identity))


class UnknownBusinessError(RefusalError):
    """The registry's facts have not told of this business or owner (yet)."""

    slug, title = "usaha-belum-dikenal", "Usaha atau pemilik belum dikenal"

    def __init__(self, what: str, identity: UUID) -> None:
        super().__init__(
            f"{what} {identity} belum dikenal di pameran; bila baru didaftarkan, coba lagi sebentar lagi.",
            id=str(identity),
        )


class StaleVersionError(RefusalError):
    """Somebody changed it since it was read."""

    slug, title = "versi-usang", "Data sudah berubah"

    def __init__(self, expected: int, current: int) -> None:
        text = f"Versi {expected} sudah usang; versi sekarang {current}. Baca ulang, lalu kirim kembali."
        super().__init__(text, current=str(current))
