"""When a message may go out: quiet hours in WITA, retries, and the rate of a channel. Time comes in as argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from shared.wita import WITA

_RANGE = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` (inclusive) to ``end`` (exclusive), local time of Balikpapan; may run over midnight.

    Owners are not written to then. Officers are: their digest answers something they have just done at work.
    """

    start: time
    end: time

    def holds(self, moment: datetime) -> bool:
        """Tell whether ``moment`` (aware) is in the quiet hours."""
        local = moment.astimezone(WITA).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def over_at(self, moment: datetime) -> datetime:
        """Return when owners may be written to: ``moment`` itself, or the end of the quiet hours that it is in."""
        if not self.holds(moment):
            return moment
        local = moment.astimezone(WITA)
        end = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        return end if end > local else end + timedelta(days=1)


def parse_quiet_hours(text: str) -> QuietHours | None:
    """Read ``21:00-07:00``; empty means none. Raises ``ValueError`` for anything else, or a range that is empty."""
    if not text.strip():
        return None
    found = _RANGE.match(text.strip())
    if found is None:
        raise ValueError("quiet hours are written as HH:MM-HH:MM, or left empty for none")
    hours = [int(part) for part in found.groups()]
    quiet = QuietHours(time(hours[0], hours[1]), time(hours[2], hours[3]))
    if quiet.start == quiet.end:
        raise ValueError("quiet hours begin and end at the same time: leave them empty for none")
    return quiet


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Exponential backoff with full jitter. After ``attempts`` tries a message has failed.

    Source: "Exponential Backoff And Jitter", AWS architecture blog; full jitter spreads best.
    """

    base: timedelta = timedelta(minutes=1)
    cap: timedelta = timedelta(hours=2)
    attempts: int = 12

    def delay(self, attempt: int, chance: float) -> timedelta | None:
        """Return how long to wait after the given try (from 1), or ``None`` to give up.

        ``chance`` is a random number from 0 to 1; the wait is between a second and the bound of this try.
        """
        if attempt >= self.attempts:
            return None
        bound = min(self.base * (1 << min(attempt - 1, 20)), self.cap)
        return max(bound * chance, timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages per minute of a channel, and how many may go at once after a pause."""

    per_minute: int

    @property
    def burst(self) -> float:
        """Ten seconds' worth, at least one."""
        return max(1.0, self.per_minute / 6)

    @property
    def reserve(self) -> float:
        """What announcements leave in the bucket, so that a message somebody waits for finds a token: a fifth of a burst."""
        return self.burst / 5 if self.burst >= 2 else 0.0

    def refilled(self, tokens: float, elapsed: timedelta) -> float:
        """Return the tokens after ``elapsed``; a clock that went back adds nothing."""
        gained = max(elapsed.total_seconds(), 0.0) * self.per_minute / 60
        return min(self.burst, tokens + gained)
