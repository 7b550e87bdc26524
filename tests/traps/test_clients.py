"""Traps 12 to 18, 21 and 22: health, defaults, stuck producers, stopping, documents, codecs; and the house's settings.

Not shown: a handler slower than ``max_poll_interval_ms`` and the watchdog after a cancelled ``getone()`` (16: the
shortest form takes tens of seconds; the margins of the house are asserted instead); the ping that hangs and
``AsgiFastStream`` that answers early (12: the one would hang the test, the other is a race; that neither is used is
asserted); pages that load from CDNs (18: the house's own page has a test in ``tests/kernel/test_web.py``); the price of the
middlewares (21: a measurement, and ``prometheus_client`` is not installed; that none is used is asserted).
"""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, codec
from aiokafka.errors import KafkaConnectionError, KafkaError
from faststream._internal import _compat
from faststream.asgi import make_ping_asgi
from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from shared.broker import MAX_BATCH_BYTES, make_producer, make_reader
from shared.consumer import consumer as layer
from shared.relay import publishing
from shared.relay.publishing import BrokerAwayError, Publisher
from tests.house.tree import CODE, ROOT
from tests.stack.servers import Kafka
from tests.traps.rig import NOWHERE, bare_broker, group, our_consumer, running, write


def default_of(function: Any, name: str) -> Any:
    """Return the default of a parameter."""
    return inspect.signature(function).parameters[name].default


def our_options() -> dict[str, Any]:
    """Return what the house's subscriber hands to aiokafka."""
    (subscriber,) = our_consumer().make_broker().subscribers
    options: dict[str, Any] = subscriber._connection_args
    return options


def sources() -> dict[Path, str]:
    """Return the texts of the house's own code."""
    return {path: path.read_text(encoding="utf-8") for folder in CODE for path in (ROOT / folder).rglob("*.py")}


async def test_12_ping_does_not_see_a_stuck_handler_and_fails_without_a_producer(kafka: Kafka, topic: str) -> None:
    assert default_of(make_ping_asgi, "timeout") is None
    broker, entered, never = bare_broker(kafka, graceful_timeout=0.1), asyncio.Event(), asyncio.Event()

    @broker.subscriber(topic, **group())
    async def hang(body: bytes) -> None:
        entered.set()
        await never.wait()

    await write(kafka, topic, b"a")
    async with running(broker):
        await asyncio.wait_for(entered.wait(), 15)
        assert await broker.ping(5) is True
    async with running(bare_broker(kafka, consumer_only=True)) as reader:
        assert await reader.ping(5) is False


def test_12_and_21_ours_uses_neither_that_ping_nor_a_middleware_per_message() -> None:
    words = re.compile(r"make_ping_asgi|AsgiFastStream|PrometheusMiddleware|TelemetryMiddleware|AsyncioInstrumentor")
    assert [path for path, text in sources().items() if words.search(text)] == []
    assert list(our_consumer().make_broker().config.broker_middlewares) == []


async def test_13_topics_come_into_being_with_one_partition(kafka: Kafka, topic: str) -> None:
    broker = bare_broker(kafka)
    subscriber = broker.subscriber(f"{topic}.made", **group())
    subscriber(_ignore)
    async with running(broker):
        found = await subscriber.consumer._client._wait_on_metadata(f"{topic}.made")
        assert found == {0}


async def test_13_subscribers_start_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, order = KafkaBroker(logger=None), []
    first, second = broker.subscriber("a"), broker.subscriber("b")

    async def start(self: Any) -> None:
        order.append(("begins", self))
        await asyncio.wait([asyncio.create_task(_nothing())])
        order.append(("ends", self))

    monkeypatch.setattr(type(first), "start", start)
    monkeypatch.setattr(KafkaBroker, "connect", _nothing)
    await broker.start()
    assert [what for what, _ in order] == ["begins", "ends", "begins", "ends"]
    assert [order[0][1], order[2][1]] in ([first, second], [second, first])


def test_13_ours_creates_no_topic() -> None:
    assert our_consumer().make_broker().config.broker_config.allow_auto_create_topics is False
    assert default_of(KafkaBroker.__init__, "allow_auto_create_topics") is True


async def test_14_the_defaults_lose_data_and_ours_do_not() -> None:
    unsafe, ours = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1"), make_producer(NOWHERE, "trap")
    reader = make_reader(NOWHERE, "trap")
    for client in (unsafe, ours, reader):
        await client.stop()
    assert (unsafe._sender._acks, unsafe._txn_manager) == (1, None)
    assert default_of(AIOKafkaProducer.__init__, "max_batch_size") == 16 * 1024
    assert default_of(AIOKafkaConsumer.__init__, "auto_offset_reset") == "latest"
    assert default_of(AIOKafkaConsumer.__init__, "isolation_level") == "read_uncommitted"
    assert ours._sender._acks == -1
    assert ours._txn_manager is not None
    assert ours._message_accumulator._batch_size == MAX_BATCH_BYTES
    assert (reader._auto_offset_reset, reader._isolation_level) == ("earliest", "read_committed")
    assert (reader._enable_auto_commit, reader._group_id) == (False, None)
    options = our_options()
    assert (options["auto_offset_reset"], options["isolation_level"]) == ("earliest", "read_committed")


async def test_15_an_idempotent_producer_waits_for_ever_and_ours_is_abandoned(
    kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "ACK_SECONDS", 0.5)
    publisher = Publisher(kafka.credentials(), "trap")
    ours = await publisher.start()
    bare = AIOKafkaProducer(**kafka.credentials().client(), enable_idempotence=True, request_timeout_ms=100)
    plain = AIOKafkaProducer(**kafka.credentials().client(), request_timeout_ms=100)
    for producer in (bare, plain):
        await producer.start()
        await producer.partitions_for(topic)
    for producer in (ours, bare, plain):  # the broker goes away: no request comes through any more
        monkeypatch.setattr(producer.client, "send", _refuse)
    batch = ours.create_batch()
    batch.append(timestamp=None, key=b"k", value=b"v")
    pending = await bare.send(topic, b"v", partition=0)
    with pytest.raises(KafkaError):
        await plain.send_and_wait(topic, b"v", partition=0)
    with pytest.raises(BrokerAwayError):
        await publisher.send([{(topic, 0): batch}])
    assert publisher._producer is None
    assert not pending.done()  # many times its request timeout later
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bare.stop(), 0.2)
    for producer in (bare, plain):
        await producer._sender.close()
        await producer.client.close()
        producer._closed = True


async def _refuse(*_: Any, **__: Any) -> Any:
    raise KafkaConnectionError


async def test_16_ours_waits_far_less_than_the_poll_interval_and_is_a_static_member() -> None:
    options = our_options()
    longest = layer.MAX_DELAY_SECONDS + layer.DRAIN_SECONDS
    assert options["max_poll_interval_ms"] >= 10 * longest * 1000
    assert options["group_instance_id"] == "trap-topic-trap"
    assert options["session_timeout_ms"] == layer.SESSION_TIMEOUT_MS


async def test_17_without_a_graceful_timeout_a_stop_does_not_wait(kafka: Kafka, topic: str) -> None:
    assert default_of(KafkaBroker.__init__, "graceful_timeout") == 15.0  # Docker's grace is 10 s
    broker, entered, never, ended = bare_broker(kafka, graceful_timeout=None), asyncio.Event(), asyncio.Event(), []

    @broker.subscriber(topic, **group())
    async def hang(body: bytes) -> None:
        entered.set()
        await never.wait()
        ended.append(body)

    await write(kafka, topic, b"a")
    await broker.start()
    await asyncio.wait_for(entered.wait(), 15)
    await asyncio.wait_for(broker.stop(), 5)
    assert ended == []


async def test_17_ours_lets_the_batch_in_hand_end_before_its_partitions_go() -> None:
    consumer = our_consumer()
    broker = consumer.make_broker()
    (subscriber,) = broker.subscribers
    listener = subscriber._listener
    consumer.idle.clear()
    draining = asyncio.create_task(listener.on_partitions_revoked(()))
    assert await asyncio.wait([draining], timeout=0.05) == (set(), {draining})
    consumer.idle.set()
    await asyncio.wait_for(draining, 1)
    assert broker.config.broker_config.graceful_timeout == layer.DRAIN_SECONDS


def test_17_containers_give_more_time_than_draining_takes() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert int(compose["x-python"]["stop_grace_period"].removesuffix("s")) > layer.DRAIN_SECONDS


def test_18_asyncapi_says_nothing_of_headers_and_groups() -> None:
    broker = KafkaBroker(logger=None)
    broker.subscriber("topic-t", group_id="group-g")(_ignore)
    document = AsyncAPI(broker).to_specification().to_jsonable()
    assert "topic-t" in str(document)
    assert "group-g" not in str(document)
    messages = document["components"]["messages"].values()
    assert messages
    assert all("headers" not in message for message in messages)


@pytest.mark.parametrize("name", ["lz4", "zstd", "snappy"])
async def test_22_a_codec_needs_cramjam_and_it_is_here(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert getattr(codec, f"has_{name}")()  # what others compressed, ours can read
    monkeypatch.setattr(codec, "cramjam", None)
    with pytest.raises(RuntimeError, match=name):
        AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", compression_type=name)


def test_22_orjson_is_picked_up() -> None:
    assert _compat.json_loads is orjson.loads


async def _ignore(body: bytes) -> None:
    """Do nothing."""


async def _nothing(*_: Any) -> None:
    """Do nothing."""
