"""Text of people made safe for a header or a body: they typed it, or somebody pasted it."""

from __future__ import annotations

import unicodedata

SUBJECT_LENGTH = 150
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _kept(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"} and character not in _DIRECTION


def one_line(text: str, length: int | None = None) -> str:
    """Return ``text`` as one line: every run of white space one space, no control or direction signs.

    What is longer than ``length`` characters is cut and ends with an ellipsis.
    """
    spaced = "".join(character if _kept(character) else " " for character in text)
    line = " ".join(spaced.split())
    return line if length is None or len(line) <= length else line[: length - 1].rstrip() + "…"


def lines(text: str) -> str:
    """Return ``text`` with its line breaks, at most one blank line in a row, and no control or direction signs."""
    cleaned = [one_line(line) for line in text.splitlines()]
    kept = [line for index, line in enumerate(cleaned) if line or (index and cleaned[index - 1])]
    return "\n".join(kept).strip()
