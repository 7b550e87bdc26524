"""Clients nobody here wrote read what the relay published: kcat, librdkafka, the CloudEvents SDK; nothing personal in it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import Consumer, Message

from ops.demo.examples import newer_librdkafka
from ops.kafka_admin.client import client_config
from shared.contracts.registry import (
    BusinessClass,
    BusinessPersonal,
    BusinessRegistered,
    ClassRecord,
    OwnerPersonal,
    OwnerRegistered,
)
from shared.outbox import append
from shared.relay import Relay
from shared.sealing import new_key, seal
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import cause
from tests.personal import personal_in
from tests.stack.servers import Kafka

PEOPLE = 20


async def publish_people(db: KernelDatabase, kafka: Kafka, topic: str) -> None:
    """Store facts of owners and businesses with real personal parts, and let a relay publish them."""

    class Owner(OwnerRegistered):
        TOPIC: ClassVar[str] = topic

    class Business(BusinessRegistered):
        TOPIC: ClassVar[str] = topic

    kelas = ClassRecord(kelas=BusinessClass.MIKRO, source="petugas", as_of=date(2026, 11, 25))
    async with db.connection() as connection, connection.transaction():
        for number in range(PEOPLE):
            owner_id, business_id, key = uuid4(), uuid4(), new_key()
            person = OwnerPersonal(
                name="Bunga Rahasia",
                nik=f"64710141079099{number:02d}",
                phones=("+6281200000001",),
                email="a@rahasia.example",
            )
            shop = BusinessPersonal(name="Warung Rahasia", address="Jl. Rahasia 1", nib="0220001234567")
            await append(
                connection, "/registry", [(1, Owner(owner_id=owner_id, personal=seal(key, owner_id, person)))], cause()
            )
            fact = Business(
                business_id=business_id, owner_ids=(owner_id,), personal=seal(key, owner_id, shop), kelas=kelas,
                source="petugas", as_of=date(2026, 11, 25), sales=36_000_000,
            )  # fmt: skip
            await append(connection, "/registry", [(1, fact)], cause())
    stop = asyncio.Event()
    relay = Relay(db.dsn, kafka.credentials(), "foreign")
    task = asyncio.create_task(relay.run(stop))
    async with asyncio.timeout(30):
        while relay.published < 2 * PEOPLE:
            await asyncio.sleep(0.01)
    stop.set()
    await task


def read_with_librdkafka(kafka: Kafka, topic: str) -> list[Message]:
    """Read the whole topic with confluent-kafka."""
    config = client_config(kafka.credentials()) | {
        "group.id": f"foreign-{uuid4().hex}",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(config)
    consumer.subscribe([topic])
    found: list[Message] = []
    for _ in range(120):
        message = consumer.poll(0.25)
        if message is not None and message.error() is None:
            found.append(message)
        if len(found) == 2 * PEOPLE:
            break
    consumer.close()
    return found


@pytest.mark.security(line="S11")
async def test_librdkafka_and_the_cloudevents_sdk_read_every_fact_and_find_nothing_personal(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    await publish_people(kernel_db, kafka, topic)
    messages = await asyncio.to_thread(read_with_librdkafka, kafka, topic)
    assert len(messages) == 2 * PEOPLE
    for message in messages:
        event = from_binary_event(
            KafkaMessage(headers=dict(message.headers() or []), key=message.key(), value=message.value() or b"")
        )
        assert UUID(event.get_id()).version == 7
        assert event.get_type().startswith("id.go.balikpapan.umkm.")
        assert event.get_extension("sequence") == "1"
        assert event.get_subject() == (message.key() or b"").decode()
        assert personal_in(message.value() or b"", message.headers() or []) == []
        assert b"Rahasia" not in (message.value() or b"")


async def test_kcat_reads_headers_keys_and_values(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, tmp_path: Path
) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs kcat")
    await publish_people(kernel_db, kafka, topic)
    config = kafka.credentials()
    settings = {
        "bootstrap.servers": config.bootstrap,
        "security.protocol": config.security_protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": config.username,
        "sasl.password": config.password,
    }
    words = [word for name, value in settings.items() for word in ("-X", f"{name}={value}")]
    command = ["kcat", *words, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%k\t%h\t%s\n"]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=os.environ | newer_librdkafka(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    records = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(records) == 2 * PEOPLE
    for key, headers, value in records:
        assert f"ce_subject={key}" in headers.split(",")
        assert key in json.loads(value).values()
