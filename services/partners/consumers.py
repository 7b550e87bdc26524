"""Facts to handlers: one consumer for everything that agencies may be granted."""

from __future__ import annotations

from collections.abc import Sequence

from services.partners.handlers.recording import record_facts
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.contracts import CONTRACTS
from shared.contracts.exhibitions import APPLICATION_TOPIC, EXHIBITION_TOPIC, OUTLET_TOPIC
from shared.contracts.licensing import LICENCE_TOPIC
from shared.contracts.mentoring import MENTOR_TOPIC, MENTORING_TOPIC
from shared.contracts.organisations import BRAND_TOPIC, ORGANISATION_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, IMPORT_TOPIC, OWNER_TOPIC
from shared.contracts.training import CERTIFICATE_TOPIC, COURSE_TOPIC, ENROLMENT_TOPIC
from shared.database import Connection, Pool
from shared.envelope import Event

NAME = "partners"
TOPICS = (
    OWNER_TOPIC,
    BUSINESS_TOPIC,
    IMPORT_TOPIC,
    LICENCE_TOPIC,
    ORGANISATION_TOPIC,
    BRAND_TOPIC,
    MENTOR_TOPIC,
    MENTORING_TOPIC,
    COURSE_TOPIC,
    ENROLMENT_TOPIC,
    CERTIFICATE_TOPIC,
    EXHIBITION_TOPIC,
    APPLICATION_TOPIC,
    OUTLET_TOPIC,
)
"""A new one needs a row in the table ``stream``, by a migration."""

TYPES = frozenset(name for name, fact in CONTRACTS.items() if fact.TOPIC in TOPICS)


async def record_on_facts(connection: Connection, events: Sequence[Event]) -> None:
    """Apply a batch of facts."""
    await record_facts(connection, events)


def make_consumer(pool: Pool, kafka: KafkaSettings, instance: str) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker.

    It gathers nothing: agencies wait for what it records. Unlike the copies of other services it reads facts whole.
    """
    return Consumer(
        name=NAME,
        topics=TOPICS,
        types=TYPES,
        apply=record_on_facts,
        pool=pool,
        kafka=kafka,
        instance=instance,
    )
