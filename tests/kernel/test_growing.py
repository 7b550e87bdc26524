"""Partitions that a topic gets while its readers are at work, or while they are away, are read."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from confluent_kafka.admin import NewPartitions
from hypothesis import given
from hypothesis import strategies as st

from shared.consumer.assigning import Agreement
from tests.kernel.conftest import KernelDatabase
from tests.kernel.test_consumer import consuming, note, producing, record, until
from tests.stack.servers import Kafka

SEEN = "SELECT count(*) FROM effect"


async def grow(kafka: Kafka, topic: str, partitions: int) -> None:
    """Give a topic more partitions."""
    asked = kafka.admin.create_partitions([NewPartitions(topic, partitions)])
    await asyncio.to_thread(asked[topic].result, 15)


async def publish_everywhere(kafka: Kafka, topic: str, partitions: int) -> int:
    """Send one fact to each partition of a topic, and return how many."""
    async with producing(kafka) as producer:
        for place in range(partitions):
            key, value, headers = record(uuid4(), 1)
            await producer.send_and_wait(topic, value, key=key, headers=headers, partition=place)
    return partitions


async def test_a_reader_that_was_restarted_takes_partitions_that_are_added(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    sent = await publish_everywhere(kafka, topic, 6)
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, SEEN, sent)
    # Within the session's time-out: so the broker gives it its old assignment back, and it is not told that it leads.
    async with consuming(kernel_db, kafka, topic, note) as again:
        while not again.assigned:
            await asyncio.sleep(0.05)
        await grow(kafka, topic, 9)
        sent += await publish_everywhere(kafka, topic, 9)
        await until(kernel_db, SEEN, sent)
        assert len(again.assigned) == 9


async def test_a_reader_takes_partitions_that_were_added_while_it_was_away(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    sent = await publish_everywhere(kafka, topic, 6)
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, SEEN, sent)
    await grow(kafka, topic, 9)
    sent += await publish_everywhere(kafka, topic, 9)
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, SEEN, sent)


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
)
def test_a_new_assignment_is_asked_for_once_and_only_where_a_topic_has_more(
    dealt: dict[str, int], now: dict[str, int]
) -> None:
    agreement = Agreement()
    agreement.counts = dealt
    before = agreement.assignor().metadata(["a"]).user_data
    more = any(count > dealt.get(topic, 0) for topic, count in now.items())
    assert agreement.outgrown(now) is more
    assert (agreement.assignor().metadata(["a"]).user_data != before) is more
    assert not agreement.outgrown(now)
