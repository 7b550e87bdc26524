"""Facts to handlers: one consumer for all topics of which owners are told, and for the times of courses."""

from __future__ import annotations

from collections.abc import Sequence

from services.notifications.domain.attending import ATTENDING_NAMES
from services.notifications.domain.folding import FOLDED_NAMES
from services.notifications.domain.routes import Routes
from services.notifications.handlers.recording import record_facts
from shared.broker import KafkaSettings
from shared.consumer import Apply, Consumer
from shared.contracts.exhibitions import APPLICATION_TOPIC
from shared.contracts.licensing import LICENCE_TOPIC
from shared.contracts.organisations import BRAND_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, IMPORT_TOPIC, OWNER_TOPIC
from shared.contracts.training import CERTIFICATE_TOPIC, COURSE_TOPIC, ENROLMENT_TOPIC
from shared.database import Connection, Pool
from shared.envelope import Event
from shared.majors import Majors

NAME = "notifications"
TOPICS = (
    OWNER_TOPIC,
    BUSINESS_TOPIC,
    IMPORT_TOPIC,
    COURSE_TOPIC,
    ENROLMENT_TOPIC,
    CERTIFICATE_TOPIC,
    APPLICATION_TOPIC,
    LICENCE_TOPIC,
    BRAND_TOPIC,
)

NAMES = FOLDED_NAMES | ATTENDING_NAMES
"""The names of the facts that somebody is told of, or that say something which is kept."""

MAJORS = Majors(TOPICS)

TYPES = MAJORS.types
"""Every fact of these topics: those that notify nobody still move the version of what they are about."""


def notify_on(routes: Routes) -> Apply:
    """Return what applies a batch of facts; ``routes`` are the channels that this service runs."""

    async def apply(connection: Connection, events: Sequence[Event]) -> None:
        await record_facts(connection, MAJORS.settle(events), routes)

    return apply


def notify_on_registry_facts(pool: Pool, kafka: KafkaSettings, instance: str, routes: Routes) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker."""
    return Consumer(
        name=NAME,
        topics=TOPICS,
        types=TYPES,
        apply=notify_on(routes),
        pool=pool,
        kafka=kafka,
        instance=instance,
    )
