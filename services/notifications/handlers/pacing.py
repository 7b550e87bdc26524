"""What senders go by (rates, quiet hours, tries, stand-ins), and how long they wait for what is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random
from time import monotonic

from services.notifications.domain.routes import Routes
from services.notifications.domain.timing import QuietHours, Rate, RetrySchedule

MAX_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What all senders of a process share."""

    rates: Mapping[str, Rate]
    """Channel to rate; its keys are the channels that this service runs."""
    quiet: QuietHours | None
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    clock: Callable[[], datetime] | None = None
    """``None``: the database's, so that senders agree on what is due and a wrong clock of a machine moves nothing."""
    chance: Callable[[], float] = random
    fallback: tuple[str, ...] = ()
    """What comes after a channel here stands in for it when it is not run or has failed for good."""

    @property
    def routes(self) -> Routes:
        """By which channel a message goes."""
        return Routes(self.rates.keys(), self.fallback)


class Pause:
    """Waiting that doubles while something is away, from one second to one minute."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.until = 0.0

    @property
    def over(self) -> bool:
        """Whether it may be tried again."""
        return monotonic() >= self.until

    def over_since(self, seconds: float) -> bool:
        """Whether it might have been tried again for so long."""
        return monotonic() >= self.until + seconds

    def longer(self, at_least: timedelta | None = None) -> timedelta:
        """Wait twice as long as last time, or as long as is asked for, and return how long."""
        self.seconds = min(max(1.0, self.seconds * 2), MAX_PAUSE_SECONDS)
        wait = max(timedelta(seconds=self.seconds), at_least or timedelta())
        self.until = monotonic() + wait.total_seconds()
        return wait

    def end(self) -> None:
        """It is back."""
        self.seconds = self.until = 0.0
