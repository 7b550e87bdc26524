"""Agencies that come late: with the same terms as one that was there before, each begins with the first event that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

from aiokafka import AIOKafkaConsumer

from ops.kafka_admin.agencies import Access, create_user, revoke_users
from ops.kafka_admin.client import operator_client
from proof.agencies import STREAM, Office, note_deliveries, offices
from proof.checker import Delivered, Delivery
from proof.evidence import places_of, record_of, records_to_end
from proof.receivers import delivery_of
from proof.rig import QUIET_SECONDS, Rig, Size, within
from services.partners.store import events
from shared.broker import make_reader
from shared.contracts.partnership import DeliveryWay
from shared.database import create_pool

MOST_NEWCOMERS = 3
MOST_BEFORE = 2_000
"""Deliveries to the one that was there before until the last of the others comes, at most."""
PAGE = 1_000
EVERY_WAY = tuple(way.value for way in DeliveryWay)
_WRITTEN = """
SELECT s.last <= coalesce(p.position, 0) FROM audit.stream s
LEFT JOIN audit.kafka_position p ON p.stream = s.name AND p.agency = $1 WHERE s.name = $2
"""


@dataclass(slots=True)
class Newcomer:
    """An agency that reads by every way from the beginning."""

    office: Office
    access: Access
    """Its user on the broker."""
    fed: list[Delivery] = field(default_factory=list)
    """What the feed has shown, page by page."""
    _next: dict[str, str] = field(default_factory=dict)

    async def read_feed(self) -> None:
        """Read the feed from where it was left to its end; the first time without a cursor."""
        lag = 1
        while lag:
            asked = {"limit": str(PAGE), **self._next}
            answer = (await self.office.as_("p").get(f"/feed/{STREAM}", params=asked)).raise_for_status()
            self.fed += map(delivery_of, answer.json())
            self._next, lag = {"after": answer.headers["Feed-Next"]}, int(answer.headers["Feed-Lag-Events"])

    async def read_topic(self) -> list[Delivery]:
        """Read its topic as its own user, from the first record to the last, once all is written that waits."""
        async with within(QUIET_SECONDS, f"the topic of {self.office.code} to be written"):
            while not (await self.office.audited(_WRITTEN, self.office.code, STREAM))[0][0]:
                await asyncio.sleep(0.1)
        operator = self.office.rig.stack.credentials("operator")
        reader = make_reader(
            replace(operator, username=self.access.user, password=self.access.password), "proof-agency"
        )
        await reader.start()
        try:
            return await _deliveries(reader, self.access.topic)
        finally:
            await reader.stop()


async def _deliveries(reader: AIOKafkaConsumer, topic: str) -> list[Delivery]:
    places = await places_of(reader, [topic])
    found = [record_of(raw) async for raw in records_to_end(reader, places)]
    return [Delivery(item.key, item.sequence, item.event_id) for item in found if item is not None]


async def agencies_come_late(rig: Rig, size: Size, _: Random) -> None:
    """Forget what was kept, let one agency begin, and while work goes on others with the same terms, one after another.

    What a newcomer was given, by each way, goes to the checker beside what the first was posted. Raises ``AssertionError`` if
    anything was posted twice.
    """
    count = min(size.strikes, MOST_NEWCOMERS)
    before = min(size.commands // 2, MOST_BEFORE)
    await _forget(rig)
    async with AsyncExitStack() as opened:
        (older,) = await opened.enter_async_context(offices(rig, [None], start="awal"))
        newcomers: list[Newcomer] = []
        for number in range(count):
            await older.until_posts(before * (number + 1) // count)
            async with rig.fault():
                (office,) = await opened.enter_async_context(offices(rig, [None], start="awal", ways=EVERY_WAY))
                newcomers.append(Newcomer(office, await _on_the_broker(rig, opened, office.code)))
                await newcomers[-1].read_feed()
        async with rig.load.paused():
            await note_deliveries(rig, [older, *(newcomer.office for newcomer in newcomers)])
            await _compare(rig, older, newcomers)


async def _forget(rig: Rig) -> None:
    """Let what was recorded by now be kept no longer, as the partners' worker does when its time is over."""
    async with await create_pool(rig.stack.dsn("partners", "partners")) as pool:
        await events.retire(pool, datetime.now(UTC))


async def _on_the_broker(rig: Rig, opened: AsyncExitStack, code: str) -> Access:
    """Make the topic and the user of an agency, as the operator does; the user goes at the end, the topic stays to be audited."""
    admin = operator_client(rig.stack.credentials("operator"))
    access = await asyncio.to_thread(create_user, admin, code)
    opened.push_async_callback(asyncio.to_thread, revoke_users, admin, code)
    return access


async def _compare(rig: Rig, older: Office, newcomers: Sequence[Newcomer]) -> None:
    """Note for the checker that each newcomer should have, by each way, what the first agency took; nobody works meanwhile."""
    wanted = rig.agencies[older.code].taken
    for newcomer in newcomers:
        code = newcomer.office.code
        await newcomer.read_feed()
        ways = {
            code: rig.agencies[code].taken,
            f"{code} by its feed": newcomer.fed,
            f"{code} by its topic": await newcomer.read_topic(),
        }
        rig.agencies.update({name: Delivered(list(wanted), taken) for name, taken in ways.items()})
    for office in (older, *(newcomer.office for newcomer in newcomers)):
        again = office.came_again()
        assert not again, f"{len(again)} requests brought {office.code} what it had, beside agencies that began"
    rig.notes.append(
        f"{len(newcomers)} agencies began beside one that has their terms, and were compared with the {len(wanted):,} events that it was "
        "posted, by webhook, feed and topic"
    )
