"""What two more brokers cost: a backlog published to three that all have to hold it, and to one."""

from __future__ import annotations

from functools import partial

from bench.delivery import relay_speed
from bench.harness import Result, Size, in_turn
from bench.rig import Rig, servers


async def three_brokers(rig: Rig, size: Size) -> Result:
    """A backlog of 100,000 facts a second to three brokers on this machine, two of which have each before it counts; and to one."""
    rows = size.of(100_000)
    with servers(brokers=3) as cluster:
        return await in_turn(
            Result("relay to three brokers ÷ to one", "facts/s", "none"),
            size,
            partial(relay_speed, cluster, rows),
            partial(relay_speed, rig, rows),
        )
