"""The broker comes back at another address: clients that know only the old one must ask anew where it is."""

from __future__ import annotations

import asyncio
from random import Random

from ops.stack.home import Record
from ops.stack.processes import HOST, free_port
from ops.stack.services import PROCESSES
from proof.rig import WORKERS, Rig, Size

CLIENTS = tuple(process.name for process in PROCESSES if process.role == "relay" or process.name in WORKERS)


async def move_kafka(rig: Rig, size: Size, _: Random) -> None:
    """SIGKILL the broker; it comes back at another port, the second one that its clients were told of."""
    old, new = rig.stack.record().ports["kafka"], free_port(0)
    try:
        await _tell_clients(rig, f"{HOST}:{old},{HOST}:{new}")
        async with rig.fault():
            await rig.kill("kafka")
            await asyncio.sleep(size.away[0])
            rig.stack.home.change(lambda record: _move(record, new))
            await rig.start("kafka")
    finally:
        await _tell_clients(rig, None)


def _move(record: Record, port: int) -> None:
    record.ports["kafka"] = port


async def _tell_clients(rig: Rig, bootstrap: str | None) -> None:
    await asyncio.gather(*(asyncio.to_thread(rig.stack.stop, name) for name in CLIENTS))
    for name in CLIENTS:
        rig.stack.extra_env.pop(name, None)
        if bootstrap is not None:
            rig.stack.extra_env[name] = {"KAFKA_BOOTSTRAP": bootstrap}
    await asyncio.to_thread(rig.stack.start, *CLIENTS)
