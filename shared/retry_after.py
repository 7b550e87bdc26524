"""What another server asks for by ``Retry-After``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = timedelta(hours=24)


def pause_of(text: str | None, now: datetime) -> timedelta | None:
    """Return what ``Retry-After`` asks for (RFC 9110, 10.2.3: seconds, or a date), at most a day; ``None`` for anything else."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a number of any length is read as one, and then has no place in a date
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), LONGEST_PAUSE)
