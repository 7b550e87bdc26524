"""faststream-outbox: the relay to Kafka of its README and docs/usage/relay.md, its key given by ``KafkaResponse``.

One subscriber with one worker is what its documents ask for where order per aggregate matters; batches of 100 and
``terminal_flush_batch_size=100`` are what docs/concepts/performance.md measures and recommends for idempotent readers; the
intervals are those of the busy queue of docs/usage/subscriber.md.
"""

from __future__ import annotations

import asyncio

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaResponse
from faststream.security import SASLScram512
from outbox_tables import QUEUE, broker
from told import TOLD, address

kafka = TOLD["kafka"]
broker_kafka = KafkaBroker(kafka["bootstrap"], security=SASLScram512(kafka["username"], kafka["password"]), logger=None)
publisher = broker_kafka.publisher(TOLD["topic"])


@publisher
@broker.subscriber(
    QUEUE,
    max_workers=TOLD["max_workers"],
    fetch_batch_size=100,
    min_fetch_interval=0.1,
    max_fetch_interval=1.0,
    terminal_flush_batch_size=100,
)
async def relay(body: dict[str, str]) -> KafkaResponse:
    """Pass the row on."""
    return KafkaResponse(body, key=address(body["mark"])[0].encode())


app = FastStream(broker, on_startup=[broker_kafka.connect])
asyncio.run(app.run())
