"""What traces cost: the relay and the projections with every fact followed, against the same facts without traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from bench.agencies import receivers
from bench.delivery import FOLLOWED_FILL, relay_speed
from bench.harness import Result, Size, VoidRunError, in_turn
from bench.projection import business_lives, projection_speed
from bench.rig import Rig
from shared.tracing import active
from shared.tracing.running import TraceSettings, traced


async def traces_cost(rig: Rig, size: Size) -> list[Result]:
    """The relay and the projections with traces of every fact, against the same without: what telling costs."""
    rows = size.of(100_000)
    publish = partial(relay_speed, rig, rows, fill=FOLLOWED_FILL)
    project = partial(projection_speed, rig, business_lives(size.of(60_000), followed=True))
    async with receivers(1) as receiver:
        settings = TraceSettings(f"http://127.0.0.1:{receiver.ports[0]}")
        relay = await in_turn(
            Result("relay with traces ÷ without", "facts/s", "≥ 0.95"),
            size,
            lambda: _with_traces(settings, publish),
            publish,
        )
        projections = await in_turn(
            Result("projections with traces ÷ without", "facts/s", "≥ 0.95"),
            size,
            lambda: _with_traces(settings, project),
            project,
        )
    return [relay, projections]


async def _with_traces(settings: TraceSettings, measure: Callable[[], Awaitable[float]]) -> float:
    """Measure while spans go to the receiver. Raises ``VoidRunError`` if none came there, or one was lost."""
    with traced(settings, "bench", "bench", "bench"):
        speed, tracer = await measure(), active()
    figures = {} if tracer is None else tracer.figures()
    if not figures.get("exported") or figures.get("lost"):
        raise VoidRunError(f"spans came to {figures}")
    return speed
