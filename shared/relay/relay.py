"""The loop that ties locks, reading and publishing together, and survives the loss of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic, time_ns

import asyncpg
import structlog

from shared.broker import KafkaSettings
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.envelope import SCHEMA_BASE
from shared.metrics import Metrics, catalogue
from shared.relay.leadership import SHARDS, Leadership
from shared.relay.publishing import BrokerAwayError, Publisher, Wave
from shared.relay.reading import PLANS, Cursor, Round, rounds
from shared.relay.tracing import tell_published

BUSY_SECONDS = 0.005
IDLE_SECONDS = 0.1
BALANCE_SECONDS = 2.0
FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 5.0
RETENTION = timedelta(days=7)
HOUSEKEEPING_SECONDS = 3600.0
COPIES_KEY = 7422
READ_SECONDS = 100
"""A read that takes longer is given up: while it lasts the loop does not come round, and it counts as stuck after two minutes."""
FROZEN_SECONDS = 60
"""A relay whose connection of the locks says nothing for so long is frozen: the server ends it, and others take its shards. One that
waits, however long, says something three times as often (``Leadership.speaking``)."""

log = structlog.get_logger(__name__)


async def connect_for_locks(dsn: str, instance: str) -> asyncpg.Connection:
    """Open the connection that holds a relay's locks and stores its cursor. Raises what asyncpg raises."""
    settings = {
        "application_name": f"relay {instance}",  # by which `naikkelas relay status` knows who holds what
        # A cursor that a crash of the database takes back is published again; no commit needs to wait for the disk for that.
        "synchronous_commit": "off",
        "idle_session_timeout": f"{FROZEN_SECONDS}s",
        "transaction_timeout": f"{FROZEN_SECONDS}s",
    }
    return await asyncpg.connect(dsn, timeout=10, command_timeout=30, server_settings=settings)


class Relay:
    """Publishes one service's outbox until ``stop`` is set. Any number of processes may run at once."""

    def __init__(
        self,
        dsn: str,
        kafka: KafkaSettings,
        instance: str,
        retention: timedelta = RETENTION,
        schemas: str = SCHEMA_BASE,
        metrics: Metrics | None = None,
    ) -> None:
        self._dsn = dsn
        self._instance = instance
        self._metrics = metrics
        self._publisher = Publisher(kafka, f"relay-{instance}", schemas)
        self._retention = retention
        self._wake = asyncio.Event()
        self._pause = BUSY_SECONDS
        self._delay = FIRST_DELAY_SECONDS
        self._balanced_at = 0.0
        self._kept_at = 0.0
        self.published = 0
        """Rows acknowledged by the broker since the start."""
        self.shards = 0
        """Shards owned now."""
        self.problem: str | None = "starting"
        """What keeps it from publishing, or ``None``."""
        self.alive_at = monotonic()
        """When the loop last came round (``time.monotonic``)."""

    async def broker_cause(self) -> str | None:
        """Ask the broker whether it is there, and return why not."""
        return await self._publisher.broker_cause()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop`` is set; broker or database away means wait, say so, and go on."""
        try:
            while not stop.is_set():
                await self._try(stop)
        finally:
            await self._publisher.stop()

    async def _try(self, stop: asyncio.Event) -> None:
        """Publish until ``stop`` is set or something is away, and then wait a little."""
        try:
            await self._publisher.start()
            # Before there is a connection of the locks: it would be silent meanwhile, and the server would take it for frozen.
            if await self._adopt():
                log.warning("relay_republishes", reason="the database runs in another cluster: restored")
            async with self._connections() as (locks, reading):
                await self._lead(locks, reading, stop)
        except BrokerAwayError as error:
            await self._wait(stop, "broker", error)
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            await self._wait(stop, "database", error)

    async def _wait(self, stop: asyncio.Event, what: str, error: BaseException) -> None:
        self.problem, self.shards = what, 0
        if self._metrics is not None:
            self._metrics.add(catalogue.RELAY_FAILURES, 1, what)
        log.warning("relay_waits", away=what, error=type(error).__name__, detail=str(error)[:200], seconds=self._delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._delay):
                await stop.wait()
        self.alive_at = monotonic()
        self._delay = min(self._delay * 2, MAX_DELAY_SECONDS)

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
        """Open two connections of our own: one holds the locks and the cursor, one reads."""
        locks = await connect_for_locks(self._dsn, self._instance)
        try:
            reading = await asyncpg.connect(self._dsn, timeout=10, command_timeout=READ_SECONDS, server_settings=PLANS)
            try:
                yield locks, reading
            finally:
                reading.terminate()
        finally:
            # Terminating frees the locks at once; a polite close could hang on a dead network.
            locks.terminate()

    async def _lead(self, locks: asyncpg.Connection, reading: asyncpg.Connection, stop: asyncio.Event) -> None:
        await locks.execute("SELECT pg_advisory_lock_shared($1, 0)", COPIES_KEY)  # counted by the other copies
        leadership = Leadership(locks)
        await leadership.listen(self._wake.set)
        self._balanced_at = 0.0
        while not stop.is_set():
            await self._balance(locks, leadership)
            await self._keep_house(locks)
            self.problem, self.shards, self.alive_at = None, len(leadership.cursors), monotonic()
            self._delay = FIRST_DELAY_SECONDS
            found = 0
            async with leadership.speaking(FROZEN_SECONDS / 3):
                for cursor, shards in leadership.groups():
                    self.alive_at = monotonic()
                    found += await self._publish_group(reading, leadership, cursor, shards, stop)
            if not found:
                await leadership.save()
            await self._rest(found)
        await leadership.save()

    async def _adopt(self) -> bool:
        """Tell whether all that is retained is to be published again: after a restore into another cluster.

        Then every row is written anew, which may take minutes: on a connection without bounds, and the loop is alive meanwhile.
        """
        connection = await asyncpg.connect(self._dsn, timeout=10)
        beating = asyncio.create_task(self._beat())
        try:
            return bool(await connection.fetchval("SELECT outbox_adopt_cluster()"))
        finally:
            beating.cancel()
            connection.terminate()

    async def _beat(self) -> None:
        while True:
            self.alive_at = monotonic()
            await asyncio.sleep(1.0)

    async def _balance(self, locks: asyncpg.Connection, leadership: Leadership) -> None:
        """Share the shards: each live relay keeps at most its part, rounded up."""
        if monotonic() - self._balanced_at < (BALANCE_SECONDS if leadership.cursors else IDLE_SECONDS):
            return
        self._balanced_at = monotonic()
        copies = await locks.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            COPIES_KEY,
        )
        share = -(-SHARDS // max(1, copies))
        await leadership.release(share)
        await leadership.claim(share)

    async def _keep_house(self, locks: asyncpg.Connection) -> None:
        """Make and drop partitions once an hour, also when that fails: there are some for days, and publishing must not wait for it."""
        if self._kept_at and monotonic() - self._kept_at < HOUSEKEEPING_SECONDS:
            return
        self._kept_at = monotonic()
        try:
            # By the database's clock, as written_at is: with a wrong one of ours, days would go that must be kept.
            await locks.execute("SELECT outbox_make_partitions((now() AT TIME ZONE 'UTC')::date, 7)")
            # Each in a transaction of its own, because all commands wait from a drop until its transaction ends.
            while name := await locks.fetchval("SELECT outbox_drop_partitions(now() - $1::interval)", self._retention):
                self.alive_at = monotonic()
                log.info("outbox_partition_dropped", partition=name)
        except SERVER_ERRORS as error:
            log.error("outbox_housekeeping_failed", error=type(error).__name__, detail=str(error)[:200])

    async def _publish_group(
        self,
        reading: asyncpg.Connection,
        leadership: Leadership,
        cursor: Cursor,
        shards: list[int],
        stop: asyncio.Event,
    ) -> int:
        """Publish what is new for a group of shards, reading and packing ahead while a round is in flight."""
        found = 0
        flight: asyncio.Task[None] | None = None
        try:
            async with aclosing(rounds(reading, shards, cursor)) as found_rounds:
                async for item in found_rounds:
                    waves = await self._publisher.prepare(item.rows) if item.rows else []
                    if flight is not None:
                        await flight
                    flight = asyncio.create_task(self._publish(leadership, shards, item, waves))
                    found += len(item.rows)
                    self.alive_at = monotonic()
                    if stop.is_set():
                        break
            if flight is not None:
                await flight
        finally:
            if flight is not None and not flight.done():
                flight.cancel()
                await asyncio.wait([flight])
        return found

    async def _publish(self, leadership: Leadership, shards: list[int], item: Round, waves: list[Wave]) -> None:
        began, began_at = monotonic(), time_ns()
        for wave in waves:
            await leadership.confirm()
            await self._publisher.send([wave])
            self.alive_at = monotonic()
        await leadership.move(shards, item.after, len(item.rows))
        self.published += len(item.rows)
        tell_published(item.rows, began_at)
        if self._metrics is not None and item.rows:
            self._measure(self._metrics, item, monotonic() - began)

    def _measure(self, metrics: Metrics, item: Round, seconds: float) -> None:
        """Count a whole round at once: a call for each fact would cost the relay several hundredths of its speed."""
        metrics.add_each(catalogue.PUBLISHED, Counter([row["type"] for row in item.rows]).items())
        metrics.observe(catalogue.RELAY_BATCH_SIZE, len(item.rows))
        metrics.observe(catalogue.RELAY_BATCH_SECONDS, seconds)

    async def _rest(self, found: int) -> None:
        self._pause = BUSY_SECONDS if found else min(self._pause * 1.5, IDLE_SECONDS)
        try:
            async with asyncio.timeout(self._pause):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
