"""Consent withdrawn, or the use of data restricted: what waits already is not sent, from real Kafka to a real mailbox."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.notifications.consumers import TOPICS
from shared.contracts.registry import Consents, OwnerConsentChanged
from shared.topology import Topic
from tests.notifications.mailbox import Mailbox
from tests.notifications.publishing import publish
from tests.notifications.story import Story
from tests.notifications.test_end_to_end import consume
from tests.notifications.workshop import Workshop
from tests.stack.servers import Kafka


@pytest.mark.parametrize("told", [{}, {"restricted": True}], ids=["withdrawn", "restricted"])
async def test_what_waits_for_who_stops_it_is_not_sent_and_nothing_is_made_after(
    workshop: Workshop, story: Story, mailbox: Mailbox, kafka: Kafka, told: dict[str, Any]
) -> None:
    operator, run = kafka.credentials("operator"), uuid4().hex[:8]
    names = {name: kafka.make_topic(Topic(name, partitions=1)) for name in TOPICS}
    stops, other = story.owner(email="berhenti@umkm.example"), story.owner(email="lanjut@umkm.example")
    businesses = [story.business(owner.fact.aggregate_id) for owner in (stops, other)]
    await publish(operator, [stops, other, *businesses], names)
    await consume(workshop, operator, f"stopping-{run}", list(names.values()), 4)
    waiting = len(await workshop.messages())
    assert waiting >= 2
    owner_id = stops.fact.aggregate_id
    stopped = story.event(OwnerConsentChanged(owner_id=owner_id, consents=Consents(), language="id", **told))
    verified = [story.verified(business.fact.aggregate_id) for business in businesses]
    await publish(operator, [stopped], names)
    await consume(workshop, operator, f"stopping-{run}", list(names.values()), 5)
    await publish(operator, verified, names)
    await consume(workshop, operator, f"stopping-{run}", list(names.values()), 7)
    await workshop.pool.execute("UPDATE message SET next_attempt_at = $1", workshop.rules.clock())
    await workshop.send()
    assert {recipient for recipient, _ in mailbox.accepted} == {"lanjut@umkm.example"}
    ends = {(row["state"], row["reason"]) for row in await workshop.messages() if row["owner_id"] == owner_id}
    assert ends == {("suppressed", "no_consent")}
