"""What counting costs: the relay and the projections with their metrics, against the same without them."""

from __future__ import annotations

from functools import partial

from bench.delivery import relay_speed
from bench.harness import Result, Size, in_turn
from bench.projection import business_lives, projection_speed
from bench.rig import Rig
from services.projections.domain.making import TYPES
from shared.consumer.measuring import Measures
from shared.metrics import Metrics


async def metrics_cost(rig: Rig, size: Size) -> list[Result]:
    """The relay and the projections with metrics, against the same without: what counting costs."""
    rows = size.of(100_000)
    relay = await in_turn(
        Result("relay with metrics ÷ without", "facts/s", "≥ 0.97"),
        size,
        lambda: relay_speed(rig, rows, Metrics()),
        lambda: relay_speed(rig, rows),
    )
    parts = business_lives(size.of(60_000))
    project = partial(projection_speed, rig, parts)
    projections = await in_turn(
        Result("projections with metrics ÷ without", "facts/s", "≥ 0.97"),
        size,
        lambda: project(Measures(Metrics(), "projections", TYPES).settled),
        project,
    )
    return [relay, projections]
