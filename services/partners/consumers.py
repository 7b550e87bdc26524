"""Facts to handlers: one consumer for everything that agencies may be granted."""

from __future__ import annotations

from collections.abc import Sequence

from services.partners.domain.labels import LABELLING
from services.partners.handlers.recording import OWNERS_TOLD_BY, record_facts
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.contracts import CONTRACTS
from shared.database import Connection, Pool
from shared.envelope import Event
from shared.topology import PRINCIPALS

NAME = "partners"
TOPICS = next(principal.reads for principal in PRINCIPALS if principal.name == NAME)
"""A new one needs a row in the table ``stream``, by a migration."""

KEPT = (*LABELLING, *OWNERS_TOLD_BY)
"""Of these it keeps what it labels events by, and what owners consent to."""

TYPES = frozenset(name for name, fact in CONTRACTS.items() if fact.TOPIC in TOPICS)
"""All of them, in every major: it passes them on."""

PASSED_ON = TYPES - {fact.type_name() for fact in KEPT}
"""What it reads for nobody but those who are granted it, or for everybody where it is public."""


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
