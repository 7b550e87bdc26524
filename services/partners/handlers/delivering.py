"""The deliverer of a worker: which endpoints it serves, and one task for each, so that a slow one hinders no other.

Who serves an endpoint holds its row for some seconds at a time, under an epoch (decision 34). It asks the database each second for what
it holds, and posts nothing when it has not heard for longer than ``FRESH_SECONDS``.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog

from services.partners.handlers.carrying import Means
from services.partners.handlers.serving import Serving
from services.partners.store import deliveries, events, replays
from services.partners.store.deliveries import Held, NotOursError
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.health import Pulse
from shared.identifiers import new_id
from shared.keys import KeysAwayError
from shared.sealing import UnreadableError

LEASE = timedelta(seconds=10)
LOOK_SECONDS = 1.0
AGAIN_SECONDS = 1.0
HANGS_SECONDS = 120.0

log = structlog.get_logger(__name__)


class Deliverer:
    """Serves endpoints until it is stopped. ``instance`` is the stable name of this copy of the worker."""

    def __init__(self, means: Means, instance: str, poll_seconds: float) -> None:
        self._means = means
        self._instance = instance.replace("/", "_")
        self._holder = f"{self._instance}/{new_id().hex[-12:]}"
        self._poll_seconds = poll_seconds
        self._serving: dict[UUID, tuple[Serving, asyncio.Task[None]]] = {}
        self._heads: dict[str, int] = {}
        self._looked_at = float("-inf")
        self.pulse = Pulse(HANGS_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; then finish what is on the wire. A database that is away is waited for."""
        ready = False
        try:
            async with asyncio.TaskGroup() as group:
                while not stop.is_set():
                    wait = self._poll_seconds
                    try:
                        if not ready:
                            await deliveries.add_positions(self._means.pool)
                            ready = True
                        await self.look(group)
                        wait = self._poll_seconds if self._serving else LOOK_SECONDS
                    except SERVER_ERRORS as error:
                        if not is_infrastructure_error(error):
                            raise
                        log.warning("deliverer_waits", away="database", error=type(error).__name__)
                        wait = AGAIN_SECONDS
                    self.pulse.beat()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await stop.wait()
                self._let_go(set())
        finally:
            await self._means.poster.close()
            await self._means.keys.close()
        with suppress(*SERVER_ERRORS):
            await deliveries.release(self._means.pool, self._holder)

    async def look(self, group: asyncio.TaskGroup) -> None:
        """Look once: each second at what is held, each time whether streams have grown."""
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            for replay_id, reason in await replays.stop_ungranted(self._means.pool):
                log.info("replay_stopped", replay=str(replay_id), reason=reason)
            seen_at = monotonic()
            held = await deliveries.hold(self._means.pool, self._holder, self._instance, LEASE)
            self._looked_at = seen_at
            self._take(held, seen_at, group)
        if not self._serving:
            return
        heads = await events.heads(self._means.pool)
        if heads != self._heads:
            self._heads = heads
            for serving, _ in self._serving.values():
                serving.wake.set()

    def _take(self, held: list[Held], seen_at: float, group: asyncio.TaskGroup) -> None:
        """Serve what is held, and nothing else."""
        self._let_go({item.id for item in held})
        for item in held:
            if item.id in self._serving:
                self._serving[item.id][0].see(item, seen_at)
            else:
                serving = Serving(self._means, item, seen_at)
                self._serving[item.id] = (serving, group.create_task(self._serve(serving)))

    def _let_go(self, kept: set[UUID]) -> None:
        for webhook_id, (serving, task) in list(self._serving.items()):
            if webhook_id not in kept:
                serving.let_go()
            # One that has ended is not begun again before the other has stored what it did.
            if task.done():
                del self._serving[webhook_id]

    async def _serve(self, serving: Serving) -> None:
        """Serve one endpoint until it is let go."""
        while not serving.over:
            serving.wake.clear()
            wait = AGAIN_SECONDS
            try:
                wait = 0.0 if await serving.turn(self._heads) else serving.next_due()
            except NotOursError:
                serving.forget()
            except KeysAwayError as error:
                log.warning("webhook_waits", webhook=str(serving.held.id), error=str(error))
            except UnreadableError as error:
                log.error("webhook_secret_unreadable", webhook=str(serving.held.id), error=str(error))
                wait = 60.0
            except SERVER_ERRORS as error:
                if not is_infrastructure_error(error):
                    raise
                serving.forget()
                log.warning("webhook_waits", webhook=str(serving.held.id), away="database", error=type(error).__name__)
            if wait and not serving.over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await serving.wake.wait()
        serving.forget()
