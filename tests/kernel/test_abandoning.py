"""A producer that is given up holds nothing any more: no copy of what it could not send leaves when the broker takes facts again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaException
from confluent_kafka.admin import NewTopic

from shared.relay import publishing
from shared.relay.publishing import BrokerAwayError, Publisher
from tests.kernel.delivery import outbox_row, published
from tests.stack.servers import Kafka


async def take_away(kafka: Kafka, topic: str) -> None:
    """Let the broker refuse what comes for a topic, and have a producer try again."""
    await asyncio.to_thread(kafka.admin.delete_topics([topic])[topic].result, 15)


async def give_back(kafka: Kafka, topic: str) -> None:
    """Let the broker take facts again, as soon as it has forgotten that it did not."""
    async with asyncio.timeout(30):
        while not await _made(kafka, topic):
            await asyncio.sleep(0.1)


async def _made(kafka: Kafka, topic: str) -> bool:
    try:
        await asyncio.to_thread(kafka.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result, 15)
    except KafkaException:
        return False
    return True


async def give_up(
    publisher: Publisher, kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[AIOKafkaProducer, Any]:
    """Publish what is not taken; return the producer that was given up, and what it could not send."""
    row = outbox_row(topic)
    waves, producer = await publisher.prepare([row]), await publisher.start()
    await take_away(kafka, topic)
    monkeypatch.setattr(publishing, "ACK_SECONDS", 1.0)
    monkeypatch.setattr(publishing, "STOP_SECONDS", 0.3)
    with pytest.raises(BrokerAwayError):
        await publisher.send(waves)
    return producer, row


@pytest.mark.parametrize("stuck", [False, True], ids=["trying again", "in flight"])
async def test_what_was_given_up_is_not_sent_when_the_broker_takes_facts_again(
    kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch, stuck: bool
) -> None:
    before = asyncio.all_tasks()
    publisher = Publisher(kafka.credentials(), "giving-up")
    if stuck:  # an answer that never comes: who is told to end waits for it
        monkeypatch.setattr("aiokafka.producer.sender.SendProduceReqHandler.do", _never)
    given_up, row = await give_up(publisher, kafka, topic, monkeypatch)
    assert given_up._sender.sender_task.done()
    monkeypatch.undo()
    await give_back(kafka, topic)
    again = outbox_row(topic)
    await publisher.send(await publisher.prepare([again]))
    assert list(await published(kafka.credentials(), topic, 1)) == [UUID(again["key"])] != [UUID(row["key"])]
    await publisher.stop()
    async with asyncio.timeout(10):  # nor does anything wait for it
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.02)


async def test_who_is_cancelled_while_giving_one_up_leaves_nothing_that_sends(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(kafka.credentials(), "giving-up")
    producer = await publisher.start()
    monkeypatch.setattr(producer._message_accumulator, "close", _never)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await publisher.stop()
    async with asyncio.timeout(30):
        while not producer._sender.sender_task.done() or publishing._ENDING:
            await asyncio.sleep(0.02)
    # And a connection that was being made meanwhile is none.
    assert not await producer.client.ready(next(iter(producer.client.cluster.brokers())).nodeId)


async def _never(*_: Any) -> None:
    await asyncio.get_running_loop().create_future()
