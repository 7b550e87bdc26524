"""Two consumers of one group against one, each a process of its own, on a backlog that becomes visible at once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from time import perf_counter
from uuid import uuid4

from bench.consumer_process import environment
from bench.delivery import raw_producer, ready_batches, record
from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import PARTITIONS, Rig
from shared.broker import MAX_REQUEST_BYTES
from shared.database import Pool

PATIENCE_SECONDS = 120


class _Member:
    """A consumer process, and what it last told."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.partitions = self.applied = 0
        self.changed = asyncio.Event()

    async def listen(self) -> None:
        """Take what it tells until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.partitions, self.applied = map(int, line.split())
            self.changed.set()
        self.changed.set()


@asynccontextmanager
async def _member(env: dict[str, str]) -> AsyncIterator[_Member]:
    command = (sys.executable, "-m", "bench.consumer_process")
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=PIPE, stderr=DEVNULL)
    member = _Member(process)
    listening = asyncio.create_task(member.listen())
    try:
        yield member
    finally:
        process.terminate()
        await process.wait()
        await listening


async def _until(members: list[_Member], done: partial[bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not done():
            waits = [asyncio.create_task(member.changed.wait()) for member in members]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for member, wait in zip(members, waits, strict=True):
                wait.cancel()
                member.changed.clear()


def _shared_out(members: list[_Member]) -> bool:
    return all(member.partitions == PARTITIONS // len(members) for member in members)


def _applied(members: list[_Member], rows: int) -> bool:
    return sum(member.applied for member in members) >= rows


async def _measure(rig: Rig, rows: int, count: int) -> float:
    """Return facts per second of ``count`` consumers together."""
    topic, group = rig.topic(), f"projections-{uuid4().hex}"
    async with AsyncExitStack() as stack:
        dsn, pool = await stack.enter_async_context(rig.database())
        producer = await stack.enter_async_context(
            raw_producer(rig, max_request_size=MAX_REQUEST_BYTES, transactional_id=f"bench-{uuid4().hex}")
        )
        # Facts of a transaction that is open are not given out: the members share the partitions out in peace.
        async with producer.transaction():
            ready = ready_batches(producer, (record(1) for _ in range(rows)))
            sent = [await producer.send_batch(batch, topic, partition=partition) for partition, batch in ready]
            await asyncio.gather(*sent)
            members = [
                await stack.enter_async_context(_member(environment(dsn, rig.kafka, topic, group, f"copy-{number}")))
                for number in range(count)
            ]
            await _until(members, partial(_shared_out, members))
        started = perf_counter()
        await _until(members, partial(_applied, members, rows))
        seconds = perf_counter() - started
        await _check(pool, rows)
    return rows / seconds


async def _check(pool: Pool, rows: int) -> None:
    for query in (
        "SELECT count(*) FROM effect",
        "SELECT count(*) FROM stream_position WHERE position = 1",
    ):
        if (found := await pool.fetchval(query)) != rows:
            raise VoidRunError(f"{query}: {found}, expected {rows}")


async def two_consumers(rig: Rig, size: Size) -> Result:
    """Facts per second into one table: by two consumers of a group, and by one that has all partitions."""
    rows = max(5_000, size.of(120_000))
    return await in_turn(
        Result("2 consumers ÷ 1", "facts/s", "≥ 1.7"),
        size,
        partial(_measure, rig, rows, 2),
        partial(_measure, rig, rows, 1),
    )
