"""What a rule's refusal is, in every service, and the two that all of them have; each names its own in its ``domain``."""

from __future__ import annotations


class DeedRefusedError(Exception):
    """A deed that a rule refuses. ``slug`` names the rule, ``title`` says it, the text speaks of this case, in Indonesian.

    ``values`` are what the rule compared, for the machine that reads the answer; nothing personal among them.
    """

    slug = "ditolak-aturan"
    title = "Ditolak oleh aturan"

    def __init__(self, text: str, **values: object) -> None:
        self.values = values
        super().__init__(text)


class NotFoundError(DeedRefusedError):
    """There is no such thing, or none that the caller may see; ``what`` is its Indonesian name, capitalised."""

    slug, title = "tidak-ditemukan", "Tidak ditemukan"

    def __init__(self, what: str, identity: object) -> None:
        super().__init__(f"{what} {identity} tidak ada.", id=str(identity))


class StaleVersionError(DeedRefusedError):
    """Somebody changed it since it was read."""

    slug, title = "versi-usang", "Data sudah berubah"

    def __init__(self, expected: int, current: int) -> None:
        self.expected, self.current = expected, current
        text = f"Versi {expected} sudah usang; versi sekarang {current}. Baca ulang, lalu kirim kembali."
        super().__init__(text, current=str(current))


def check_version(current: int, expected: int) -> None:
    """Raise ``StaleVersionError`` if somebody changed it since."""
    if current != expected:
        raise StaleVersionError(expected, current)
