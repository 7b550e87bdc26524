"""Facts to handlers: one consumer for what the registry tells of businesses, and for who passed a training."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.events.domain.copies import COPIED_NAMES
from services.events.handlers.copying import record_facts
from shared.broker import KafkaSettings
from shared.consumer import IN_STEPS, Consumer
from shared.contracts.licensing import LICENCE_TOPIC
from shared.contracts.organisations import ORGANISATION_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.contracts.training import ENROLMENT_TOPIC
from shared.database import Connection, Pool
from shared.envelope import Event
from shared.majors import Majors
from shared.registry_copy.folding import folded_names, registry_reader

NAME = "events"
TOPICS = (OWNER_TOPIC, BUSINESS_TOPIC, ENROLMENT_TOPIC, LICENCE_TOPIC, ORGANISATION_TOPIC)

NAMES = folded_names(personal=False) | COPIED_NAMES
"""The names of the facts that say something which is kept."""

MAJORS = Majors(TOPICS)

TYPES = MAJORS.types
"""Every fact of these topics: those that tell nothing we keep still move the version of what they are about."""

READ = registry_reader(personal=False)


async def copy_on_facts(connection: Connection, events: Sequence[Event]) -> None:
    """Apply a batch of facts."""
    await record_facts(connection, MAJORS.settle(events), datetime.now(UTC))


def make_consumer(pool: Pool, kafka: KafkaSettings, instance: str) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker."""
    return Consumer(
        name=NAME,
        topics=TOPICS,
        types=TYPES,
        apply=copy_on_facts,
        pool=pool,
        kafka=kafka,
        instance=instance,
        read=READ,
        gather=IN_STEPS,
    )
