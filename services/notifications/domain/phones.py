"""Which of an owner's numbers a message can reach. They are stored as E.164."""

from __future__ import annotations

import re
from collections.abc import Iterable

_E164 = re.compile(r"\+[1-9]\d{7,14}")


def reachable(phones: Iterable[str]) -> str | None:
    """Return the first number that takes messages: any but a landline of this country; ``None`` if there is none."""
    return next((phone for phone in phones if _E164.fullmatch(phone) and _is_mobile(phone)), None)


def _is_mobile(phone: str) -> bool:
    return not phone.startswith("+62") or phone.startswith("+628")
