"""What a consumer tells of its batches in traces: of each fact that somebody follows, that it was applied, or parked.

The span is begun before a fact is applied and takes the place of the fact's own in its context: what comes of it here, a message or
another fact, names it as its parent. What is rolled back is told by nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.consumer.planning import Plan, Step
from shared.envelope import Event
from shared.tracing import MOST_SPANS, Attributes, Kind, Span, active, parent_of


class Told(NamedTuple):
    """A step that is told of."""

    step: Step
    span: Span


def begin_steps(consumer: str, plan: Plan) -> list[Told]:
    """Begin the spans of a plan's steps, and put them into the context of their events."""
    tracer = active()
    told: list[Told] = []
    if tracer is None:
        return told
    for number, step in enumerate(plan.steps):
        event = step.event
        if event is None or event.meta.traceparent is None:
            continue
        parent = parent_of(event.meta.traceparent, event.meta.origin)
        if parent is None:
            continue
        topic = step.item.topic
        span = tracer.begin(f"process {topic}", Kind.CONSUMER, parent, _described(consumer, step, event, plan))
        meta = event.meta._replace(traceparent=span.traceparent)
        plan.steps[number] = step._replace(event=event._replace(meta=meta))
        told.append(Told(step, span))
        if len(told) == MOST_SPANS:
            break
    return told


def end_steps(told: Sequence[Told], plan: Plan) -> None:
    """End them, once the batch is stored."""
    for (_, (_, subject, sequence), _), span in told:
        span.end(error=None if plan.moved.get(subject, 0) >= sequence else "parked")


def _described(consumer: str, step: Step, event: Event, plan: Plan) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.destination.name": step.item.topic,
        "messaging.destination.partition.id": str(step.item.partition),
        "messaging.kafka.offset": step.item.offset,
        "messaging.consumer.group.name": consumer,
        "messaging.message.id": str(event.meta.id),
        "messaging.batch.message_count": len(plan.steps),
        "cloudevents.event_type": event.meta.type,
        "naikkelas.correlation_id": event.meta.correlation_id,
    }
