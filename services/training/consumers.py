"""Facts to handlers: one consumer for owners, businesses and organisations of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.training.handlers.copying import record_facts
from shared.broker import KafkaSettings
from shared.consumer import IN_STEPS, Consumer
from shared.contracts.organisations import ORGANISATION_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.database import Connection, Pool
from shared.envelope import Event
from shared.majors import Majors
from shared.registry_copy.folding import folded_names, registry_reader
from shared.registry_copy.partners import PARTNER_NAMES

NAME = "training"
TOPICS = (OWNER_TOPIC, BUSINESS_TOPIC, ORGANISATION_TOPIC)

NAMES = folded_names(personal=True) | PARTNER_NAMES
"""The names of the facts that say something which is kept."""

MAJORS = Majors(TOPICS)

TYPES = MAJORS.types
"""Every fact of these topics: those that tell nothing we keep still move the version of what they are about."""

READ = registry_reader(personal=True)


async def copy_on_registry_facts(connection: Connection, events: Sequence[Event]) -> None:
    """Apply a batch of facts."""
    await record_facts(connection, MAJORS.settle(events), datetime.now(UTC))


def make_consumer(pool: Pool, kafka: KafkaSettings, instance: str) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker."""
    return Consumer(
        name=NAME,
        topics=TOPICS,
        types=TYPES,
        apply=copy_on_registry_facts,
        pool=pool,
        kafka=kafka,
        instance=instance,
        read=READ,
        gather=IN_STEPS,
    )
