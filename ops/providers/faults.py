"""What a provider does with the next message, and how it tells receipts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One message is met with this."""

    SILENT = "silent"  # takes it and never answers
    CUT = "cut"  # takes it and closes the connection
    CUT_BEFORE = "cut_before"  # closes the connection without having taken it
    LIMITED = "limited"  # 429 with Retry-After
    LIMITED_BY_CODE = "limited_by_code"  # the provider's own way to say it
    PAIR_LIMITED = "pair_limited"  # too much to this recipient
    BROKEN = "broken"  # 500 in the provider's words
    BAD_GATEWAY = "bad_gateway"  # 502 of a proxy that lost the answer; the message was taken
    UNAVAILABLE = "unavailable"  # 503 of a proxy, with Retry-After
    REFUSED = "refused"  # this recipient, for good
    UNAUTHORISED = "unauthorised"


TAKES = frozenset({Fault.SILENT, Fault.CUT, Fault.BAD_GATEWAY})
"""The message is on its way all the same."""


@dataclass(slots=True)
class Manner:
    """How a provider behaves; a test changes it as it goes."""

    faults: deque[Fault | None] = field(default_factory=deque)
    """One for each message that comes, the first first; ``None``, and no more of them: all is well."""
    retry_after: int = 30
    """Seconds."""
    tells: tuple[str, ...] = ()
    """Receipts of each message, in the order of telling; in the provider's own words."""
    twice: bool = False
    early: bool = False
    """Receipts come before the answer."""
    repeats_reference: bool = True
    """Our reference stands in receipts."""
    unreachable: set[str] = field(default_factory=set)
    """Numbers that a message is taken for and does not reach: the receipt says so."""
    unreachable_end: str | None = None
    """The same for all numbers that end so."""

    def next_fault(self) -> Fault | None:
        """Return what the next message is met with."""
        return self.faults.popleft() if self.faults else None

    def reaches(self, number: str) -> bool:
        """Tell whether a message to this number arrives."""
        ended = self.unreachable_end is not None and number.endswith(self.unreachable_end)
        return not ended and number not in self.unreachable
