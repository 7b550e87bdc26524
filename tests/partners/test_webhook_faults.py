"""Deliverers that are killed and frozen in the middle: nothing is lost, what comes twice has the same id, aggregates keep their order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta

import pytest

from ops.stack.services import ROOT
from services.partners.handlers.carrying import PAGE
from services.partners.handlers.delivering import LEASE
from services.partners.store.deliveries import brief
from shared.database import SERVER_ERRORS, TRANSACTION_TIMEOUT, is_infrastructure_error
from tests.partners.bureau import Bureau
from tests.partners.receiving import Receiver, agree_and_register, in_order, receiving, until

ENDPOINTS = 5
BUSINESSES = 80
EACH = 10
KILLS = 4
ALL = ENDPOINTS * BUSINESSES * EACH
TWICE_AT_MOST = KILLS * ENDPOINTS * PAGE
"""A page of each endpoint at most, each time."""


@contextmanager
def process(dsn: str, instance: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a deliverer as a process."""
    command = [sys.executable, "-m", "tests.partners.delivering_process", dsn, instance]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait(timeout=30)


async def endpoints(bureau: Bureau, stack: AsyncExitStack) -> list[Receiver]:
    """Return receivers, each of an agency of its own, and let the registry tell of what they are granted."""
    receivers = [await stack.enter_async_context(receiving()) for _ in range(ENDPOINTS)]
    for number, receiver in enumerate(receivers):
        await agree_and_register(bureau, receiver.url, agency=f"dinas-{number}")
    businesses = await bureau.businesses(BUSINESSES)
    for _ in range(EACH - 1):
        await bureau.hear(*(bureau.story.verified(business_id) for business_id in businesses))
    return receivers


def came(receivers: list[Receiver]) -> int:
    """Return how many requests came."""
    return sum(len(receiver.posted) for receiver in receivers)


def check(receivers: list[Receiver]) -> int:
    """Check that nothing is lost and all is in order; return how many came again."""
    again = 0
    for receiver in receivers:
        times = Counter(item.id for item in receiver.posted)
        assert len(times) == BUSINESSES * EACH
        assert in_order(receiver.posted)
        again += sum(count - 1 for count in times.values())
    return again


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_deliverer_that_is_killed_again_and_again_loses_nothing(bureau: Bureau) -> None:
    async with AsyncExitStack() as stack:
        receivers = await endpoints(bureau, stack)
        for kills in range(1, KILLS + 1):
            with process(bureau.database.dsn, "satu") as running:
                async with asyncio.timeout(60):
                    while came(receivers) < ALL * kills // (KILLS + 2):
                        await asyncio.sleep(0.005)
                running.send_signal(signal.SIGKILL)
        with process(bureau.database.dsn, "satu"):
            async with asyncio.timeout(60):
                while any(len({item.id for item in receiver.posted}) < BUSINESSES * EACH for receiver in receivers):
                    await asyncio.sleep(0.02)
        assert check(receivers) <= TWICE_AT_MOST


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_one_that_is_frozen_and_goes_on_after_another_took_over_does_no_harm(bureau: Bureau) -> None:
    async with AsyncExitStack() as stack:
        receivers = await endpoints(bureau, stack)
        with process(bureau.database.dsn, "satu") as frozen:
            await until(lambda: came(receivers) > ALL // 8)
            frozen.send_signal(signal.SIGSTOP)
            with process(bureau.database.dsn, "dua"):
                async with asyncio.timeout(60):
                    while any(len({item.id for item in receiver.posted}) < BUSINESSES * EACH for receiver in receivers):
                        await asyncio.sleep(0.02)
                before = came(receivers)
                frozen.send_signal(signal.SIGCONT)
                businesses = await bureau.pool.fetch("SELECT DISTINCT subject FROM event WHERE stream = 'business'")
                await bureau.hear(*(bureau.story.verified(row["subject"]) for row in businesses))
                wanted = BUSINESSES * (EACH + 1)
                async with asyncio.timeout(60):
                    while any(len({item.id for item in receiver.posted}) < wanted for receiver in receivers):
                        await asyncio.sleep(0.02)
        assert all(in_order(receiver.posted) for receiver in receivers)
        # What the frozen one had in hand may come again, at most so many for each endpoint; nothing else.
        assert came(receivers) - before <= ENDPOINTS * (BUSINESSES + 8)


async def test_the_server_ends_what_a_worker_stores_long_before_its_endpoint_is_another_ones(bureau: Bureau) -> None:
    async def linger() -> None:
        async with brief(bureau.pool) as connection:
            assert await connection.fetchval("SHOW transaction_timeout") == "5s"
            await connection.execute("SELECT pg_sleep(20)")

    with pytest.raises(SERVER_ERRORS) as caught:
        await linger()
    assert is_infrastructure_error(caught.value)
    assert timedelta(seconds=5) < LEASE
    assert await bureau.pool.fetchval("SHOW transaction_timeout") == TRANSACTION_TIMEOUT
