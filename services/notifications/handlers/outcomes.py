"""What an answer of a channel means for the message: sent, later again, on by another channel, failed. No input or output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain.messages import Claimed, State, Suppression
from services.notifications.domain.receipts import AttemptState, key_of
from services.notifications.domain.routes import Routes, fallback_reason
from services.notifications.domain.timing import RetrySchedule
from services.notifications.handlers.channels import Delivery, Result
from services.notifications.handlers.composing import NotComposedError
from services.notifications.store.messages import Ended, Outcome

TELLING = frozenset({"whatsapp", "sms"})
"""Channels whose provider tells later what became of a message."""
_ENDS = {
    Result.SENT: AttemptState.ACCEPTED,
    Result.RETRY: AttemptState.REFUSED,
    Result.FAILED: AttemptState.REFUSED,
    Result.UNKNOWN: AttemptState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The rules that a sender settles by. ``chosen`` is always the channel of the recipient's choice, ``None`` for officers."""

    schedule: RetrySchedule
    chance: Callable[[], float]
    routes: Routes

    def of_delivery(
        self, message: Claimed, chosen: str | None, delivery: Delivery, language: str, attempt: UUID, now: datetime
    ) -> Outcome | None:
        """Return what becomes of a message that was delivered in this way; ``None``: it is not ours any more."""
        if delivery.result is Result.NOT_OURS:
            return None
        key = key_of(message.channel, delivery.provider_id) if delivery.provider_id else None
        ended = Ended(attempt, _ENDS[delivery.result], delivery.reason, key)
        match delivery.result:
            case Result.SENT:
                keeps = message.channel in TELLING and self._next(message, chosen) is not None
                return Outcome(State.SENT, language=language, keeps_reason=keeps, ended=ended)
            case Result.UNKNOWN:
                return Outcome(State.UNKNOWN, delivery.reason, language=language, ended=ended)
            case Result.RETRY:
                return self._again(message, chosen, delivery.reason, now, delivery.retry_after, ended)
        return self._failed(
            message, chosen, Outcome(State.FAILED, delivery.reason, language=language, ended=ended), now
        )

    def of_refusal(self, message: Claimed, chosen: str | None, refusal: NotComposedError, now: datetime) -> Outcome:
        """Return what becomes of a message that could not be put together."""
        if refusal.state is State.QUEUED:
            return self._again(message, chosen, refusal.reason, now)
        outcome = Outcome(refusal.state, refusal.reason)
        return self._failed(message, chosen, outcome, now) if refusal.reason == Suppression.NO_ADDRESS else outcome

    def of_too_many(self, message: Claimed, chosen: str | None, now: datetime) -> Outcome:
        """Return what becomes of a message that was claimed once more than it may be tried."""
        return self._failed(message, chosen, Outcome(State.FAILED, "gave_up"), now)

    def _again(
        self,
        message: Claimed,
        chosen: str | None,
        reason: str | None,
        now: datetime,
        at_least: timedelta | None = None,
        ended: Ended | None = None,
    ) -> Outcome:
        delay = self.schedule.delay(message.attempt, self.chance())
        if delay is None:
            return self._failed(message, chosen, Outcome(State.FAILED, f"gave_up_{reason}", ended=ended), now)
        return Outcome(State.QUEUED, reason, next_attempt_at=now + max(delay, at_least or delay), ended=ended)

    def _failed(self, message: Claimed, chosen: str | None, outcome: Outcome, now: datetime) -> Outcome:
        """Return the outcome of a message whose channel failed for good: the next channel, or this end."""
        following = self._next(message, chosen)
        if following is None:
            return outcome
        return Outcome(
            State.QUEUED,
            fallback_reason(following, outcome.reason),
            next_attempt_at=now,
            channel=following,
            failed_channel=message.channel,
            ended=outcome.ended,
        )

    def _next(self, message: Claimed, chosen: str | None) -> str | None:
        return self.routes.next_channel(chosen, {*message.failed_channels, message.channel})
