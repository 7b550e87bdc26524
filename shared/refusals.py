"""What a rule's refusal is, in every service; each names its own in its ``domain``."""

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
