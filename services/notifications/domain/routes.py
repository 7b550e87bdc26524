"""By which channel an owner is told when the one that they chose is not run, or fails for good. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Routes:
    """The channels that this service runs, and in which order one stands in for another."""

    available: AbstractSet[str]
    order: tuple[str, ...] = ()
    """What comes after a channel here is tried when it is not run or has failed for good; one that is not here has no stand-in."""

    def next_channel(self, chosen: str | None, failed: Collection[str]) -> str | None:
        """Return the channel for an owner who chose ``chosen``, when ``failed`` are done with; ``None``: none is left."""
        if chosen is None:
            return None
        after = self.order[self.order.index(chosen) + 1 :] if chosen in self.order else ()
        open_channels = (name for name in (chosen, *after) if name in self.available and name not in failed)
        return next(open_channels, None)

    def by_choice(self) -> Mapping[str, str]:
        """Return by each channel that an owner may have chosen the one that is asked first; who chose another is not told."""
        found = {chosen: self.next_channel(chosen, ()) for chosen in {*self.available, *self.order}}
        return {chosen: first for chosen, first in sorted(found.items()) if first is not None}


def fallback_reason(channel: str, why: str | None) -> str:
    """Return the code of a message that goes on by ``channel`` because the one before failed for good."""
    return f"fallback_to_{channel}_{why}" if why else f"fallback_to_{channel}"
