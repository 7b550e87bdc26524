"""Traps 5 to 7, 10 and 11: keys, threads, replies, and what FastStream makes of a record.

Not shown: the cost of trap 6 in messages per second (a measurement; that the hop is made is shown), and trap 19, the
in-memory test broker: ``tests/house/test_house.py`` forbids to name it in any file, so nothing can fall into it.
"""

from __future__ import annotations

import inspect
import threading
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from aiokafka.partitioner import DefaultPartitioner
from faststream import AckPolicy
from faststream.kafka import KafkaMessage, KafkaPublishMessage
from faststream.kafka.parser import AioKafkaParser
from faststream.message import decode_message

from shared.consumer.records import read_item
from shared.relay.publishing import Publisher
from tests.kernel.delivery import outbox_row
from tests.stack.servers import Kafka
from tests.traps.rig import bare_broker, count, group, our_consumer, read, running, until, write

JSON_OF_CLOUDEVENTS = "application/cloudevents+json"


def raw(value: bytes | None, headers: tuple[tuple[str, bytes | None], ...] = (), partition: int = 0) -> Any:
    """Return a record as aiokafka gives it."""
    return ConsumerRecord("t", partition, 7, 1000, 0, b"k", value, None, 1, len(value or b""), headers)


async def parsed(record: Any) -> Any:
    """Return the record as FastStream's parser makes it."""
    return await AioKafkaParser(msg_class=KafkaMessage, regex=None).parse_message(record)


async def test_5_publish_batch_ignores_the_key_when_it_chooses_the_partition(kafka: Kafka, topic: str) -> None:
    broker = bare_broker(kafka)
    await broker.connect()
    for _ in range(40):
        await broker.publish_batch(KafkaPublishMessage(b"x", key=b"always-the-same"), topic=topic)
    await broker.stop()
    records = await read(kafka, topic, 40)
    assert {record.key for record in records} == {b"always-the-same"}
    assert len({record.partition for record in records}) > 1


async def test_5_ours_puts_every_record_where_its_key_belongs(kafka: Kafka, topic: str) -> None:
    rows = [outbox_row(topic) for _ in range(60)]
    publisher = Publisher(kafka.credentials(), "trap")
    await publisher.send(await publisher.prepare(rows))
    await publisher.stop()
    records = await read(kafka, topic, 60)
    partitions = list(range(6))
    assert {record.partition for record in records} == set(partitions)
    assert all(record.partition == DefaultPartitioner()(record.key, partitions, partitions) for record in records)
    assert {UUID(record.key.decode()) for record in records} == {UUID(row["key"]) for row in rows}


async def test_6_a_sync_handler_costs_a_thread(kafka: Kafka, topic: str) -> None:
    broker, threads = bare_broker(kafka), []

    @broker.subscriber(topic, **group())
    def handle(body: bytes) -> None:
        threads.append(threading.get_ident())

    await write(kafka, topic, b"a")
    async with running(broker):
        await until(lambda: len(threads) == 1)
    assert threads != [threading.get_ident()]


def test_6_ours_injects_nothing_and_is_async() -> None:
    consumer = our_consumer()
    broker = consumer.make_broker()
    assert broker.config.fd_config.use_fastdepends is False
    assert inspect.iscoroutinefunction(consumer.handle)
    assert list(inspect.signature(consumer.handle).parameters) == ["records"]


@pytest.mark.parametrize("silent", [False, True])
async def test_7_a_header_makes_the_framework_answer_unless_told_not_to(kafka: Kafka, topic: str, silent: bool) -> None:
    elsewhere = kafka.make_topic()
    broker, seen = bare_broker(kafka), []
    subscriber = broker.subscriber(topic, no_reply=silent, ack_policy=AckPolicy.NACK_ON_ERROR, **group())

    @subscriber
    async def answer(body: bytes) -> bytes:
        seen.append(body)
        return b"secret"

    await write(kafka, topic, b"a", headers=[("reply_to", elsewhere.encode())])
    await write(kafka, topic, b"b")
    async with running(broker):
        await until(lambda: len(seen) == 2)  # an answer is out before the next record is handled
        assert await count(kafka, elsewhere) == (0 if silent else 1)


def test_7_ours_answers_nobody_and_has_no_producer() -> None:
    broker = our_consumer().make_broker()
    assert all(subscriber._no_reply for subscriber in broker.subscribers)
    assert broker.config.broker_config.consumer_only is True


async def test_10_what_the_parser_says_of_a_record_is_less_than_the_record() -> None:
    first, second = await parsed(raw(b"1")), await parsed(raw(b"2", partition=1))
    assert first.message_id == second.message_id
    tombstone = await parsed(raw(None))
    assert (tombstone.body, tombstone.raw_message.value) == (b"", None)
    assert (await parsed(raw(b"", (("x", b"1"), ("x", b"2"))))).headers == {"x": "2"}
    assert decode_message(await parsed(raw(b'{"a": 1}'))) == {"a": 1}  # nothing said that this is JSON
    assert decode_message(await parsed(raw(b"08120000"))) == b"08120000"
    assert decode_message(await parsed(raw(b"6471"))) == 6471  # text of digits becomes a number


async def test_11_the_json_of_cloudevents_is_not_decoded() -> None:
    headers = (("content-type", JSON_OF_CLOUDEVENTS.encode()),)
    assert decode_message(await parsed(raw(b'{"a": 1}', headers))) == b'{"a": 1}'


async def test_10_and_11_ours_keeps_the_bytes_the_tombstone_and_doubled_headers() -> None:
    headers = (("x", b"1"), ("x", b"2"), ("y", None))
    item = read_item(raw(None, headers, partition=3))
    assert (item.value, item.raw_headers, item.partition, item.offset) == (None, headers, 3, 7)
    (subscriber,) = our_consumer().make_broker().subscribers
    (call,) = subscriber.calls
    batch = (raw(b'{"a": 1}'), raw(b"\xff"))
    assert await call.item_decoder(await call.item_parser(batch)) is batch
