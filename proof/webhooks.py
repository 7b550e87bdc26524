"""The faults of webhooks: receivers that are slow, away, closed or flapping, agreements that stop, and a worker that is killed.

What each endpoint was granted and took goes to the checker: nothing lost, nothing that was not granted, each aggregate in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from statistics import quantiles
from time import time
from typing import Any

from aiohttp import web

from ops.stack.databases import in_database
from proof.agencies import STREAM, Office, offices, settle
from proof.history import now
from proof.receivers import Answer, Receiver, drip, held_back, status
from proof.rig import QUIET_SECONDS, Rig, Size, within
from shared.database import connected

WORKER = "partners-worker"
MOST_SAMPLES = 2_000
NOISE_SECONDS = 5.0
"""What a busy machine may add to a p95 beside the 10 % that are promised; the figures are noted. Who is held up waits for a time-out of 15 s."""
STOPS_SECONDS = 5.0
"""So soon after a stop nothing leaves any more."""
FIRST_WAIT, SETTLING, ROUNDING = 2.0, 1.5, 0.1
EXPIRES = timedelta(seconds=20)
_SIX_DAYS = "UPDATE webhook_position SET failing_since = failing_since - interval '6 days', due_at = now() WHERE webhook_id = $1::uuid"


async def slow_receivers(rig: Rig, size: Size, _: Random) -> None:
    """Beside healthy endpoints: two that answer after the time-out, one with a byte a second, one with 500, one that redirects.

    Raises ``AssertionError`` if the healthy ones are held up, or the redirect is followed.
    """
    witness, wanted = Receiver(), min(size.commands * 2 // 5, MOST_SAMPLES)
    await witness.start()
    ways = [held_back(), held_back(500), drip, status(500), status(307, Location=witness.url)]
    try:
        async with offices(rig, [None] * (size.endpoints - 1)) as healthy:
            alone = await _p95(healthy, wanted)
            async with offices(rig, ways) as ill:
                async with rig.fault():
                    for office in ill:
                        await office.until_posts(1)
                    beside = await _p95(healthy, wanted)
                    for office in ill:
                        office.receiver.heal()
                await settle(rig, [*healthy, *ill])
    finally:
        await witness.stop()
    rig.notes.append(
        f"p95 from an event to {len(healthy)} healthy endpoints: {alone * 1000:,.0f} ms alone, {beside * 1000:,.0f} ms beside "
        f"{len(ways)} that are slow or fail"
    )
    assert not witness.posts, "a redirect was followed"
    assert beside <= alone * 1.1 + NOISE_SECONDS, (
        f"healthy endpoints were held up: p95 {alone:.2f} s alone, {beside:.2f} s beside"
    )


async def _p95(healthy: Sequence[Office], wanted: int) -> float:
    """Return the p95 of the next deliveries to healthy endpoints, seconds since the event happened."""
    begun = [len(office.receiver.posts) for office in healthy]
    for office, count in zip(healthy, begun, strict=True):
        await office.until_posts(count + wanted)
    delays = [
        post.delay for office, count in zip(healthy, begun, strict=True) for post in office.receiver.posts[count:]
    ]
    return quantiles(delays, n=20, method="inclusive")[18]


async def kill_deliverer(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the partners' worker in the middle of deliveries to many endpoints, again and again."""
    async with offices(rig, [None] * size.endpoints) as opened:
        for _ in range(size.strikes):
            came = [len(office.receiver.posts) for office in opened]
            for office, count in zip(opened, came, strict=True):
                await office.until_posts(count + 1)
            await asyncio.sleep(dice.uniform(0.0, 0.4))
            async with rig.fault():
                await rig.kill(WORKER)
                await rig.start(WORKER)
        await settle(rig, opened)


def _flapping(dice: Random) -> Answer:
    async def answer(_receiver: Receiver, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=dice.choice((200, 500)))

    return answer


async def retry_and_stop(rig: Rig, _: Size, dice: Random) -> None:
    """Each endpoint fails in a way of its own, or is stopped; then it is healed, resumed, or over.

    Raises ``AssertionError`` for a try before its time, and for a request after a stop.
    """
    answers = [
        status(410),
        status(429, Retry_After="4"),
        status(503, Retry_After="3"),
        _flapping(dice),
        None,
        None,
        None,
    ]
    async with offices(rig, answers) as opened, offices(rig, [None], EXPIRES) as (passing,):
        gone, busy, unavailable, flapping, down, paused, suspended = opened
        async with rig.fault():
            await down.until_posts(1)
            await down.receiver.stop()
            await asyncio.gather(
                _gone(gone),
                _ask_for_patience(busy, 4.0),
                _ask_for_patience(unavailable, 3.0),
                _stops(paused, "p", f"/webhooks/{paused.webhook}", "pause", None),
                _stops(
                    suspended, "a", f"/agreements/{suspended.agreement}", "suspension", {"cause": "permintaan_instansi"}
                ),
                _expires(passing),
                _schedule(down, None),
            )
            await _down_for_six_days(rig, down)
            flapping.receiver.heal()
        await settle(rig, [*opened, passing])


async def _gone(office: Office) -> None:
    """410 disables the endpoint; nothing more comes until it is resumed, and then all of it."""
    await office.until_state("dimatikan", "dijawab_410")
    await _nothing_comes(office, now())
    office.receiver.heal()
    await office.deed("p", f"/webhooks/{office.webhook}/resumption", {})


async def _ask_for_patience(office: Office, seconds: float) -> None:
    await _schedule(office, seconds)
    office.receiver.heal()


async def _stops(office: Office, who: str, thing: str, deed: str, body: Any) -> None:
    """A pause or a suspension stops deliveries; they go on where they stopped."""
    await office.until_posts(1)
    await office.deed(who, f"{thing}/{deed}", body)
    await _nothing_comes(office, now() + STOPS_SECONDS)
    await office.deed(who, f"{thing}/resumption", {} if who == "p" else None)


async def _expires(office: Office) -> None:
    """An agreement that runs out stops deliveries too."""
    left = office.expires.timestamp() - time()
    office.until = office.expires + timedelta(seconds=STOPS_SECONDS)
    await _nothing_comes(office, now() + left + STOPS_SECONDS)


async def _nothing_comes(office: Office, after: float) -> None:
    """Look for two seconds after a moment that no request comes."""
    await asyncio.sleep(max(0.0, after - now()) + 2.0)
    late = [post.began - after for post in office.receiver.posts if post.began > after]
    assert not late, f"{len(late)} requests came to {office.code} up to {max(late):.1f} s after it was to have stopped"


async def _schedule(office: Office, asked: float | None) -> None:
    """Follow three failures: each wait is as long as the endpoint asked for, else doubled, with half of it by chance.

    Both ends are told by the service in the database's time: when it tried, and before when it will not try again.
    """
    waits: dict[str, int] = {}
    tried: set[str] = set()
    async with within(QUIET_SECONDS, f"three failures at {office.code}"):
        while len(waits) < 3:
            shown = await office.shown()
            place = next(item for item in shown["streams"] if item["stream"] == STREAM)
            if place["tries"]:
                waits[place["due_at"]] = place["tries"]
            tried |= {item["tried_at"] for item in shown["deliveries"]}
            await asyncio.sleep(0.1)
    moments = sorted(datetime.fromisoformat(text) for text in tried)
    for text, number in waits.items():
        due = datetime.fromisoformat(text)
        last = max((moment for moment in moments if moment < due - timedelta(seconds=ROUNDING)), default=None)
        if last is not None:
            _judge(office, (due - last).total_seconds(), number, asked)


def _judge(office: Office, wait: float, number: int, asked: float | None) -> None:
    full = FIRST_WAIT * 2 ** (number - 1)
    least = max(full / 2, asked or 0.0)
    most = max(full, asked or 0.0) + SETTLING
    assert least - ROUNDING <= wait <= most, (
        f"{office.code} waited {wait:.1f} s after failure {number}, not {least:.1f} to {most:.1f}"
    )


async def _down_for_six_days(rig: Rig, office: Office) -> None:
    """An endpoint that failed for six days is disabled; it comes back, is resumed, and gets all of it. The days are told to the database."""
    await rig.kill(WORKER)
    async with connected(in_database(rig.stack.servers.superuser_dsn(), "partners")) as connection:
        await connection.execute(_SIX_DAYS, office.webhook)
    await rig.start(WORKER)
    await office.until_state("dimatikan", "gagal_tiga_hari")
    await office.receiver.start()
    await office.deed("p", f"/webhooks/{office.webhook}/resumption", {})
