"""The feed over HTTP, page after page; and the partner service's memory while a thousand long polls wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import aiohttp
import orjson
import psutil

from bench.agencies import agree, lives, receivers, record, register, terms
from bench.harness import Result, Size, VoidRunError, by_turns
from bench.rig import PARTITIONS, Rig
from services.partners.handlers.sealing import SecretBox
from services.partners.store import migrations
from shared.auth import Role
from shared.contracts.partnership import DeliveryWay
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Pool
from shared.envelope import Event

READERS = 4
PAGE = 1_000
AGENCIES = 100
POLLS = 1_000
WAIT_SECONDS = 30
WAITING = b"naikkelas_feed_waiting "
MEGABYTE = 1e6


def _session(rig: Rig, port: int, agency: str) -> aiohttp.ClientSession:
    """Return an agency's client."""
    token = rig.token([Role.INSTANSI], agency=agency)
    return aiohttp.ClientSession(
        f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=120),
    )


async def _page(session: aiohttp.ClientSession, **params: Any) -> tuple[bytes, str]:
    """Return a page and where the next one begins."""
    async with session.get("/feed/business", params=params) as response:
        if response.status != 200:
            raise VoidRunError(f"the feed answered {response.status}")
        return await response.read(), response.headers["Feed-Next"]


async def _read(session: aiohttp.ClientSession, pages: int) -> list[bytes]:
    """Read so many pages, one after another, from the first event."""
    found, cursor = list[bytes](), dict[str, str]()
    for _ in range(pages):
        page, following = await _page(session, limit=PAGE, **cursor)
        found.append(page)
        cursor = {"after": following}
    return found


async def feed(rig: Rig, size: Size) -> Result:
    """Events a second that one API process gives to four agencies, in pages of 1,000, noted and in order."""
    events = lives(size.of(20_000))
    expected, pages = [str(event.meta.id) for event in events], -(-len(events) // PAGE)

    async def measure() -> float:
        async with (
            rig.database("partners", migrations()) as (dsn, pool),
            rig.process("partners", dsn, "services.partners", "api") as (port, _),
        ):
            await record(pool, events)
            for number in range(READERS):
                await agree(pool, f"dinas-{number}", terms(DeliveryWay.FEED))
            sessions = [_session(rig, port, f"dinas-{number}") for number in range(READERS)]
            started = perf_counter()
            read = await asyncio.gather(*(_read(session, pages) for session in sessions))
            seconds = perf_counter() - started
            for session in sessions:
                await session.close()
            noted = await pool.fetchval("SELECT sum(events) FROM disclosure")
        ids = [[event["id"] for page in reader for event in orjson.loads(page)] for reader in read]
        if ids != [expected] * READERS or noted != READERS * len(expected):
            raise VoidRunError("a reader did not get each event once, in order and noted")
        return READERS * len(events) / seconds

    kept = await by_turns(size, {"product": measure})
    return Result("feed, one process of the API", "events/s", "≥ 20,000", kept["product"])


async def _poll_all(sessions: Sequence[aiohttp.ClientSession], polls: int) -> list[asyncio.Task[tuple[bytes, str]]]:
    """Open so many long polls after what there is."""
    cursors = [(await _page(session, limit=PAGE))[1] for session in sessions]
    return [
        asyncio.create_task(_page(sessions[at], after=cursors[at], wait=WAIT_SECONDS))
        for at in (number % len(sessions) for number in range(polls))
    ]


async def _until_waiting(session: aiohttp.ClientSession, polls: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with session.get("/metrics") as response:
                lines = (await response.read()).splitlines()
            if WAITING + str(polls).encode() in lines:
                return
            await asyncio.sleep(0.1)


async def _held(rig: Rig, before: list[Event], one: Event, agencies: int, polls: int) -> tuple[float, float]:
    """Return the most that API and worker held, bytes (PSS), and the seconds until the last poll had one event."""
    async with (
        rig.database("partners", migrations()) as (dsn, pool),
        receivers(agencies) as receiver,
        rig.process("partners", dsn, "services.partners", "api") as (port, api),
        rig.process("partners", dsn, "services.partners", "worker") as (_, worker),
    ):
        await register(pool, SecretBox(rig.webhook_keys()), receiver.ports)
        await record(pool, before)
        await receiver.wait(agencies * len(before))
        sessions = [_session(rig, port, f"dinas-{number}") for number in range(agencies)]
        waiting = await _poll_all(sessions, polls)
        await _until_waiting(sessions[0], polls)
        held = _memory(api, worker)
        started = perf_counter()
        answers = await _answers(pool, waiting, one)
        seconds = perf_counter() - started
        await receiver.wait(agencies * (len(before) + 1))
        held = max(held, _memory(api, worker))
        for session in sessions:
            await session.close()
    if any([event["id"] for event in orjson.loads(page)] != [str(one.meta.id)] for page, _ in answers):
        raise VoidRunError("a long poll did not come back with the one event")
    return held, seconds


async def _answers(
    pool: Pool, waiting: Sequence[asyncio.Task[tuple[bytes, str]]], one: Event
) -> list[tuple[bytes, str]]:
    await record(pool, [one])
    return await asyncio.gather(*waiting)


def _memory(*processes: int) -> float:
    return float(sum(psutil.Process(process).memory_full_info().pss for process in processes))


async def long_polls(rig: Rig, size: Size) -> list[Result]:
    """Memory of the partners' API and worker with 100 agencies, each with an endpoint, and 1,000 long polls that one event answers."""
    rig.declared_topics()
    rig.empty_topic(BUSINESS_TOPIC, PARTITIONS)  # the worker would record for agencies what others left there
    agencies = max(5, int(AGENCIES * size.scale))
    polls = max(50, int(POLLS * size.scale))
    *before, one = lives(size.of(400) + 1)
    measure = {"held": lambda: _held(rig, before, one, agencies, polls)}
    kept = (await by_turns(size, measure))["held"]
    what = f"{agencies} agencies and {polls:,} long polls"
    return [
        Result(f"partners' API and worker together, {what}", "MB", "≤ 300", [held / MEGABYTE for held, _ in kept]),
        Result("one event until the last of these polls has it", "ms", "none", [1000 * seconds for _, seconds in kept]),
    ]
