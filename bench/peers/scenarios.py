"""What is measured of a peer, and what strikes it. Each scenario has a fresh database and topic, and ours goes through it too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from statistics import quantiles
from time import monotonic

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka.error import KafkaException

from bench.peers import peers
from bench.peers.ground import CALM_SECONDS, Ground, ScenarioFailedError, Stage, address_of, ground
from bench.peers.peers import Peer
from bench.peers.verdict import Address, Tally, fate
from bench.rig import PARTITIONS
from shared.broker import make_reader

RATE_SECONDS = 240.0
FEW_KEYS = 8
POISON_AT = 20
NEVER = 10**9
ENOUGH = 20


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    runs: int
    """Of the rate, the peers in turn."""
    backlog: int
    timed: int
    """Commands whose latency is taken."""
    pace: int
    """Commands a second under faults."""
    crash_pace: int
    """Commands a second while those who give them are killed: many are in hand then."""
    kills: int
    seconds: float
    """How long two at once work."""
    away: float
    """Seconds without the broker."""


FULL = Size(runs=3, backlog=50_000, timed=5_000, pace=200, crash_pace=1_000, kills=10, seconds=20.0, away=60.0)
QUICK = Size(runs=1, backlog=2_000, timed=500, pace=100, crash_pace=1_000, kills=2, seconds=4.0, away=6.0)
TIMED_PACE = 500


@dataclass(slots=True)
class Found:
    """What one scenario came to. ``figures`` by name; ``said`` are sentences for the table."""

    peer: str
    scenario: str
    tally: Tally | None = None
    figures: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    failed: str | None = None
    """Why nothing was measured."""


Scenario = Callable[[Stage, Peer, Size], Awaitable[Found]]


async def rate(stage: Stage, peer: Peer, size: Size) -> Found:
    """A backlog to Kafka: from the moment it is committed until the log holds it. Who has no outbox tells from memory."""
    async with ground(stage, peer, keys=64) as place:
        place.start_relay()
        await place.warm(place.log)
        before = await place.records()
        place.start_commands(count=size.backlog, pad=428)
        deadline = monotonic() + RATE_SECONDS
        while await place.records() < before + size.backlog:
            if monotonic() > deadline:
                raise ScenarioFailedError(f"{peer.name}: {size.backlog:,} rows took longer than {RATE_SECONDS:g} s")
            await asyncio.sleep(0.005)
        ended = monotonic()
        began = float(place.steps("start")[0][0])
    return Found(peer.name, peers.RATE, figures={"rows/s": size.backlog / (ended - began)})


async def latency(stage: Stage, peer: Peer, size: Size) -> Found:
    """From the start of a command until a reader has its record, at a steady rate."""
    seen: dict[Address, float] = {}
    async with ground(stage, peer, keys=64) as place:
        place.start_relay()
        await place.warm(place.log)
        reader = make_reader(stage.rig.kafka, "bench-peers-latency")
        await reader.start()
        watching = asyncio.create_task(_watch(reader, place.topic, seen))
        try:
            place.start_commands(count=size.timed, pace=TIMED_PACE)
            await place.ended("commands", 60 + 3 * size.timed / TIMED_PACE)
            deadline = monotonic() + 60
            done = [(key, int(number), float(begun)) for key, number, begun, _ in place.steps("ok")]
            while not all((key, number) in seen for key, number, _ in done) and monotonic() < deadline:
                await asyncio.sleep(0.05)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            await reader.stop()
        spent = [float(words[3]) for words in place.steps("ok")][-1] - float(place.steps("start")[0][0])
    waits = [1000 * (seen[key, number] - begun) for key, number, begun in done if (key, number) in seen]
    cuts = quantiles(waits, n=100)
    figures = {"p50 ms": cuts[49], "p99 ms": cuts[98], "commands/s": len(done) / spent}
    return Found(peer.name, peers.LATENCY, figures=figures)


async def _watch(reader: object, topic: str, seen: dict[Address, float]) -> None:
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    reader.assign(places)  # type: ignore[attr-defined]
    while True:
        for records in (await reader.getmany(timeout_ms=50)).values():  # type: ignore[attr-defined]
            now = monotonic()
            for raw in records:
                seen.setdefault(address_of(raw), now)


async def crash(stage: Stage, peer: Peer, size: Size) -> Found:
    """P1: the process that gives commands is killed in the midst of them, again and again; so is the relay, every third time."""
    dice = Random(1)
    async with ground(stage, peer) as place:
        place.start_relay()
        since = await place.warm(place.log)
        place.start_commands(pace=size.crash_pace)
        for strike in range(size.kills):
            await _working(place)
            await asyncio.sleep(dice.uniform(0.5, 1.5))
            place.kill("commands")
            if strike % 3 == 2 and place.relays():
                place.kill("relay-1")
                place.start_relay()
            place.start_commands(pace=size.crash_pace)
        await _working(place)
        await asyncio.sleep(1.0)
        await place.stop("commands")
        healed = monotonic()
        result = await place.settle(place.log, since)
        waited = monotonic() - healed
        acknowledged = len(place.steps("ok"))
    said = [f"{size.kills} kills, {acknowledged:,} commands answered"]
    if result.lost == 0 and peer.relay is not None:
        said.append(f"whole {max(0.0, waited - CALM_SECONDS):.0f} s after the last command")
    return Found(peer.name, peers.CRASH, result, said=said)


async def _working(place: Ground) -> None:
    """Wait until commands of the process that was started last are answered and its way to the log is open.

    Else a kill would meet the start of a client, and not its work.
    """
    answered, deadline = len(place.steps("ok")), monotonic() + 60
    while len(place.steps("ok")) < answered + ENOUGH:
        if monotonic() > deadline or not place.running["commands"].alive:
            raise ScenarioFailedError(f"{place.peer.name}: no commands came through; {place.tails()}")
        await asyncio.sleep(0.02)
    records = await place.records()
    while await place.records() < records + ENOUGH and monotonic() < deadline:
        await asyncio.sleep(0.02)


async def rivals(stage: Stage, peer: Peer, size: Size) -> Found:
    """P15: two processes give commands to the same few keys, and two relays publish; in the middle one relay is killed."""
    async with ground(stage, peer, keys=FEW_KEYS) as place:
        place.start_relay(1)
        since = await place.warm(place.log)
        if peer.relay is not None:
            place.start_relay(2)
            await place.relay_up(2)
        for number in (1, 2):
            place.start_commands(f"commands-{number}", pace=size.pace)
        await asyncio.sleep(size.seconds / 2)
        if place.relays():
            place.kill("relay-1")
        await asyncio.sleep(size.seconds / 2)
        for number in (1, 2):
            await place.stop(f"commands-{number}")
        result = await place.settle(place.log, since)
    if peer.relay is None:
        said = "two publishers, it has no relay"
    else:
        said = (
            "the other relay took over"
            if not result.lost
            else f"after {peer.patience:g} s the other relay had not taken over all"
        )
    return Found(peer.name, peers.RIVALS, result, said=[said])


async def away(stage: Stage, peer: Peer, size: Size) -> Found:
    """The broker is killed and comes back; commands go on meanwhile."""
    pace = size.pace / 4
    async with ground(stage, peer) as place:
        place.start_relay()
        since = await place.warm(place.log)
        place.start_commands(pace=pace)
        await asyncio.sleep(2.0)
        gone = monotonic()
        await asyncio.to_thread(stage.stack.kill, "kafka")
        try:
            await asyncio.sleep(size.away)
        finally:
            back = monotonic()
            await asyncio.to_thread(stage.stack.start, "kafka")
        await asyncio.sleep(5.0)
        await place.stop("commands")
        result = await place.settle(place.log, since)
        answered = sum(1 for words in place.steps("ok") if gone < float(words[3]) < back)
        failed = len(place.steps("fail"))
    share = min(1.0, answered / (pace * (back - gone)))
    said = [f"{share:.0%} of the pace answered meanwhile", f"{failed} commands told of a failure"]
    return Found(peer.name, peers.AWAY, result, figures={"answered": share}, said=said)


async def consumer(stage: Stage, peer: Peer, size: Size) -> Found:
    """P2: the consumer is killed in the midst of its work, again and again; its effects are counted."""
    dice = Random(2)
    async with ground(stage, peer) as place:
        await _start_way(place)
        since = await place.warm(place.felt)
        place.start_commands(pace=size.pace)
        for _ in range(size.kills):
            await _felt_more(place)
            await asyncio.sleep(dice.uniform(0.2, 1.2))
            place.kill("consumer")
            place.start_consumer()
        await _felt_more(place)
        await asyncio.sleep(1.0)
        await place.stop("commands")
        result = await place.settle(place.felt, since)
    return Found(peer.name, peers.CONSUMER, result, said=[f"{size.kills} kills"])


async def _start_way(place: Ground, **more: object) -> None:
    """Start the consumer, and the relay unless the consumer takes the rows itself."""
    place.start_consumer(**more)
    if not place.peer.in_place:
        place.start_relay()


async def _felt_more(place: Ground) -> None:
    """Wait until the consumer that was started last has effects, for as long as that takes it (a minute at most)."""
    before, deadline = len(await place.felt()), monotonic() + 60
    while len(await place.felt()) < before + 20 and monotonic() < deadline:
        await asyncio.sleep(0.1)


async def poison(stage: Stage, peer: Peer, size: Size) -> Found:
    """P9: one event can never be handled, and 2 % of the others fail once; what becomes of them and of their neighbours."""
    each = POISON_AT + max(20, size.timed // 50)
    async with ground(stage, peer) as place:
        key = place.keys[0]
        await _start_way(place, poison=f"{key}#{POISON_AT}#", transient=0.02)
        since = await place.warm(place.felt)
        place.start_commands(count=each * len(place.keys), pace=size.pace)
        await place.ended("commands", 120 + each * len(place.keys) / size.pace)
        # The key of the poison is judged apart; of the others nothing may be missing.
        result = await place.settle(place.felt, since | {key: NEVER})
        top, seen = (await place.versions())[key], await place.felt()
        kept = await _kept(place)
    said = [fate(key, POISON_AT, top, seen), kept]
    return Found(peer.name, peers.POISON, result, said=said)


async def _kept(place: Ground) -> str:
    """Tell where the poison is now."""
    if place.peer is peers.OURS:
        rows = await place.fetch("SELECT count(*) FROM parked_event")
        return f"{rows[0][0]} events of that key parked, to be redriven in order"
    if place.peer.environment == "outbox":
        waiting = await place.fetch("SELECT count(*) FROM peer_outbox")
        dead = await place.fetch("SELECT count(*) FROM peer_outbox_dlq")
        return f"{waiting[0][0]} rows in retry, {dead[0][0]} in its dead-letter table"
    return "the poison itself is gone from the way; only a log line tells of it"


SCENARIOS: dict[str, Scenario] = {
    peers.LATENCY: latency,
    peers.CRASH: crash,
    peers.RIVALS: rivals,
    peers.CONSUMER: consumer,
    peers.POISON: poison,
    peers.AWAY: away,
}


async def run_one(scenario: Scenario, name: str, stage: Stage, peer: Peer, size: Size) -> Found:
    """Run a scenario; what keeps it from being measured is told in what is found, not raised."""
    try:
        return await scenario(stage, peer, size)
    except ScenarioFailedError as error:
        return Found(peer.name, name, failed=str(error))
    except (asyncpg.PostgresError, KafkaError, KafkaException, OSError, TimeoutError) as error:
        return Found(peer.name, name, failed=f"{type(error).__name__}: {str(error)[:200]}")
