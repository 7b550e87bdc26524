"""Webhooks of fifty agencies against bare posts of the same bytes, with one that hangs, and what that leaves in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from time import perf_counter, time

import aiohttp
import orjson

from bench.agencies import NETWORKS, check, lives, receivers, record, register, terms
from bench.commanding import RING_KEY
from bench.harness import Result, Size, VoidRunError, by_turns, in_turn
from bench.rig import Rig
from services.partners.domain.models import Label
from services.partners.domain.replays import Budget
from services.partners.domain.showing import show
from services.partners.domain.signing import Signer, signed_headers
from services.partners.handlers.carrying import AT_ONCE, Means
from services.partners.handlers.delivering import Deliverer
from services.partners.handlers.posting import CONTENT_TYPE, Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.texts import Texts
from services.partners.store import migrations
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool
from shared.envelope import Event
from shared.keys import KeyClient

ENDPOINTS = 50
POLL_SECONDS = 0.05
COPIES = ("disclosure", "webhook_position", "webhook_try")
"""Tables that grow with what agencies are given."""
ONCE = ("event", "event_body")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    rate: float
    """Events a second that the endpoints which answer got, all together."""
    once: float
    """Bytes that an event takes."""
    each: float
    """Bytes that it takes more for each agency."""


@asynccontextmanager
async def delivering(pool: Pool) -> AsyncIterator[None]:
    """Deliver as the worker does, for the time of the block; what hangs on the wire at its end is given up."""
    keys = KeyClient("http://127.0.0.1:1", str, "bench")
    means = Means(pool, keys, Poster(NETWORKS), SecretBox([RING_KEY]), Budget(1), Texts(pool), Tails(pool))
    stop = asyncio.Event()
    running = asyncio.create_task(Deliverer(means, "bench", POLL_SECONDS).run(stop))
    try:
        yield
        stop.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.shield(running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _bytes(pool: Pool, tables: Sequence[str]) -> int:
    query = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) AS name"
    return int(await pool.fetchval(query, list(tables)))


async def _settled(pool: Pool, endpoints: int) -> None:
    """Wait until it is stored that all endpoints have everything."""
    query = (
        "SELECT count(*) FROM webhook_position p JOIN stream s ON s.name = p.stream"
        " WHERE s.name = 'business' AND p.position = s.last"
    )
    async with asyncio.timeout(30):
        while await pool.fetchval(query) < endpoints:
            await asyncio.sleep(0.02)


async def _deliver(rig: Rig, events: list[Event], well: int, hung: int) -> Run:
    count = well * len(events)
    async with rig.database("partners", migrations()) as (_, pool), receivers(well + hung, hung) as receiver:
        await register(pool, SecretBox([RING_KEY]), receiver.ports)
        empty = await _bytes(pool, ONCE)
        await record(pool, events)
        once, before = await _bytes(pool, ONCE) - empty, await _bytes(pool, COPIES)
        started = perf_counter()
        async with delivering(pool):
            seconds = await receiver.wait(count) - started
            await _settled(pool, well)
        check(await receiver.tell(), well, len(events))
        noted = await pool.fetchval("SELECT sum(events) FROM disclosure WHERE way = 'webhook'")
        if not count <= noted <= count + hung * len(events):
            raise VoidRunError(f"the disclosure log has {noted} events, {count} were given")
        return Run(count / seconds, once / len(events), (await _bytes(pool, COPIES) - before) / count)


async def _post_bare(events: list[Event]) -> Run:
    """Post the same bytes with the same headers, as many at a time, and nothing else."""
    signers, text = [Signer(bytes(32))], terms(DeliveryWay.WEBHOOK)
    bodies = [(str(e.meta.id), orjson.dumps(show(e, Label(None, (), None, None, None), text))) for e in events]
    ready = [(body, signed_headers(signers, key, time(), body)) for key, body in bodies]
    usual = {"Content-Type": CONTENT_TYPE}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        receivers(ENDPOINTS) as receiver,
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=usual,
            timeout=aiohttp.ClientTimeout(total=60),
        ) as session,
    ):
        started = perf_counter()
        async with asyncio.TaskGroup() as group:
            for port in receiver.ports:
                left = iter(ready)
                for _ in range(AT_ONCE):
                    group.create_task(_bare(session, f"http://127.0.0.1:{port}/masuk", left))
        seconds = await receiver.wait(ENDPOINTS * len(events)) - started
    return Run(ENDPOINTS * len(events) / seconds, 0, 0)


async def _bare(session: aiohttp.ClientSession, url: str, left: Iterator[tuple[bytes, dict[str, str]]]) -> None:
    for body, headers in left:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            await response.read()
            if response.status != 200:
                raise VoidRunError(f"a bare post was answered {response.status}")


async def webhooks(rig: Rig, size: Size) -> list[Result]:
    """Webhooks of 50 agencies a second, signed, noted and in order, against bare posts of the same bytes; and what they store."""
    events = lives(size.of(45_000) // ENDPOINTS)
    kept = await by_turns(
        size,
        {"bare": partial(_post_bare, events), "product": partial(_deliver, rig, events, ENDPOINTS, 0)},
    )
    bare, product = kept["bare"], kept["product"]
    return [
        Result(
            "webhooks of 50 endpoints ÷ bare aiohttp posts",
            "events/s",
            "≥ 0.75",
            [run.rate for run in product],
            [run.rate for run in bare],
        ),
        Result("an event for all agencies", "bytes", "none", [run.once for run in product]),
        Result("and for each agency that is posted it", "bytes", "no copy", [run.each for run in product]),
    ]


async def hung_endpoint(rig: Rig, size: Size) -> Result:
    """Webhooks of 49 agencies a second while a fiftieth never answers, against the same 49 alone."""
    events = lives(size.of(45_000) // ENDPOINTS)

    async def rate(hung: int) -> float:
        return (await _deliver(rig, events, ENDPOINTS - 1, hung)).rate

    return await in_turn(
        Result("webhooks of 49 endpoints beside one that hangs ÷ alone", "events/s", "> 0.9"),
        size,
        partial(rate, 1),
        partial(rate, 0),
    )
