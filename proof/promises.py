"""The promises, and the fault that tries each. Numbers are those of docs/reliability.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import asyncpg
import httpx2
from aiokafka import AIOKafkaProducer, TopicPartition

from proof.health import tell_the_truth
from proof.history import Kind, Step, now
from proof.load import PLACE
from proof.rig import Fault, Outcome, Rig, Size
from shared.auth import Role
from shared.broker import make_producer, make_reader
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC

SESSION_SECONDS = 10.0
"""After so long without a heartbeat, Kafka gives a consumer's partitions to somebody else."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. ``judge`` may add what else must hold to the outcome."""

    number: str
    text: str
    what: str
    """The fault, in words."""
    fault: Fault
    copies: tuple[str, ...] = ()
    """Processes that run beside the declared ones."""
    parked: int = 0
    """Records that must end up parked; with any, the audit's findings about them are expected."""
    judge: Callable[[Outcome, Size], list[str]] = field(default=lambda _outcome, _size: [])


async def _a_moment(dice: Random, longest: float = 0.6) -> None:
    """Let the fault strike at another point of the work each time."""
    await asyncio.sleep(dice.uniform(0.05, longest))


async def kill_api(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the API in the middle of commands, again and again."""
    for _ in range(size.strikes):
        await _a_moment(dice)
        async with rig.fault():
            await rig.kill("registry-api")
            await rig.start("registry-api")


async def kill_consumers(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL a consumer in the middle of its batches, again and again."""
    for strike in range(size.strikes):
        await _a_moment(dice)
        name = ("projections-worker", "notifications-worker")[strike % 2]
        async with rig.fault():
            await rig.kill(name)
            await rig.start(name)


async def kill_kafka(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the broker; it is away for a while."""
    for seconds in size.away:
        await _a_moment(dice)
        async with rig.fault():
            await rig.kill("kafka")
            await asyncio.sleep(seconds)
            await rig.start("kafka")


async def kill_postgres(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the postmaster; then cut only the relay's connections."""
    for seconds in size.away:
        await _a_moment(dice)
        async with rig.fault():
            await rig.kill("postgres")
            await asyncio.sleep(seconds)
            await rig.start("postgres")
    for _ in range(size.strikes):
        await _a_moment(dice)
        async with rig.fault():
            connection = await asyncpg.connect(rig.stack.servers.superuser_dsn())
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%relay_cursor%' AND datname = 'registry'"
            )
            await connection.close()


async def freeze_a_consumer(rig: Rig, _: Size, dice: Random) -> None:
    """Freeze a consumer past its session, while another one takes its partitions; then let it go on."""
    await _a_moment(dice)
    async with rig.fault():
        await rig.freeze("projections-worker")
        await asyncio.sleep(SESSION_SECONDS + 4)
        await rig.thaw("projections-worker")


async def freeze_kafka(rig: Rig, _: Size, dice: Random) -> None:
    """Freeze the broker past the sessions of the consumers: packets go nowhere, no connection is closed."""
    await _a_moment(dice)
    async with rig.fault():
        await rig.freeze("kafka")
        await asyncio.sleep(SESSION_SECONDS + 4)
        await rig.thaw("kafka")


async def restart_consumers_all_the_time(rig: Rig, size: Size, dice: Random) -> None:
    """One of three consumers stops and starts every 3 s."""
    for strike in range(size.strikes):
        name = ("projections-worker-2", "projections-worker-3", "projections-worker")[strike % 3]
        async with rig.fault():
            await asyncio.to_thread(rig.stack.stop, name)
            await rig.start(name)
        await asyncio.sleep(dice.uniform(0.0, 3.0))


async def publish_again(rig: Rig, _: Size, dice: Random) -> None:
    """Send records of the log again: each with p = 0.3, then a topic whole."""
    async with rig.fault():
        for topic, share in ((BUSINESS_TOPIC, 0.3), (OWNER_TOPIC, 0.3), (BUSINESS_TOPIC, 1.0)):
            await _publish_again(rig, topic, share, dice)


async def _publish_again(rig: Rig, topic: str, share: float, dice: Random) -> None:
    reader = make_reader(rig.stack.credentials("operator"), "proof-again")
    producer = make_producer(rig.stack.credentials("operator"), "proof-again")
    await reader.start()
    await producer.start()
    try:
        places = [TopicPartition(topic, number) for number in sorted(await producer.partitions_for(topic))]
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        ends = await reader.end_offsets(places)
        waiting = {place for place, end in ends.items() if end}
        while waiting:
            for place, records in (await reader.getmany(timeout_ms=200)).items():
                for r in records:
                    if r.offset < ends[place] and dice.random() < share:
                        await producer.send(topic, r.value, key=r.key, partition=r.partition, headers=list(r.headers))
            waiting = {place for place in waiting if await reader.position(place) < ends[place]}
    finally:
        await producer.stop()
        await reader.stop()


POISON = 20
CONSUMERS_OF_BUSINESSES = 2


async def poison(rig: Rig, _: Size, dice: Random) -> None:
    """Put records on the topic that no consumer can read, in front of the others' work."""
    producer = make_producer(rig.stack.credentials("operator"), "proof-poison")
    await producer.start()
    try:
        async with rig.fault():
            for number in range(POISON):
                await _poison_one(producer, number, dice)
                await _a_moment(dice, 0.15)
    finally:
        await producer.stop()


async def _poison_one(producer: AIOKafkaProducer, number: int, dice: Random) -> None:
    bad: tuple[tuple[bytes | None, list[tuple[str, bytes | None]]], ...] = (
        (b"not json", [("ce_type", b"x")]),
        (None, []),
        (b"{}", [("ce_subject", b"\xff\xfe"), ("ce_sequence", None)]),
        (dice.randbytes(900_000), [("h\x00", b"\x00")]),
    )
    value, headers = bad[number % len(bad)]
    key = str(uuid4()).encode() if number % 3 else b"\xff\x00key"
    await producer.send_and_wait(BUSINESS_TOPIC, value, key=key, partition=number % 6, headers=headers)


async def kill_and_freeze_relays(rig: Rig, size: Size, dice: Random) -> None:
    """Three relays: one is killed, another one is frozen, long enough to be taken for dead, and goes on."""
    names = ["registry-relay", "registry-relay-2", "registry-relay-3"]
    for strike in range(size.strikes):
        await _a_moment(dice)
        victim = names[strike % 3]
        async with rig.fault():
            if strike % 2:
                await rig.freeze(victim)
                await _take_over(rig)
                await rig.thaw(victim)
            else:
                await rig.kill(victim)
                await rig.start(victim)


async def _take_over(rig: Rig) -> None:
    """Cut the database connections of who is frozen, as its TCP timeouts would in the end: its shards go to the others."""
    await asyncio.sleep(2.0)
    connection = await asyncpg.connect(rig.stack.servers.superuser_dsn())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'registry' AND query LIKE '%relay_cursor%' "
        "AND state_change < now() - interval '1.5 s'"
    )
    await connection.close()
    await asyncio.sleep(2.0)


async def restart_apis(rig: Rig, size: Size, dice: Random) -> None:
    """Stop and start three copies of the API one after another, as an upgrade does."""
    for strike in range(max(3, size.strikes)):
        name = rig.apis[strike % len(rig.apis)]
        async with rig.fault():
            await asyncio.to_thread(rig.stack.stop, name)
            await rig.start(name)
        await _a_moment(dice, 0.3)


async def hold_consumers_back(rig: Rig, size: Size, dice: Random) -> None:
    """Consumers are away while work goes on; then they have a backlog."""
    await _a_moment(dice)
    async with rig.fault():
        for name in ("projections-worker", "notifications-worker"):
            await rig.kill(name)
        await asyncio.sleep(max(size.away))
        for name in ("projections-worker", "notifications-worker"):
            await rig.start(name)


PARALLEL = 50
RACERS = -1
"""The process number of those who race, in the history."""


async def race_one_key(rig: Rig, size: Size, dice: Random) -> None:
    """50 parallel requests with one idempotency key, the same and another body; the API is killed in between."""
    for _ in range(size.strikes):
        async with rig.fault():
            racing = asyncio.create_task(_race(rig, dice))
            await _a_moment(dice, 0.1)
            await rig.kill("registry-api")
            await rig.start("registry-api")
            await racing


async def _race(rig: Rig, dice: Random) -> None:
    """Raise ``AssertionError`` if one key has had more than one effect, or an answer that Stripe's rules do not know."""
    key, name, began = uuid4().hex, f"Lomba {dice.random()}", now()
    headers = {"Authorization": f"Bearer {rig.stack.token([Role.PETUGAS_DINAS])}", "Idempotency-Key": key}
    bodies = [{"name": name, "kelurahan": PLACE}, {"name": f"{name} lain", "kelurahan": PLACE}]
    found: set[str] = set()
    async with httpx2.AsyncClient(timeout=15, headers=headers) as client:

        async def one(number: int) -> None:
            body = bodies[number % 5 == 4]
            for _ in range(200):
                try:
                    answer = await client.post(f"{rig.registries()[0]}/owners", json=body)
                except httpx2.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code in (409, 503):
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code == 201:
                    found.add(answer.json()["id"])
                elif answer.status_code != 422:
                    raise AssertionError(f"{answer.status_code}: {answer.text[:200]}")
                return
            raise AssertionError("no answer in 40 s")

        await asyncio.gather(*(one(number) for number in range(PARALLEL)))
    if len(found) != 1:
        raise AssertionError(f"{PARALLEL} requests with one key made {len(found)} owners")
    rig.history.add(Step(RACERS, Kind.OK, "owner", began, now(), found.pop(), 1, key))


def _always_answered(outcome: Outcome, _: Size) -> list[str]:
    return [] if outcome.availability >= 0.999 else [f"only {outcome.availability:.1%} of requests were answered"]


def _one_retry_was_enough(outcome: Outcome, _: Size) -> list[str]:
    found = []
    if outcome.most_tries > 2:
        found.append(f"a command had to be sent {outcome.most_tries} times")
    if outcome.unknown:
        found.append(f"the outcome of {outcome.unknown} commands is unknown; without an answer: {outcome.unanswered}")
    return found


PROMISES: tuple[Promise, ...] = (
    Promise("P1", "No acknowledged command loses its event", "SIGKILL of the API under load", kill_api),
    Promise("P2", "A consumer's crash loses nothing and repeats nothing", "SIGKILL of each consumer", kill_consumers),
    Promise("P3", "The broker may die", "SIGKILL of Kafka", kill_kafka, judge=_always_answered),
    Promise("P4", "PostgreSQL may die", "SIGKILL of the postmaster; the relay's connections cut", kill_postgres),
    Promise(
        "P5a", "A consumer that was taken for dead does no harm", "SIGSTOP past the session, a second one takes over",
        freeze_a_consumer, copies=("projections-worker-2",),
    ),
    Promise("P5b", "The network to the broker may be cut", "SIGSTOP of Kafka past the sessions", freeze_kafka, judge=_always_answered),
    Promise(
        "P6", "Rebalances neither lose nor storm", "one of three consumers stops and starts again and again",
        restart_consumers_all_the_time, copies=("projections-worker-2", "projections-worker-3"),
    ),
    Promise("P7", "Duplicates are harmless", "records sent again with p = 0.3; a topic sent again whole", publish_again),
    Promise(
        "P9", "Poison delays only its own key", "records that nobody can read", poison, parked=POISON, judge=_always_answered
    ),
    Promise(
        "P15", "Any number of relays is safe", "three relays, killed and frozen in turn", kill_and_freeze_relays,
        copies=("registry-relay-2", "registry-relay-3"), judge=_always_answered,
    ),
    Promise(
        "P17", "A rolling restart is invisible", "three API copies stopped and started one after another", restart_apis,
        copies=("registry-api-2", "registry-api-3"), judge=_one_retry_was_enough,
    ),
    Promise("P20", "Health tells the truth", "servers killed and frozen, a worker frozen", tell_the_truth),
    Promise("P22", "A backlog drains", "consumers away while work goes on", hold_consumers_back, judge=_always_answered),
    Promise("P23", "Idempotency keys hold in a race", "50 requests with one key, SIGKILL of the API in between", race_one_key),
)  # fmt: skip


async def prove(rig: Rig, promise: Promise, size: Size, seed: int) -> Outcome:
    """Run one promise on a platform that is up; what it needs beside that is started for it and stopped again."""
    for name in promise.copies:
        await rig.start(name)
    rig.apis = ["registry-api", *(name for name in promise.copies if "-api-" in name)]
    history = rig.folder / f"history-{promise.number}-{seed}.jsonl"
    try:
        outcome = await rig.run(promise.fault, size, seed, history)
    finally:
        rig.apis = ["registry-api"]
        for name in promise.copies:
            await asyncio.to_thread(rig.stack.stop, name)
    outcome.failures += promise.judge(outcome, size)
    found = {
        kind: count for kind, count in outcome.report.total_findings.items() if kind != "parked" or not promise.parked
    }
    if found:
        outcome.failures.append(f"the audit: {found}")
    if outcome.report.parked != promise.parked * CONSUMERS_OF_BUSINESSES:
        outcome.failures.append(f"{outcome.report.parked} records are parked")
    await rig.discard_parked()
    return outcome
