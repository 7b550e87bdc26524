"""Tells agencies that an owner is erased, by every way that their agreement has, and again each day until they acknowledge.

A notice goes beside the streams: past filters and grants, in no order with events, and with the same id each time. What no
machine may tell, because no agreement counts any more, is left to officers, who find it listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import structlog

from services.partners.domain import erasures as rules
from services.partners.domain.agreements import in_force
from services.partners.domain.erasures import Notice, Obstacle, Round
from services.partners.domain.refusals import RefusalError
from services.partners.domain.signing import Signer, signed_headers
from services.partners.domain.webhooks import Webhook, WebhookState
from services.partners.handlers import SOURCE
from services.partners.handlers.erasures import find_receivers
from services.partners.handlers.posting import Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.writing import AgencyPublisher
from services.partners.store import agreements, webhooks
from services.partners.store import erasures as store
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool
from shared.identifiers import FIRST
from shared.relay.publishing import BrokerAwayError
from shared.sealing import UnreadableError
from shared.ticking import PeriodicLook
from shared.topology import agency_topic
from shared.wita import WITA

LEASE = timedelta(minutes=5)
"""So long nobody else tells what a worker has claimed: longer than posting to all endpoints that an agency may have takes."""
NOTED = 500
MOST_ENDPOINTS = 50

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Telling:
    """What a round comes to while it goes on."""

    took: set[str]
    reached: set[str] = field(default_factory=set)
    failed: set[Obstacle] = field(default_factory=set)


class Teller(PeriodicLook):
    """Finds whom to tell, tells them, and notes what is late. Any number of workers may: a notice is claimed."""

    def __init__(
        self,
        pool: Pool,
        poster: Poster,
        box: SecretBox,
        publisher: AgencyPublisher,
        seconds: float,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(pool, seconds, clock)
        self._poster, self._box, self._publisher = poster, box, publisher
        self._stop = asyncio.Event()
        self._away: set[str] = set()
        """Endpoints, and the broker, that failed in this look: not tried again in it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop`` is set."""
        self._stop = stop
        try:
            await super().run(stop)
        finally:
            await self._poster.close()
            await self._publisher.stop()

    async def tick(self) -> int:
        """Do what is due, and return how many notices were told or tried."""
        now, tried = await self.now(), 0
        while not self._stop.is_set() and await find_receivers(self._pool, now):
            self.pulse.beat()
        self._away.clear()
        while not self._stop.is_set() and (notice := await self._claim()) is not None:
            await self._tell(notice, await self.now())
            self.pulse.beat()
            tried += 1
        for notice_id, agency, due_at in await store.note_overdue(self._pool, now, NOTED):
            due = due_at.astimezone(WITA).isoformat()
            log.warning("erasure_unacknowledged", notice=str(notice_id), agency=agency, due_at=due)
        return tried

    async def _claim(self) -> Notice | None:
        """Return the next notice that is to be told; nobody else tells it meanwhile."""
        now = await self.now()
        claimed = await store.claim_notices(self._pool, now, now + LEASE, 1)
        return claimed[0] if claimed else None

    async def _tell(self, notice: Notice, now: datetime) -> None:
        """Tell one notice by every way that counts now, and store what came of it."""
        ways = await self._ways(notice.agency)
        telling = _Telling(set(notice.round_done))
        if DeliveryWay.WEBHOOK in ways:
            await self._post(notice, telling)
        if DeliveryWay.KAFKA in ways:
            await self._publish(notice, telling)
        obstacle = rules.obstacle_of(telling.failed, telling.took, agreed=bool(ways), reads=DeliveryWay.FEED in ways)
        told = Round(frozenset(telling.took), tuple(sorted(telling.reached)), obstacle, bool(telling.failed))
        after = rules.after_round(notice, told, now)
        await store.save_round(self._pool, after, after.tells - notice.tells, told.reached, now)
        log.info("erasure_told", notice=str(notice.id), agency=notice.agency, ways=told.reached, obstacle=obstacle)

    async def _ways(self, agency: str) -> frozenset[DeliveryWay]:
        """Return the ways that an agreement which counts now names; none without one."""
        agreement = await agreements.agreement_of(self._pool, agency)
        now, found = await self.now(), set()
        for way in DeliveryWay:
            try:
                in_force(agency, agreement, now, way)
            except RefusalError:
                continue
            found.add(way)
        return frozenset(found)

    async def _post(self, notice: Notice, telling: _Telling) -> None:
        """Post to every endpoint of the agency that has not taken it in this round."""
        for webhook in await webhooks.list_webhooks(self._pool, FIRST, notice.agency, MOST_ENDPOINTS):
            key = str(webhook.id)
            if webhook.state is not WebhookState.AKTIF or key in telling.took:
                continue
            if key not in self._away and await self._taken(webhook, notice):
                telling.took.add(key)
                telling.reached.add(DeliveryWay.WEBHOOK.value)
            else:
                self._away.add(key)
                telling.failed.add(Obstacle.WEBHOOK_GAGAL)

    async def _taken(self, webhook: Webhook, notice: Notice) -> bool:
        now = await self.now()
        body = orjson.dumps(rules.notice_event(notice, SOURCE))
        try:
            secrets = await webhooks.load_secrets(self._pool, [webhook.id], now)
            signers = [Signer(self._box.open(item)) for item in secrets]
        except UnreadableError as error:
            log.error("webhook_secret_unreadable", webhook=str(webhook.id), error=str(error))
            return False
        headers = signed_headers(signers, str(notice.id), now.timestamp(), body)
        outcome = await self._poster.post(webhook.url, body, headers)
        if not outcome.taken:
            log.info("erasure_not_taken", webhook=str(webhook.id), notice=str(notice.id), error=outcome.error)
        return outcome.taken

    async def _publish(self, notice: Notice, telling: _Telling) -> None:
        """Write it into the agency's topic, if it has one and was not written in this round."""
        way = DeliveryWay.KAFKA.value
        if way in telling.took:
            return
        if way in self._away:
            telling.failed.add(Obstacle.KAFKA_GAGAL)
            return
        topic = agency_topic(notice.agency).name
        try:
            if topic not in await self._publisher.topics():
                return
            shown = rules.notice_event(notice, SOURCE)
            row = {"topic": topic, "key": shown["subject"], "shown": shown}
            await self._publisher.send(await self._publisher.prepare([row]))
        except BrokerAwayError as error:
            self._away.add(way)
            telling.failed.add(Obstacle.KAFKA_GAGAL)
            log.warning("agencies_wait", away="broker", detail=str(error)[:200])
            return
        telling.took.add(way)
        telling.reached.add(way)
