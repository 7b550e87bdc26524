"""The faults: each strikes a platform under load, and heals it again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from uuid import uuid4

import asyncpg
import httpx2
from aiokafka import AIOKafkaProducer, TopicPartition

from ops.generator.generate import generate
from ops.stack.kafka import name_of
from proof.evidence import records_to_end
from proof.history import Kind, Step, now
from proof.load import PLACE
from proof.rig import WORKERS, Rig, Size
from shared.auth import Role
from shared.broker import make_producer, make_reader
from shared.contracts.registry import BUSINESS_TOPIC, OWNER_TOPIC
from shared.envelope import EnvelopeError, headers_of, read_address

SESSION_SECONDS = 10.0
"""After so long without a heartbeat, Kafka gives a consumer's partitions to somebody else."""


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
    """SIGKILL each consumer in the middle of its batches, again and again; with few strikes several at a time."""
    for strike in range(size.strikes):
        await _a_moment(dice)
        names = WORKERS[strike :: size.strikes] or (WORKERS[strike % len(WORKERS)],)
        async with rig.fault():
            await asyncio.gather(*map(rig.kill, names))
            await asyncio.to_thread(rig.stack.start, *names)


async def kill_kafka(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the broker; it is away for a while."""
    for seconds in size.away:
        await _a_moment(dice)
        async with rig.fault():
            await rig.kill("kafka")
            await asyncio.sleep(seconds)
            await rig.start("kafka")


async def kill_each_broker(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL each of three brokers in turn. What was stored until then is published and applied before it is back."""
    names, waited = [name_of(node) for node in range(1, rig.brokers + 1)], []
    for strike in range(max(size.strikes, len(names))):
        await _a_moment(dice)
        async with rig.fault():
            await rig.kill(names[strike % len(names)])
            began = now()
            await rig.until_caught_up()
            waited.append(now() - began)
            await rig.start(names[strike % len(names)])
    rig.notes.append(
        f"with two of {len(names)} brokers, from the kill until every consumer had applied what was stored: "
        f"{median(waited):.1f} s (p50), {max(waited):.1f} s at most"
    )


IMPORTED_ROWS = 1_000


async def import_without_kafka(rig: Rig, size: Size, dice: Random) -> None:
    """SIGKILL the broker, then import spreadsheets: they complete before it is back."""
    await _a_moment(dice)
    folder = rig.folder / f"spreadsheets-{dice.getrandbits(32)}"
    planted = await asyncio.to_thread(generate, folder, IMPORTED_ROWS, dice.getrandbits(16))
    rig.asked_by_files = True
    headers = {"Authorization": f"Bearer {rig.stack.token([Role.PETUGAS_DINAS])}"}
    async with rig.fault(), httpx2.AsyncClient(base_url=rig.registries()[0], timeout=30, headers=headers) as client:
        await rig.kill("kafka")
        jobs = [await _upload(client, folder / file.name, file.kelurahan) for file in planted.files]
        async with asyncio.timeout(120):
            while jobs:
                job = (await client.get(f"/imports/{jobs[0]}")).raise_for_status().json()
                if job["state"] == "selesai":
                    jobs.pop(0)
                elif job["state"] in ("gagal", "ditolak"):
                    raise AssertionError(f"{job['file_name']}: {job['state']}: {job['reason']}")
                else:
                    await asyncio.sleep(0.1)
        await rig.start("kafka")


async def _upload(client: httpx2.AsyncClient, path: Path, kelurahan: str) -> str:
    files = {"file": (path.name, await asyncio.to_thread(path.read_bytes))}
    answer = await client.post(f"/imports?kelurahan={kelurahan}", files=files, headers={"Idempotency-Key": uuid4().hex})
    return str(answer.raise_for_status().json()["id"])


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
            await _cut_relays(rig)


async def _cut_relays(rig: Rig, silent_seconds: float = 0.0) -> None:
    """Cut the database connections of the relays that have said nothing for so long."""
    connection = await asyncpg.connect(rig.stack.servers.superuser_dsn())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'registry' AND query LIKE '%relay_cursor%' "
        "AND state_change <= now() - make_interval(secs => $1)",
        silent_seconds,
    )
    await connection.close()


async def freeze_a_consumer(rig: Rig, _: Size, dice: Random) -> None:
    """Freeze a consumer past its session, while another one takes its partitions; then let it go on."""
    await _freeze_past_sessions(rig, "projections-worker", dice)


async def freeze_kafka(rig: Rig, _: Size, dice: Random) -> None:
    """Freeze the broker past the sessions of the consumers: packets go nowhere, no connection is closed."""
    await _freeze_past_sessions(rig, "kafka", dice)


async def _freeze_past_sessions(rig: Rig, name: str, dice: Random) -> None:
    await _a_moment(dice)
    async with rig.fault():
        await rig.freeze(name)
        await asyncio.sleep(SESSION_SECONDS + 4)
        await rig.thaw(name)


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
        async for r in records_to_end(reader, places):
            if dice.random() < share and is_event(r.headers):
                await producer.send(topic, r.value, key=r.key, partition=r.partition, headers=list(r.headers))
    finally:
        await producer.stop()
        await reader.stop()


def is_event(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Tell whether a record can be a repetition of an event; poison that an earlier fault left in the log is none."""
    try:
        read_address(headers_of(headers))
    except EnvelopeError:
        return False
    return True


POISON = 20


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


def bad_records(dice: Random) -> tuple[tuple[bytes | None, list[tuple[str, bytes | None]]], ...]:
    """Return values and headers of records that no consumer can read."""
    return (
        (b"not json", [("ce_type", b"x")]),
        (None, []),
        (b"{}", [("ce_subject", b"\xff\xfe"), ("ce_sequence", None)]),
        (dice.randbytes(900_000), [("h\x00", b"\x00")]),
    )


async def _poison_one(producer: AIOKafkaProducer, number: int, dice: Random) -> None:
    bad = bad_records(dice)
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
    await _cut_relays(rig, silent_seconds=1.5)
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
        for name in WORKERS:
            await rig.kill(name)
        await asyncio.sleep(max(size.away))
        for name in WORKERS:
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
