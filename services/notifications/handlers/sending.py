"""The sender: claims what is due, asks for keys, sends, and writes down what became of each message.

Never twice: a claim is a row's state and its holder's name; the body goes out only after a conditional update says
that the claim still holds; from that moment on nobody but an operator may send the message again. A sender that dies
leaves its messages ``sending``; whoever looks next makes them ``queued``, or ``unknown`` if the body was going out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import random
from time import monotonic
from uuid import UUID

import stamina
import structlog

from services.notifications.domain.messages import Claimed, Priority, State, Suppression, decide
from services.notifications.domain.notices import RecipientKind
from services.notifications.domain.timing import QuietHours, Rate, RetrySchedule
from services.notifications.handlers.channels import Channel, ChannelAwayError, Delivery, Result
from services.notifications.handlers.composing import (
    Composer,
    NotComposedError,
    Surroundings,
    key_owners,
    look_around,
)
from services.notifications.handlers.recording import complete_waiting
from services.notifications.store import messages as store
from services.notifications.store.messages import Outcome
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.keys import Answer, KeyClient, KeysAwayError

BATCH = 20
BULK_BATCH = 5
"""Of announcements few at a time: a message that somebody waits for waits for what the sender has in hand."""
LEASE = timedelta(minutes=2)
IDLE_SECONDS = 0.5
RECOVER_SECONDS = 10.0
MAX_PAUSE_SECONDS = 60.0

log = structlog.get_logger(__name__)


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


class Pause:
    """Waiting that doubles while something is away, from one second to one minute."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.until = 0.0

    @property
    def over(self) -> bool:
        """Whether it may be tried again."""
        return monotonic() >= self.until

    def longer(self) -> timedelta:
        """Wait twice as long as last time and return how long."""
        self.seconds = min(max(1.0, self.seconds * 2), MAX_PAUSE_SECONDS)
        self.until = monotonic() + self.seconds
        return timedelta(seconds=self.seconds)

    def end(self) -> None:
        """It is back."""
        self.seconds = self.until = 0.0


class Sender:
    """One loop with its own connections. ``instance`` is the stable name of this copy of the worker."""

    def __init__(
        self,
        *,
        pool: Pool,
        keys: KeyClient,
        composer: Composer,
        channels: Mapping[str, Channel],
        rules: SendingRules,
        instance: str,
        life: str,
        number: int = 0,
    ) -> None:
        """``life`` tells this start of the instance from earlier ones; ``number`` the senders of one process."""
        self._pool = pool
        self._keys = keys
        self._composer = composer
        self._channels = channels
        self._rules = rules
        self._instance = instance.replace("/", "_")
        self._life = life
        self.name = f"{self._instance}/{life}/{number}"
        self._pauses = {"registry": Pause(), **{channel: Pause() for channel in channels}}
        self._recovered_at = float("-inf")
        self._read, self._read_at = datetime.min.replace(tzinfo=UTC), monotonic()
        self.problems: dict[str, str] = {}
        """What is away (``registry``, ``database``, a channel) and why, in codes."""
        self.progress_at = monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set; then finish the mail in hand and give back the others."""
        pause = Pause()
        while not stop.is_set():
            wait = IDLE_SECONDS
            try:
                wait = 0.0 if await self.round(stop) else IDLE_SECONDS
                pause.end()
                self.problems.pop("database", None)
            except SERVER_ERRORS as error:
                if not is_infrastructure_error(error):
                    raise
                self.problems["database"] = type(error).__name__
                wait = pause.longer().total_seconds()
                log.warning("sender_waits", away="database", error=type(error).__name__, seconds=wait)
            self.progress_at = monotonic()
            if wait:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await stop.wait()
        for channel in self._channels.values():
            await channel.close()

    async def round(self, stop: asyncio.Event) -> int:
        """Do once what is to do and return how many messages were taken in hand."""
        if self._rules.clock is None:
            self._read_at, self._read = monotonic(), await store.read_clock(self._pool)
        now = self._now()
        if monotonic() - self._recovered_at >= RECOVER_SECONDS:
            await self._recover(now)
        await complete_waiting(self._pool, self._rules.rates.keys(), now)
        taken = 0
        for channel in self._channels:
            if self._pauses[channel].over and self._pauses["registry"].over:
                claimed = await self._claim(channel, now)
                await self._process(channel, claimed, stop)
                taken += len(claimed)
        return taken

    def _now(self) -> datetime:
        """Return the time by the rules' clock, or by the database's as it was read at the beginning of the round."""
        if self._rules.clock is not None:
            return self._rules.clock()
        return self._read + timedelta(seconds=monotonic() - self._read_at)

    async def _recover(self, now: datetime) -> None:
        found = await store.recover(self._pool, now, self._instance, self._life)
        self._recovered_at = monotonic()
        if found:
            log.warning("messages_recovered", **found)

    async def _claim(self, channel: str, now: datetime) -> list[Claimed]:
        """Take in hand what is due, as far as the channel's rate allows; one sender at a time.

        Announcements only when nothing else is due, and never the last tokens.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            rate = self._rules.rates[channel]
            tokens = await store.take_tokens(connection, channel, rate, now)
            limits = {Priority.AWAITED: min(BATCH, int(tokens))}
            if not self._is_quiet(now):  # announcements are for owners only
                limits[Priority.BULK] = min(BULK_BATCH, int(tokens - rate.reserve))
            claimed: list[Claimed] = []
            for priority, limit in limits.items():
                if limit > 0 and not claimed:
                    claimed = await store.claim_due(
                        connection, channel, now, self._is_quiet(now), self.name, LEASE, limit, priority
                    )
            if claimed:
                await store.save_tokens(connection, channel, tokens - len(claimed), now)
        return claimed

    def _is_quiet(self, now: datetime) -> bool:
        return self._rules.quiet is not None and self._rules.quiet.holds(now)

    async def _process(self, channel: str, claimed: Sequence[Claimed], stop: asyncio.Event) -> None:
        if not claimed:
            return
        surroundings = await look_around(self._pool, claimed)
        wanted = [message for message in claimed if await self._is_wanted(message, surroundings)]
        keys = await self._fetch_keys(wanted, surroundings)
        if keys is None:
            return
        for index, message in enumerate(wanted):
            if stop.is_set() or (message.recipient_kind is RecipientKind.OWNER and self._is_quiet(self._now())):
                await self._give_back([message], None, timedelta())
                continue
            try:
                await self._send(channel, message, surroundings, keys)
            except ChannelAwayError as error:
                await self._note_away(channel, str(error), wanted[index:])
                return
            self._pauses[channel].end()
            self.problems.pop(channel, None)

    async def _is_wanted(self, message: Claimed, surroundings: Surroundings) -> bool:
        """Look again at consent, channel, topics and the announcement: they may have changed since it was queued."""
        if message.recipient_kind is RecipientKind.OFFICER:
            return True
        announced = surroundings.announcements.get(message.event_id)
        if announced is not None and announced.stopped:
            await self._settle(message, Outcome(State.SUPPRESSED, Suppression.ANNOUNCEMENT_CANCELLED, uncounted=True))
            return False
        recipient = surroundings.recipients[UUID(message.recipient_id)]
        decision = decide(recipient, self._rules.rates.keys(), announced.topic if announced else None)
        if decision.state is State.SUPPRESSED:
            await self._settle(message, Outcome(State.SUPPRESSED, decision.reason, uncounted=True))
        elif decision.channel != message.channel:
            await self._settle(message, Outcome(State.QUEUED, None, channel=decision.channel, uncounted=True))
        else:
            return True
        return False

    async def _fetch_keys(self, claimed: Sequence[Claimed], surroundings: Surroundings) -> Mapping[UUID, Answer] | None:
        """Return the keys of a batch in one request; ``None`` if the registry is away, and all is given back."""
        owners = key_owners(surroundings, claimed)
        try:
            keys = await self._keys.fetch(owners) if owners else {}
        except KeysAwayError as error:
            await self._note_away("registry", str(error), claimed)
            return None
        if owners:
            self._pauses["registry"].end()
            self.problems.pop("registry", None)
        return keys

    async def _note_away(self, what: str, why: str, claimed: Sequence[Claimed]) -> None:
        self.problems[what] = why
        wait = self._pauses[what].longer()
        log.warning("sender_waits", away=what, error=why, seconds=wait.total_seconds())
        await self._give_back(claimed, f"{what}_away", wait)

    async def _give_back(self, claimed: Sequence[Claimed], reason: str | None, wait: timedelta) -> None:
        due = self._now() + wait
        for message in claimed:
            await self._settle(message, Outcome(State.QUEUED, reason, next_attempt_at=due, uncounted=True))

    async def _send(
        self, channel: str, message: Claimed, surroundings: Surroundings, keys: Mapping[UUID, Answer]
    ) -> None:
        if message.attempt > self._rules.schedule.attempts:
            await self._settle(message, Outcome(State.FAILED, "gave_up"))
            return
        try:
            mail, address = self._composer.compose(message, surroundings, keys, self._now())
        except NotComposedError as error:
            retry = error.state is State.QUEUED
            await self._settle(
                message, self._retry(message, error.reason) if retry else Outcome(error.state, error.reason)
            )
            return

        async def hand_over() -> bool:
            return await store.hand_over(self._pool, message.id, self.name, self._now(), LEASE)

        delivery = await self._channels[channel].deliver(mail, address, hand_over)
        await self._settle(message, self._outcome(message, delivery, str(mail["Content-Language"])))

    def _retry(self, message: Claimed, reason: str | None) -> Outcome:
        delay = self._rules.schedule.delay(message.attempt, self._rules.chance())
        if delay is None:
            return Outcome(State.FAILED, f"gave_up_{reason}")
        return Outcome(State.QUEUED, reason, next_attempt_at=self._now() + delay)

    def _outcome(self, message: Claimed, delivery: Delivery, language: str) -> Outcome | None:
        match delivery.result:
            case Result.SENT:
                return Outcome(State.SENT, language=language)
            case Result.RETRY:
                return self._retry(message, delivery.reason)
            case Result.FAILED:
                return Outcome(State.FAILED, delivery.reason, language=language)
            case Result.UNKNOWN:
                return Outcome(State.UNKNOWN, delivery.reason, language=language)
            case Result.NOT_OURS:
                return None

    async def _settle(self, message: Claimed, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        settled = False
        # The outcome of a mail that is out already is worth more than one try: without it the mail becomes unknown.
        async for attempt in stamina.retry_context(on=is_infrastructure_error, attempts=6, timeout=30):
            with attempt:
                settled = await store.settle(self._pool, message.id, self.name, outcome, self._now())
        self.progress_at = monotonic()
        log.info(
            "message_settled" if settled else "message_not_ours",
            message_id=str(message.id),
            template=message.template,
            state=outcome.state.value,
            reason=outcome.reason,
            attempt=message.attempt,
        )
