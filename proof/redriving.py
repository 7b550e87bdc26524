"""Effects that fail for a while: what is parked meanwhile is driven again, twice, and reaches only what it had not reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple

import asyncpg

from ops.stack.databases import owner_of
from proof.agencies import TYPES, Office, offices, settle
from proof.checker import Delivery
from proof.history import now
from proof.rig import QUIET_SECONDS, Rig, Size, within
from shared.consumer import request_redrive
from shared.consumer.store import item_of

_BREAK = """
CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF hashtext(NEW.{aggregate}::text) % 4 = 0 THEN RAISE EXCEPTION 'not ready' USING ERRCODE = '22000'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_some BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_some();
"""
_MEND = "DROP TRIGGER refuse_some ON {table}; DROP FUNCTION refuse_some()"
_COUNT = "SELECT count(*) FROM parked_event"
_PARKED = 'SELECT id, topic, partition, "offset", kind, headers::text, key, value FROM parked_event ORDER BY id'


class Effect(NamedTuple):
    """What a service does with an event: a row of a table, of which a column names the aggregate."""

    service: str
    table: str
    aggregate: str


TIMELINE = Effect("projections", "business_timeline", "business_id")
STREAMS = Effect("partners", "event", "subject")
"""What agencies read: an event that has no row here reaches none of them."""


class Failing:
    """An effect that fails for every fourth aggregate until it is mended."""

    def __init__(self, effect: Effect, owner: asyncpg.Connection) -> None:
        self._effect = effect
        self._owner = owner

    async def begin(self) -> None:
        """Fail from now on."""
        await self._owner.execute(_BREAK.format(**self._effect._asdict()))

    async def until_parked(self, count: int) -> None:
        """Wait until so many events are parked."""
        async with within(QUIET_SECONDS, f"{count} events to be parked by {self._effect.service}"):
            while await self._owner.fetchval(_COUNT) < count:
                await asyncio.sleep(0.1)

    async def parked(self, types: Collection[str]) -> list[Delivery]:
        """Return the events of some types that are parked now."""
        items = [item_of(row) for row in await self._owner.fetch(_PARKED)]
        return [
            Delivery(item.address.subject, item.address.sequence, item.headers["ce_id"].decode())
            for item in items
            if item.address is not None and item.address.type in types
        ]

    async def mend(self) -> None:
        """Fail no more; what is parked stays so."""
        await self._owner.execute(_MEND.format(**self._effect._asdict()))

    async def drive_again(self) -> None:
        """Ask twice for all that is parked, and then for what came to wait behind it meanwhile, until nothing is parked."""
        for _ in range(2):
            await request_redrive(self._owner, self._effect.service)
        async with within(QUIET_SECONDS, f"nothing to be parked by {self._effect.service} any more"):
            while await self._owner.fetchval(_COUNT):
                await request_redrive(self._owner, self._effect.service)
                await asyncio.sleep(0.5)


@asynccontextmanager
async def failing(rig: Rig, effect: Effect) -> AsyncIterator[Failing]:
    """Let an effect fail from the beginning of the block on."""
    owner = await asyncpg.connect(rig.stack.dsn(effect.service, owner_of(effect.service)))
    try:
        broken = Failing(effect, owner)
        await broken.begin()
        yield broken
    finally:
        await owner.close()


async def redrive(rig: Rig, size: Size, _: Random) -> None:
    """The effect of every fourth business fails for a while; what was parked is driven again, twice, under load."""
    async with rig.fault(), failing(rig, TIMELINE) as effect:
        await effect.until_parked(10 * size.strikes)
        await effect.mend()
        await effect.drive_again()


async def redrive_to_agencies(rig: Rig, size: Size, _: Random) -> None:
    """The same to what agencies read, while endpoints of agencies take what does not fail.

    What was parked is granted: the checker misses it at each endpoint that does not have it in the end. Raises
    ``AssertionError`` if any of it came before it was driven again, or anything came a second time since.
    """
    async with offices(rig, [None] * size.endpoints) as opened:
        async with rig.fault(), failing(rig, STREAMS) as effect:
            await effect.until_parked(10 * size.strikes)
            for office in opened:
                await office.until_posts(len(office.receiver.posts) + 1)
            parked = await effect.parked(TYPES)
            await effect.mend()
            began = now()
            await effect.drive_again()
        await settle(rig, opened)
        for office in opened:
            _judge(rig, office, parked, began)
    rig.notes.append(
        f"{len(parked)} events that agencies are granted were parked, and driven again for {len(opened)} endpoints"
    )


def _judge(rig: Rig, office: Office, parked: Sequence[Delivery], began: float) -> None:
    """Look at one endpoint once all is quiet. ``began``: when what was parked was driven again, on the clock of the history."""
    delivered = rig.agencies[office.code]
    known = {item.event_id for item in delivered.granted}
    delivered.granted += [item for item in parked if item.event_id not in known]
    wanted = {item.event_id for item in parked}
    early = [post for post in office.receiver.posts if post.began < began and post.delivery.event_id in wanted]
    assert not early, f"{len(early)} events came to {office.code} although they were parked"
    again = [post for post in office.came_again() if post.began >= began]
    assert not again, f"{len(again)} requests brought {office.code} what it had, after the redrive had begun"
