"""The consumer process around the layer: FastStream subscribers, retries of the infrastructure, draining, health.

FastStream's own policies lose or spin (docs/decisions/0002): so every subscriber is a batch of raw bytes with
``NACK_ON_ERROR``, whose handler raises for infrastructure errors only, after waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import asyncpg
import structlog
from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLScram512

from shared.broker import METADATA_MS, AuthorityFileError, KafkaSettings, broker_cause
from shared.consumer.applying import Apply, Definition, apply_records
from shared.consumer.assigning import Agreement
from shared.consumer.measuring import CountedMessage, Measures, lag_figures, parked_figures
from shared.consumer.records import KafkaRecord
from shared.consumer.redrive import redrive_requested
from shared.database import is_infrastructure_error
from shared.envelope import Read, read_fact
from shared.metrics import Metrics, catalogue
from shared.metrics.holding import Figure

MAX_RECORDS = 2000
BATCH_WAIT_MS = 100
DRAIN_SECONDS = 10.0
MAX_DELAY_SECONDS = 5.0
SESSION_TIMEOUT_MS = 10_000
MAX_POLL_INTERVAL_MS = 300_000
REDRIVE_SECONDS = 1.0
LOOK_SECONDS = 2.0
LOST_SECONDS = 10.0
"""After so long without any broker a new client is made."""
LEAVE_SECONDS = 3.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gather:
    """How long the broker gathers records before it answers: until there are so many bytes, or for so long."""

    least_bytes: int
    wait_ms: int


AT_ONCE = Gather(1, 250)
"""Each record when it comes: for who tells somebody of it.

Where nothing comes the broker answers four times a second. Each answer goes through all partitions on both sides: at
twenty a second three idle consumers took 5 % of a core from the broker and 4 % for themselves.
"""
IN_STEPS = Gather(512 * 1024, 250)
"""In larger steps, which cost less for each record: for who keeps a copy that somebody may look at a moment later."""


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets the batch in hand end before its partitions go to somebody else, and notes what is assigned."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Any) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._consumer.idle.wait()
        self._consumer.assigned = frozenset()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self._consumer.assigned = frozenset((place.topic, place.partition) for place in assigned)
        self._consumer.joined = True
        if (measures := self._consumer.measures) is not None:
            measures.rebalanced()


class Consumer:
    """One consumer of one service: applies the facts of its topics exactly once in effect.

    ``apply(connection, events)`` writes the effects of a batch, inside the layer's transaction; it must be a function
    of its arguments alone, because a batch may be applied again after a roll-back, whole or in parts. ``read`` makes a fact
    of a record's type and value, and may read only what ``apply`` looks at (``shared.lean``).
    """

    def __init__(
        self,
        *,
        name: str,
        topics: Sequence[str],
        types: frozenset[str],
        apply: Apply,
        pool: asyncpg.Pool,
        kafka: KafkaSettings,
        instance: str,
        read: Read = read_fact,
        gather: Gather = AT_ONCE,
    ) -> None:
        self.definition = Definition(name, types, apply, read)
        self.topics = tuple(topics)
        self._pool = pool
        self._kafka = kafka
        self._instance = instance
        self._gather = gather
        self._delay = 0.0
        self.idle = asyncio.Event()
        self.idle.set()
        self.assigned: frozenset[tuple[str, int]] = frozenset()
        self.joined = False
        self.problem: str | None = "starting"
        """What keeps it from applying, or ``None``."""
        self.redrive_problem: str | None = None
        """What keeps it from doing what operators ask for, or ``None``: a fault that neither waiting nor another server mends."""
        self._redriving: asyncio.Task[None] | None = None
        self.progress_at = monotonic()
        """When a batch was last applied, or a try to reach the servers last came round."""
        self.applied = 0
        """Events applied since the start."""
        self.broker: KafkaBroker | None = None
        self.agreement = Agreement()
        """What the partitions in hand were dealt of."""
        self.measures: Measures | None = None
        """Where it counts, once ``measure`` was called."""

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; then let the batch in hand end and commit it."""
        redriving = self._redriving = asyncio.create_task(self._redrive_loop(stop))
        try:
            while (broker := await self._start_broker(stop)) is not None:
                await self._until_lost(stop)
                await self._stop_broker(broker)
        finally:
            self._redriving = None
            redriving.cancel()
            await asyncio.wait([redriving])

    async def _start_broker(self, stop: asyncio.Event) -> KafkaBroker | None:
        """Connect and join, for as long as it takes."""
        delay = 0.2
        while not stop.is_set():
            broker: KafkaBroker | None = None
            try:
                broker = self.make_broker()
                await broker.start()
            except (KafkaError, OSError, TimeoutError) as error:
                self._waits("broker")
                detail = str(error) if isinstance(error, AuthorityFileError) else None
                log.warning("consumer_waits", away="broker", error=type(error).__name__, detail=detail, seconds=delay)
                if broker is not None:
                    await broker.stop()
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await stop.wait()
                delay = min(delay * 2, MAX_DELAY_SECONDS)
                continue
            self.problem, self.broker = None, broker
            return broker
        return None

    async def _until_lost(self, stop: asyncio.Event) -> None:
        """Return when ``stop`` is set, or when the brokers that are known have been away for so long that others may serve.

        The client asks only brokers that it knows for the way to others: where all of them got other addresses, it would
        look for them at the old ones for ever. A new client begins with those of the settings.
        """
        lost_at: float | None = None
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
            cause = None if stop.is_set() else await self.broker_cause()
            self._look_for_partitions()
            lost_at = None if cause is None else lost_at or monotonic()
            if lost_at is not None and monotonic() - lost_at > LOST_SECONDS:
                log.warning("consumer_connects_anew", consumer=self.definition.name, reason=cause)
                return

    def _look_for_partitions(self) -> None:
        """Ask for a new assignment where a topic has more partitions than were dealt."""
        consumer = self._aiokafka()
        if consumer is None or not self.joined:
            return
        now = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in self.topics}
        if self.agreement.outgrown(now):
            log.info(
                "consumer_asks_for_partitions", consumer=self.definition.name, dealt=self.agreement.counts, now=now
            )
            consumer._coordinator.request_rejoin()

    async def _stop_broker(self, broker: KafkaBroker) -> None:
        """Let the batch in hand end and leave the group; who cannot say goodbye to a dead broker leaves without."""
        leaving = asyncio.create_task(broker.stop())
        await asyncio.wait([leaving], timeout=DRAIN_SECONDS + LEAVE_SECONDS)
        leaving.cancel()
        await asyncio.wait([leaving])
        # Without a broker the client's own tasks end as cancelled, or with its error: both mean that it is gone.
        if leaving.cancelled() or leaving.exception() is not None:
            log.warning("consumer_left", consumer=self.definition.name, goodbye=False)
        self.broker, self.joined, self.assigned = None, False, frozenset()
        self.problem, self.progress_at = "broker", monotonic()

    def make_broker(self) -> KafkaBroker:
        """Return a FastStream broker, not started, with this consumer's one subscriber."""
        self.agreement = Agreement()
        broker = KafkaBroker(
            self._kafka.bootstrap.split(","),  # the framework takes a text for one address
            security=_security(self._kafka),
            client_id=f"{self.definition.name}-{self._instance}",
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_MS,
            graceful_timeout=DRAIN_SECONDS,
            apply_types=False,
            logger=None,
        )
        subscriber = broker.subscriber(
            *self.topics,
            batch=True,
            group_id=self.definition.name,
            group_instance_id=f"{self.definition.name}-{self._instance}",
            max_records=MAX_RECORDS,
            batch_timeout_ms=BATCH_WAIT_MS,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
            partition_assignment_strategy=(self.agreement.assignor(),),
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            fetch_min_bytes=self._gather.least_bytes,
            fetch_max_wait_ms=self._gather.wait_ms,
            max_partition_fetch_bytes=1024 * 1024,
            listener=_Drain(self),
        )

        async def parse(message: tuple[KafkaRecord, ...]) -> CountedMessage:
            # The framework's parser fails on a null or non-UTF-8 header, and what it cannot parse it loses.
            return CountedMessage(message, subscriber.consumer, self.measures)

        async def decode(message: CountedMessage) -> Any:
            return message.raw_message

        subscriber(self.handle, parser=parse, decoder=decode)
        return broker

    async def handle(self, records: Any) -> None:
        """Apply one batch, a sequence of ``KafkaRecord``.

        Raises for infrastructure errors, after a growing wait: then the batch is read again.
        """
        self.idle.clear()
        measures, began = self.measures, monotonic()
        try:
            applied = await apply_records(
                self._pool, self.definition, records, None if measures is None else measures.settled
            )
        except Exception as error:
            await self._hold_back(error)
            raise
        finally:
            self.idle.set()
        self._delay, self.problem, self.progress_at = 0.0, None, monotonic()
        self.applied += applied
        if measures is not None:
            measures.batch(len(records), self.progress_at - began)

    def _waits(self, away: str) -> None:
        """Note that it waits, and for what."""
        self.problem, self.progress_at = away, monotonic()
        if self.measures is not None:
            self.measures.failed(away)

    async def _hold_back(self, error: Exception) -> None:
        """Wait before the batch is read again, for as long as it takes; far below ``max_poll_interval_ms``."""
        known = is_infrastructure_error(error)
        self._waits("database" if known else type(error).__name__)
        self._delay = min(max(0.1, self._delay * 2), MAX_DELAY_SECONDS)
        log.log(
            30 if known else 40,
            "consumer_waits",
            consumer=self.definition.name,
            away=self.problem,
            error=type(error).__name__,
            seconds=self._delay,
            exc_info=not known,
        )
        await asyncio.sleep(self._delay)

    async def _redrive_loop(self, stop: asyncio.Event) -> None:
        delay = REDRIVE_SECONDS
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await stop.wait()
            delay = await self._redrive(delay)

    async def _redrive(self, waited: float) -> float:
        """Do what operators asked for, and return when to look again.

        Whatever it fails of is told and tried again: nobody else looks, and what is asked for would stay undone in silence.
        """
        problem = None
        try:
            applied = await redrive_requested(self._pool, self.definition)
            if self.measures is not None:
                self.measures.redriven(applied)
        except Exception as error:
            # Of a database that is away the batches tell; and whose events an owner of the partition applied first, are looked at again.
            if not is_infrastructure_error(error) and not isinstance(error, asyncpg.UniqueViolationError):
                problem = type(error).__name__
                log.exception("redrive_waits", consumer=self.definition.name, error=problem, seconds=waited)
        self.redrive_problem = problem
        return REDRIVE_SECONDS if problem is None else min(waited * 2, MAX_DELAY_SECONDS)

    def measure(self, metrics: Metrics) -> None:
        """Count in ``metrics`` from now on, and let it look at what stands now. Raises ``ValueError`` the second time."""
        name = self.definition.name

        async def partitions() -> list[Figure]:
            return [(catalogue.ASSIGNED, (name,), len(self.assigned))]

        async def parked() -> list[Figure]:
            return await parked_figures(self._pool, name)

        async def lag() -> list[Figure]:
            client = self._aiokafka()
            return [] if client is None else await lag_figures(client, name)

        for what, look in {"partitions": partitions, "parked": parked, "lag": lag}.items():
            metrics.look(f"{name}.{what}", look)
        self.measures = Measures(metrics, name, self.definition.types)

    def positions_lag(self) -> int | None:
        """Return how many records are fetched or waiting on the assigned partitions; ``None`` if not known."""
        consumer = self._aiokafka()
        if consumer is None or not self.assigned:
            return None
        total = 0
        for place in consumer.assignment():
            high = consumer.highwater(place)
            state = consumer._subscription.subscription.assignment.state_value(place)
            if high is None or state is None or not state.has_valid_position:
                return None
            total += max(0, high - state.position)
        return total

    async def broker_cause(self) -> str | None:
        """Ask the broker whether it is there, and return why not; a consumer that has not started knows nothing."""
        consumer = self._aiokafka()
        return None if consumer is None else await broker_cause(consumer._client)

    def _aiokafka(self) -> Any:
        if self.broker is None or not self.broker.subscribers:
            return None
        return self.broker.subscribers[0].consumer  # type: ignore[attr-defined]

    def tasks_alive(self) -> bool:
        """Tell whether the subscriber's consuming task still runs, and that of the redrives was not ended by an error."""
        redriving = self._redriving
        if redriving is not None and redriving.done() and (redriving.cancelled() or redriving.exception() is not None):
            return False
        if self.broker is None:
            return True
        return all(
            any(not task.done() for task in subscriber.tasks)  # type: ignore[attr-defined]
            for subscriber in self.broker.subscribers
        )


def _security(kafka: KafkaSettings) -> BaseSecurity | None:
    client = kafka.client()
    context = client.get("ssl_context")
    if kafka.security_protocol.startswith("SASL_"):
        return SASLScram512(kafka.username, kafka.password, ssl_context=context, use_ssl=context is not None)
    return BaseSecurity(ssl_context=context, use_ssl=True) if context is not None else None
