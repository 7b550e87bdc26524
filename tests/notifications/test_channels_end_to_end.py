"""From real Kafka to telephones, with receipts on their way back and workers killed: one channel at a time, nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from ops.providers.faults import Fault
from shared.database import Pool
from tests.notifications.processes import Start
from tests.notifications.publishing import publish
from tests.notifications.story import Story
from tests.notifications.telephones import Telephones, telephone_environment
from tests.notifications.waiting import until
from tests.notifications.workshop import Workshop
from tests.stack.servers import Kafka

OWNERS = 60


async def unsettled(pool: Pool, events: list[Any]) -> int:
    """Return how many of these events have no message that has arrived, or of which it is unknown whether it went out."""
    settled = await pool.fetchval(
        "SELECT count(*) FROM message WHERE event_id = ANY ($1) AND state IN ('delivered', 'unknown')", events
    )
    return len(events) - int(settled)


@pytest.mark.slow
async def test_workers_killed_amid_faults_tell_each_owner_once_by_one_channel(
    due: Workshop, telephones: Telephones, story: Story, kafka: Kafka, start: Start
) -> None:
    graph, gateway = telephones.graph, telephones.gateway
    numbers = [f"+628120000{n:04}" for n in range(OWNERS)]
    events = [
        story.owner(channel="sms" if n % 3 == 0 else "whatsapp", phones=(number,)) for n, number in enumerate(numbers)
    ]
    unreachable = set(numbers[1::6])  # all of them chose WhatsApp
    graph.manner.unreachable = unreachable
    graph.manner.tells = gateway.manner.tells = ("delivered", "sent")
    graph.manner.twice = gateway.manner.twice = True
    graph.manner.retry_after = gateway.manner.retry_after = 1
    graph.manner.faults.extend([*[None] * 4, Fault.CUT, *[None] * 4, Fault.LIMITED, *[None] * 4, Fault.BAD_GATEWAY])
    gateway.manner.faults.extend([*[None] * 3, Fault.CUT, Fault.LIMITED])
    settings = kafka.credentials("notifications")
    variables = telephone_environment(graph, gateway) | {
        "KAFKA_BOOTSTRAP": settings.bootstrap,
        "KAFKA_PASSWORD": settings.password,
        "SENDERS": "2",
        "RATE_WHATSAPP_PER_MINUTE": "60000",
        "RATE_SMS_PER_MINUTE": "60000",
    }
    await publish(kafka.credentials("registry"), events)
    for taken in (10, 25):
        worker = await start(**variables)
        await graph.wait_for(taken, 60)
        worker.kill()
        await worker.wait()
    await start(**variables)
    ids = [event.meta.id for event in events]

    async def all_settled() -> bool:
        return await unsettled(due.pool, ids) == 0

    await until(all_settled, 90)
    by_whatsapp, by_sms = (Counter(taken.to for taken in provider.taken) for provider in (graph, gateway))
    assert max(by_whatsapp.values()) == max(by_sms.values()) == 1
    both = by_whatsapp.keys() & by_sms.keys()
    assert both <= unreachable
    rows: Sequence[Any] = await due.pool.fetch("SELECT * FROM message WHERE event_id = ANY ($1)", ids)
    assert Counter(row["event_id"] for row in rows) == dict.fromkeys(ids, 1)
    unknown = {row["owner_id"] for row in rows if row["state"] == "unknown"}
    assert len(unknown) <= 2 * 2  # killed between the commit of the hand-over and the request
    never = {number for number in numbers if number not in by_whatsapp and number not in by_sms}
    assert len(never) <= len(unknown)
    assert len(both) >= len(unreachable) - len(unknown)
