"""Reads an agency's topic: keeps each event, and only then tells Kafka that it has it.

    python kafka_reader.py dpmptsp        # agency.conf: what the office handed you

CONF: another name of that file. KEEP_IN: the file of events (kafka-python.jsonl).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import Consumer
from kept import Kept, told


def configuration(path: Path) -> dict[str, str]:
    """Return what a file of librdkafka's says."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def read(agency: str, conf: Path, kept: Kept) -> None:
    """Follow the topic until we are told to end."""
    consumer = Consumer(
        {
            **configuration(conf),
            "group.id": f"{agency}.python",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 10_000,  # one that was killed holds its place for so long; without this 45 s
        }
    )
    consumer.subscribe([f"umkm.agency.{agency}"])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if error := message.error():
                sys.exit(f"refused: {error.str()}")
            headers = dict(message.headers() or [])
            event = from_binary_event(KafkaMessage(headers=headers, key=message.key(), value=message.value()))
            if kept.keep(event):
                print(told(event), flush=True)
            consumer.commit(message=message, asynchronous=False)
    finally:
        consumer.close()  # the group goes on at once without us


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    read(
        sys.argv[1],
        Path(os.environ.get("CONF", "agency.conf")),
        Kept(Path(os.environ.get("KEEP_IN", "kafka-python.jsonl"))),
    )
