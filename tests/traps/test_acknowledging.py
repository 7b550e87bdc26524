"""Traps 1 to 4, 8 and 9: when FastStream commits, on real Kafka, and that the house's subscriber is not caught.

Not shown here: trap 8 with a policy that is not the default, where FastStream now opens a consumer per worker; what
is shown is the loss under the default policy.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaRouter

from shared.consumer import Consumer
from tests.stack.servers import Kafka
from tests.traps.rig import apply_nothing, bare_broker, committed, group, our_consumer, running, until, write


@pytest.mark.filterwarnings("ignore:AckPolicy.REJECT_ON_ERROR has the same effect")
@pytest.mark.parametrize("policy", [None, AckPolicy.ACK, AckPolicy.REJECT_ON_ERROR], ids=str)
async def test_1_most_policies_commit_what_the_handler_failed_on(
    kafka: Kafka, topic: str, policy: AckPolicy | None
) -> None:
    broker, seen = bare_broker(kafka), []
    options = {} if policy is None else {"ack_policy": policy}
    subscriber = broker.subscriber(topic, auto_commit_interval_ms=50, **group(), **options)

    @subscriber
    async def fail(body: bytes) -> None:
        seen.append(body)
        raise ValueError

    await write(kafka, topic, b"a", b"b")

    async def given_up() -> bool:
        return await committed(subscriber, topic) == 2

    async with running(broker):
        await until(given_up)
    assert seen == [b"a", b"b"]
    assert KafkaBroker().subscriber("t").ack_policy is AckPolicy.ACK_FIRST


async def test_1_nack_on_error_keeps_the_record_and_tries_at_once_without_limit(kafka: Kafka, topic: str) -> None:
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, ack_policy=AckPolicy.NACK_ON_ERROR, **group())

    @subscriber
    async def fail(body: bytes) -> None:
        seen.append(body)
        raise ValueError

    await write(kafka, topic, b"a", b"b")
    async with running(broker):
        await until(lambda: len(seen) >= 20)
        assert await committed(subscriber, topic) is None
    assert set(seen) == {
        b"a"
    }  # the partition is blocked: ours waits between tries, and parks what a record is guilty of


async def test_2_nack_on_error_loses_a_record_with_a_null_header(kafka: Kafka, topic: str) -> None:
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, ack_policy=AckPolicy.NACK_ON_ERROR, **group())

    @subscriber
    async def note(body: bytes) -> None:
        seen.append(body)

    await write(kafka, topic, b"null", headers=[("x", None)])
    await write(kafka, topic, b"bytes", headers=[("x", b"\xff")])
    await write(kafka, topic, b"good")

    async def past_all() -> bool:
        return await committed(subscriber, topic) == 3

    async with running(broker):
        await until(past_all)
    assert seen == [b"good"]


async def test_2_ours_sees_every_record_whatever_its_headers_hold(kafka: Kafka, topic: str) -> None:
    seen: list[Any] = []

    class Noting(Consumer):
        async def handle(self, records: Any) -> None:
            seen.extend(records)

    consumer = Noting(
        name=f"trap-{topic}", topics=(topic,), types=frozenset(), apply=apply_nothing, pool=None,
        kafka=kafka.credentials(), instance="trap",
    )  # fmt: skip
    await write(kafka, topic, b"null", None, headers=[("x", None), ("x", b"2"), ("reply_to", b"elsewhere")])
    await write(kafka, topic, b"bytes", headers=[("x", b"\xff")])
    async with running(consumer.make_broker()):
        await until(lambda: len(seen) == 3)
    assert [record.value for record in seen] == [b"null", None, b"bytes"]
    assert seen[0].headers == (("x", None), ("x", b"2"), ("reply_to", b"elsewhere"))


def test_3_a_brokers_policy_does_not_reach_a_routers_subscriber() -> None:
    router = KafkaRouter()
    behind = router.subscriber("t")
    broker = KafkaBroker(ack_policy=AckPolicy.NACK_ON_ERROR)
    broker.include_router(router)
    assert broker.subscriber("u").ack_policy is AckPolicy.NACK_ON_ERROR
    assert behind._connection_args["enable_auto_commit"] is True  # decided when it was declared: it acknowledges first


def test_3_and_1_ours_sets_the_policy_on_every_subscriber() -> None:
    subscribers = our_consumer().make_broker().subscribers
    assert len(subscribers) == 1  # trap 13: they would start one after another, a group join each
    for subscriber in subscribers:
        assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
        assert subscriber._connection_args["enable_auto_commit"] is False


async def test_4_manual_swallows_the_error_and_reads_on(kafka: Kafka, topic: str) -> None:
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, ack_policy=AckPolicy.MANUAL, **group())

    @subscriber
    async def fail_first(body: bytes) -> None:
        seen.append(body)
        if body == b"a":
            raise ConnectionError

    await write(kafka, topic, b"a", b"b", b"c")
    async with running(broker):
        await until(lambda: b"c" in seen)
    assert seen == [b"a", b"b", b"c"]


async def test_4_ours_reads_the_whole_batch_again_after_an_error(kafka: Kafka, topic: str) -> None:
    tries: list[list[bytes]] = []

    class FailingOnce(Consumer):
        async def handle(self, records: Any) -> None:
            tries.append([record.value for record in records])
            if len(tries) == 1:
                raise ConnectionError

    consumer = FailingOnce(
        name=f"trap-{topic}", topics=(topic,), types=frozenset(), apply=apply_nothing, pool=None,
        kafka=kafka.credentials(), instance="trap",
    )  # fmt: skip
    for partition in (0, 1, 2):
        await write(kafka, topic, b"%d" % partition, to=partition)
    async with running(consumer.make_broker()):
        await until(lambda: sum(map(len, tries[1:])) >= 3)
    assert sorted(value for batch in tries[1:] for value in batch) == [b"0", b"1", b"2"]


async def test_8_workers_lose_what_they_hold_and_what_waits_for_them_at_a_stop(kafka: Kafka, topic: str) -> None:
    broker, done, held = bare_broker(kafka, graceful_timeout=0.1), [], []
    subscriber = broker.subscriber(topic, max_workers=2, auto_commit_interval_ms=50, **group())
    never = asyncio.Event()

    @subscriber
    async def hang(body: bytes) -> None:
        held.append(body)
        await never.wait()
        done.append(body)

    await write(kafka, topic, b"a", b"b", b"c", b"d")

    async def forgotten() -> bool:
        return len(held) == 2 and (await committed(subscriber, topic) or 0) >= 3

    async with running(broker):
        await until(forgotten)
    assert (held, done) == ([b"a", b"b"], [])  # the third is committed and was never begun


def test_8_ours_has_no_workers() -> None:
    (subscriber,) = our_consumer().make_broker().subscribers
    assert type(subscriber).__name__ == "BatchSubscriber"
    assert not hasattr(subscriber, "max_workers")


async def test_9_ack_commits_every_position_of_the_consumer(kafka: Kafka, topic: str) -> None:
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, ack_policy=AckPolicy.MANUAL, **group())

    @subscriber
    async def ack_the_second(body: bytes) -> None:
        seen.append(body)
        if len(seen) == 2:
            await broker.context.get_local("message").ack()

    await write(kafka, topic, b"a")
    await write(kafka, topic, b"b", to=1)

    async with running(broker):
        await until(lambda: len(seen) == 2)

        async def both() -> bool:
            return {await committed(subscriber, topic, number) for number in (0, 1)} == {1}

        await until(both)  # one of them was never acknowledged


async def test_9_a_commit_that_fails_is_swallowed(kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, ack_policy=AckPolicy.NACK_ON_ERROR, **group())
    failures: list[int] = []

    @subscriber
    async def note(body: bytes) -> None:
        seen.append(body)

    async def fail() -> None:
        failures.append(1)
        raise ConnectionError

    await write(kafka, topic, b"a", b"b")
    start = type(subscriber).start

    async def start_then_break(self: Any) -> None:
        await start(self)
        monkeypatch.setattr(self.consumer, "commit", fail)

    monkeypatch.setattr(type(subscriber), "start", start_then_break)
    async with running(broker):
        await until(lambda: len(failures) == 2)
        assert await committed(subscriber, topic) is None
    assert seen == [b"a", b"b"]  # ours takes no offset for the truth: positions are in the database
