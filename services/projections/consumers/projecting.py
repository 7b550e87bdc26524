"""The live consumer: every fact of the topics that the projections are made of, into all of them."""

from __future__ import annotations

from services.projections.domain.making import MAJORS, NAMES, TOPICS, TYPES
from services.projections.handlers.projecting import project_batch
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.database import Pool

__all__ = ["MAJORS", "NAME", "NAMES", "project_on_facts"]

NAME = "projections"


def project_on_facts(pool: Pool, kafka: KafkaSettings, instance: str) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker."""
    return Consumer(
        name=NAME,
        topics=TOPICS,
        types=TYPES,
        apply=project_batch,
        pool=pool,
        kafka=kafka,
        instance=instance,
    )
