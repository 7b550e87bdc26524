"""The sender: claims what is due, asks for keys, sends, and writes down what became of each message.

Never twice: a claim is a row's state and its holder's name; the body goes out only after a conditional update says
that the claim still holds; from that moment on nobody but an operator may send the message again. A sender that dies
leaves its messages ``sending``; whoever looks next makes them ``queued``, or ``unknown`` if the body was going out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import stamina
import structlog

from services.notifications.domain.deadlines import is_late
from services.notifications.domain.messages import Claimed, Priority, State, Suppression, decide
from services.notifications.domain.notices import RecipientKind
from services.notifications.domain.receipts import AttemptState
from services.notifications.domain.topics import stoppable_topic
from services.notifications.handlers.channels import Channel, ChannelAwayError, Result
from services.notifications.handlers.composing import (
    Composer,
    NotComposedError,
    Surroundings,
    key_owners,
    look_around,
)
from services.notifications.handlers.holding import why_over
from services.notifications.handlers.outcomes import Outcomes
from services.notifications.handlers.pacing import Pause, SendingRules
from services.notifications.handlers.receiving import take_early
from services.notifications.handlers.recording import complete_waiting
from services.notifications.settings import CHANNELS
from services.notifications.store import messages as store
from services.notifications.store.messages import Ended, Outcome
from services.notifications.store.receipts import lock_provider_key
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.identifiers import new_id
from shared.keys import Answer, KeyClient, KeysAwayError
from shared.metrics import Metrics
from shared.metrics.catalogue import MESSAGES
from shared.tracing import Attributes, Kind
from shared.tracing.telling import telling

BATCH = 20
BULK_BATCH = 5
"""Of announcements few at a time: a message that somebody waits for waits for what the sender has in hand."""
LEASE = timedelta(minutes=2)
IDLE_SECONDS = 0.5
RECOVER_SECONDS = 10.0
FORGET_SECONDS = 5.0
"""For so long nothing must be due before it is forgotten that something was away."""

log = structlog.get_logger(__name__)


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
        self._outcomes = Outcomes(rules.schedule, rules.chance, rules.routes)
        self._instance = instance.replace("/", "_")
        self._life = life
        self.name = f"{self._instance}/{life}/{number}"
        self._pauses = {"registry": Pause(), **{channel: Pause() for channel in channels}}
        self._recovered_at = float("-inf")
        self._read, self._read_at = datetime.min.replace(tzinfo=UTC), monotonic()
        self.problems: dict[str, str] = {}
        """What is away (``registry``, ``database``, a channel) and why, in codes."""
        self.metrics: Metrics | None = None
        """Where it counts outcomes, if somebody reads them."""
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
        await complete_waiting(self._pool, self._rules.routes, now)
        taken = 0
        for channel in self._channels:
            if self._pauses[channel].over and self._pauses["registry"].over:
                claimed = await self._claim(channel, now)
                await self._process(channel, claimed, stop)
                taken += len(claimed)
        if not taken:
            self._forget_problems()
        return taken

    def _forget_problems(self) -> None:
        """Say no more that something is away which nothing waits for: another sender may have sent all, and nobody would ever ask again."""
        for what, pause in self._pauses.items():
            if what in self.problems and pause.over_since(FORGET_SECONDS):
                del self.problems[what]

    def _now(self) -> datetime:
        """Return the time by the rules' clock, or by the database's as it was read at the beginning of the round."""
        if self._rules.clock is not None:
            return self._rules.clock()
        return self._read + timedelta(seconds=monotonic() - self._read_at)

    async def _recover(self, now: datetime) -> None:
        found = await store.recover(self._pool, now, self._instance, self._life)
        not_run = [name for name in CHANNELS if name not in self._channels]
        left = await store.leave_channels(self._pool, not_run, next(iter(self._channels)), now, self._instance)
        self._recovered_at = monotonic()
        if found:
            log.warning("messages_recovered", **found)
        if left:
            log.warning("messages_left_their_channel", messages=left, channels=list(self._channels))

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
        holding = await self._holding(claimed)
        wanted = [message for message in holding if await self._is_wanted(message, surroundings)]
        keys = await self._fetch_keys(wanted, surroundings)
        if keys is None:
            return
        for index, message in enumerate(wanted):
            if stop.is_set() or (message.recipient_kind is RecipientKind.OWNER and self._is_quiet(self._now())):
                await self._give_back([message], None, timedelta())
                continue
            attempt = new_id()
            try:
                await self._send(channel, message, surroundings, keys, attempt)
            except ChannelAwayError as error:
                refused = Ended(attempt, AttemptState.REFUSED, str(error))
                await self._note_away(channel, str(error), wanted[index:], error.retry_after, refused)
                return
            self._pauses[channel].end()
            self.problems.pop(channel, None)

    async def _holding(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Return those that are still to go out. The others are let go: what makes them untrue may have come while they were out."""
        over = await why_over(self._pool, claimed, self._now())
        for message in claimed:
            if message.id in over:
                await self._settle(message, Outcome(State.SUPPRESSED, over[message.id], uncounted=True))
        return [message for message in claimed if message.id not in over]

    async def _is_wanted(self, message: Claimed, surroundings: Surroundings) -> bool:
        """Look again at consent, channel, topics and the announcement: they may have changed since it was queued."""
        if message.recipient_kind is RecipientKind.OFFICER:
            return True
        announced = surroundings.announcements.get(message.event_id)
        if announced is not None and announced.stopped:
            await self._settle(message, Outcome(State.SUPPRESSED, Suppression.ANNOUNCEMENT_CANCELLED, uncounted=True))
            return False
        recipient = surroundings.recipients[UUID(message.recipient_id)]
        topic = announced.topic if announced else stoppable_topic(message.template)
        decision = decide(recipient, self._rules.routes, topic)
        if decision.state is State.SUPPRESSED:
            await self._settle(message, Outcome(State.SUPPRESSED, decision.reason, uncounted=True))
        else:
            return await self._is_on_its_channel(message, recipient.channel)
        return False

    async def _is_on_its_channel(self, message: Claimed, chosen: str | None) -> bool:
        """Tell whether the message goes by this channel; else move it to the one that it goes by now."""
        channel = self._rules.routes.next_channel(chosen, message.failed_channels)
        if channel == message.channel:
            return True
        if channel is None:
            await self._settle(message, Outcome(State.FAILED, "no_channel_left", uncounted=True))
        else:
            await self._settle(message, Outcome(State.QUEUED, None, channel=channel, uncounted=True))
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

    async def _note_away(
        self,
        what: str,
        why: str,
        claimed: Sequence[Claimed],
        retry_after: timedelta | None = None,
        refused: Ended | None = None,
    ) -> None:
        """Give all back. ``refused`` is the attempt at the first of them; what its provider asks for counts for all senders."""
        self.problems[what] = why
        wait = self._pauses[what].longer(retry_after)
        log.warning("sender_waits", away=what, error=why, seconds=wait.total_seconds())
        await self._give_back(claimed, f"{what}_away", wait, refused)
        if retry_after is not None:
            await store.close_channel(self._pool, what, self._now() + retry_after)

    async def _give_back(
        self, claimed: Sequence[Claimed], reason: str | None, wait: timedelta, refused: Ended | None = None
    ) -> None:
        due = self._now() + wait
        for message in claimed:
            outcome = Outcome(State.QUEUED, reason, next_attempt_at=due, uncounted=True, ended=refused)
            await self._settle(message, outcome)
            refused = None

    async def _send(
        self,
        channel: str,
        message: Claimed,
        surroundings: Surroundings,
        keys: Mapping[UUID, Answer],
        attempt: UUID,
    ) -> None:
        chosen = surroundings.chosen_by(message)
        if message.attempt > self._rules.schedule.attempts:
            await self._settle(message, self._outcomes.of_too_many(message, chosen, self._now()))
            return
        try:
            parcel = self._composer.compose(message, surroundings, keys, self._now())
        except NotComposedError as error:
            await self._settle(message, self._outcomes.of_refusal(message, chosen, error, self._now()))
            return

        async def hand_over() -> bool:
            now = self._now()
            handed = not is_late(message, now) and await store.hand_over(
                self._pool, message.id, self.name, now, LEASE, attempt
            )
            if not handed:
                await self._holding([message])
            return handed

        with telling(message.traceparent, f"send {channel}", Kind.CLIENT, partial(_described, message)) as told:
            delivery = await self._channels[channel].deliver(parcel, attempt, hand_over)
            sent = delivery.result is Result.SENT
            told.error = None if sent else delivery.reason or delivery.result.value
            outcome = self._outcomes.of_delivery(message, chosen, delivery, parcel.language, attempt, self._now())
            await self._settle(message, outcome)

    async def _settle(self, message: Claimed, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        settled = False
        # The outcome of a mail that is out already is worth more than one try: without it the mail becomes unknown.
        async for attempt in stamina.retry_context(on=is_infrastructure_error, attempts=6, timeout=30):
            with attempt:
                settled = await self._write(message, outcome)
        self.progress_at = monotonic()
        if settled and self.metrics is not None:
            self.metrics.add(MESSAGES, 1, message.channel, outcome.state.value)
        log.info(
            "message_settled" if settled else "message_not_ours",
            message_id=str(message.id),
            template=message.template,
            channel=message.channel,
            state=outcome.state.value,
            reason=outcome.reason,
            attempt=message.attempt,
        )

    async def _write(self, message: Claimed, outcome: Outcome) -> bool:
        """Write an outcome, and with the provider's id what was told under that id before."""
        ended = outcome.ended
        if ended is None or ended.provider_key is None:
            return await store.settle(self._pool, message.id, self.name, outcome, self._now())
        async with self._pool.acquire() as connection, connection.transaction():
            await lock_provider_key(connection, message.channel, ended.provider_key)
            settled = await store.settle(connection, message.id, self.name, outcome, self._now())
            found = (message.channel, ended.provider_key, ended.attempt_id, message.id)
            await take_early(connection, *found, self._rules.routes)
        return settled


def _described(message: Claimed) -> Attributes:
    """Return what the span of a sending says: codes and ids, never an address."""
    return {
        "naikkelas.message.id": str(message.id),
        "naikkelas.template": message.template,
        "naikkelas.attempt": message.attempt,
        "messaging.message.id": str(message.event_id),
    }
