"""The consumer layer: facts in order, each once in effect, poison set aside, nothing lost.

``Consumer`` runs it around FastStream; ``apply_batch`` is the heart, one transaction per batch.
Owns the tables ``stream_position``, ``parked_event``, ``parked_history``, ``consumer_counter``.
"""

from shared.consumer.applying import Apply, Definition, StaleOwnerError, apply_batch, apply_records
from shared.consumer.consumer import IN_STEPS, Consumer, Gather
from shared.consumer.redrive import redrive_requested
from shared.parked.queue import discard, request_redrive

__all__ = [
    "IN_STEPS",
    "Apply",
    "Consumer",
    "Definition",
    "Gather",
    "StaleOwnerError",
    "apply_batch",
    "apply_records",
    "discard",
    "redrive_requested",
    "request_redrive",
]
