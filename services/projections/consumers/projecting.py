"""The live consumer: every fact of ``umkm.business`` into all projections."""

from __future__ import annotations

from services.projections.handlers.projecting import project_batch
from services.projections.handlers.rebuilding import TYPES
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Pool

NAME = "projections"


def project_on_business_facts(pool: Pool, kafka: KafkaSettings, instance: str) -> Consumer:
    """Return the consumer, not started. ``instance`` is the stable name of this copy of the worker."""
    return Consumer(
        name=NAME,
        topics=(BUSINESS_TOPIC,),
        types=TYPES,
        apply=project_batch,
        pool=pool,
        kafka=kafka,
        instance=instance,
    )
