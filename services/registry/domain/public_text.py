"""Texts that everybody may read, and that therefore hold nothing by which a person could be reached or looked up. Pure."""

from __future__ import annotations

import re

from services.registry.domain.licensing_refusals import PublicTextError
from shared.masking import mask_text

_DIGITS_OF_ONE_NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){6,}")
"""Seven digits or more, with signs between them: a year or a house number is shorter, a landline is not."""


def check_public(what: str, text: str) -> None:
    """Raise ``PublicTextError`` for a text with a long run of digits, a phone number or an e-mail address."""
    if "@" in text or _DIGITS_OF_ONE_NUMBER.search(text) or mask_text(text) != text:
        raise PublicTextError(what)
