"""What uvloop closes under aiokafka is told as a lost connection, never as another error, on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from shared.broker import KafkaSettings, broker_cause, make_producer
from tests.stack.servers import Kafka

Write = Callable[[AIOKafkaConnection], Any]
WRITES: dict[str, Write] = {
    "a request": lambda connection: connection.send(MetadataRequest([])),
    "a step of the log-in": lambda connection: connection._send_sasl_token(b"client-first"),
}


@asynccontextmanager
async def connected(settings: KafkaSettings) -> AsyncIterator[AIOKafkaClient]:
    """Give a client of the broker that has a connection."""
    producer = make_producer(settings, "test-transport")
    await producer.start()
    try:
        assert await broker_cause(producer.client) is None
        assert producer.client._conns
        yield producer.client
    finally:
        await producer.stop()


async def abort(connection: AIOKafkaConnection) -> None:
    """Close the transport of a connection, and return in the moment in which the connection does not know of it yet."""
    connection._writer.transport.abort()
    while "closed=True" not in repr(connection._writer.transport):
        await asyncio.sleep(0)


async def write_to_what_is_closed(settings: KafkaSettings, write: Write) -> None:
    async with connected(settings) as client:
        for connection in list(client._conns.values()):
            await abort(connection)
            with pytest.raises(KafkaConnectionError, match="handler is closed"):
                write(connection)
        async with asyncio.timeout(10):
            while await broker_cause(client) is not None:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_to_a_transport_that_uvloop_closed_finds_the_connection_lost(kafka: Kafka, write: Write) -> None:
    uvloop.run(write_to_what_is_closed(kafka.credentials(), write))
