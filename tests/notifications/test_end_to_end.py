"""From real Kafka to a real mailbox: replays, kills, several workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.consumers import TOPICS, TYPES, notify_on
from services.notifications.domain.reminding import ReminderRule
from services.notifications.handlers.reminding import Reminding
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.contracts.licensing import LicenceExpired
from shared.database import Pool
from shared.envelope import Event
from shared.topology import Topic
from tests.notifications.city import EMAIL
from tests.notifications.gatherings import THURSDAY_NINE, Training
from tests.notifications.mailbox import Mailbox
from tests.notifications.processes import Start
from tests.notifications.publishing import publish
from tests.notifications.story import Story
from tests.notifications.test_work_notices import DAY, a_life_of_applications, expiring_brand, licence
from tests.notifications.waiting import until
from tests.notifications.workshop import NOON, Clock, Workshop
from tests.stack.servers import Kafka


def a_day(story: Story, owners: int) -> list[Event]:
    """Return commands of some owners and an import: businesses before their owners, verifications last."""
    registered = [story.owner(email=f"u{n}@umkm.example") for n in range(owners)]
    businesses = [story.business(owner.fact.aggregate_id) for owner in registered]
    verified = [story.verified(business.fact.aggregate_id) for business in businesses]
    imported = [story.owner(email=f"impor{n}@umkm.example", origin="import") for n in range(owners)]
    return [*businesses, *imported, story.import_completed(), *registered, *verified]


def a_month(story: Story) -> list[Event]:
    """Return what the other services tell of one owner: trainings, exhibitions, licences, brands, in no useful order."""
    owner = story.owner(email="siti@umkm.example", origin="import")
    owner_id = owner.fact.aggregate_id
    business = story.business(owner_id, origin="import")
    training = Training(story)
    ran_out = LicenceExpired(**licence(owner_id, business.fact.aggregate_id), expires_on=DAY)
    brand = expiring_brand(story, business_id=business.fact.aggregate_id)
    told = [training.accepted(owner_id), *a_life_of_applications(story, owner_id), story.event(ran_out), brand]
    return [*told, *training.opened(), business, owner]


async def positions(pool: Pool, consumer: str) -> int:
    """Return how many facts a consumer has applied."""
    return int(
        await pool.fetchval("SELECT coalesce(sum(position), 0) FROM stream_position WHERE consumer = $1", consumer)
    )


async def consume(workshop: Workshop, kafka: KafkaSettings, name: str, topics: Sequence[str], facts: int) -> None:
    """Run a consumer of this name from the beginning of the topics until it has applied ``facts``."""
    consumer = Consumer(
        name=name,
        topics=topics,
        types=TYPES,
        apply=notify_on(EMAIL),
        pool=workshop.pool,
        kafka=kafka,
        instance="test",
    )
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))

    async def applied() -> bool:
        return await positions(workshop.pool, name) >= facts

    await until(applied, 60)
    stop.set()
    await running


async def test_replaying_the_topics_three_times_sends_nothing(
    due: Workshop, story: Story, mailbox: Mailbox, kafka: Kafka, clock: Clock
) -> None:
    operator = kafka.credentials("operator")
    names = {name: kafka.make_topic(Topic(name, partitions=3)) for name in TOPICS}
    events = [*a_day(story, 20), *a_month(story)]
    await publish(operator, events, names)
    run = uuid4().hex[:8]
    await consume(due, operator, f"first-{run}", list(names.values()), len(events))
    reminded_at = THURSDAY_NINE + timedelta(hours=1)
    looking = Reminding(due.pool, EMAIL, ReminderRule(), clock=lambda: reminded_at)
    # Each at its time: a place is not told after it was to be confirmed.
    clock.now = NOON
    await due.due_now()
    await due.send()
    assert await looking.tick() == 2
    clock.now = reminded_at
    await due.due_now()
    await due.send()
    before = await due.messages()
    assert len(mailbox.bodies) == len(before) == 73
    # A consumer of another name has neither offsets nor positions: it starts from nothing.
    for again in range(3):
        await consume(due, operator, f"again-{again}-{run}", list(names.values()), len(events))
        await looking.tick()
        await due.send()
    await publish(operator, events, names)
    await consume(due, operator, f"twice-{run}", list(names.values()), len(events))
    await due.send()
    assert await due.messages() == before
    assert len(mailbox.bodies) == 73


@pytest.mark.slow
async def test_workers_killed_again_and_again_double_nothing_and_lose_nothing(
    due: Workshop, story: Story, mailbox: Mailbox, kafka: Kafka, start: Start
) -> None:
    events = a_day(story, 150)
    expected = {event.meta.id for event in events if event.meta.origin == "command"} | {events[300].meta.id}
    settings = kafka.credentials("notifications")
    changes = {
        "KAFKA_BOOTSTRAP": settings.bootstrap,
        "KAFKA_PASSWORD": settings.password,
        "SENDERS": "2",
        "RATE_EMAIL_PER_MINUTE": "60000",
        "OFFICER_ADDRESS": "petugas@umkm.example",
    }
    await publish(kafka.credentials("registry"), events)
    for bodies in (40, 140, 260):
        worker = await start(**changes)
        await mailbox.wait_for(bodies, 60)
        worker.kill()
        await worker.wait()
    await start(**changes)
    await until(lambda: are_settled(due.pool, expected), 60)
    rows: Sequence[Any] = await due.pool.fetch(
        "SELECT id, event_id, state FROM message WHERE event_id = ANY ($1)", expected
    )
    assert Counter(row["event_id"] for row in rows) == dict.fromkeys(expected, 1)
    states = Counter(row["state"] for row in rows)
    assert set(states) <= {"sent", "unknown"}
    assert states["unknown"] <= 3 * 2
    arrived = Counter(mail["Message-ID"] for mail in mailbox.mails)
    assert max(arrived.values()) == 1
    sent = {f"<{row['id']}@umkm.example>" for row in rows if row["state"] == "sent"}
    assert sent <= arrived.keys()
    assert not any(address.startswith("impor") for address, _ in mailbox.accepted)


async def are_settled(pool: Pool, event_ids: set[Any]) -> bool:
    """Tell whether every one of these events has a message that is on no way any more."""
    count = await pool.fetchval(
        "SELECT count(*) FROM message WHERE event_id = ANY ($1) AND state IN ('sent', 'unknown')", event_ids
    )
    return int(count) >= len(event_ids)
