"""The schemas of events over HTTP, at the address that the events carry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import jsonschema_rs
import pytest

from shared.broker import make_reader
from shared.contracts import CONTRACTS
from shared.contracts.registry import BusinessVerified, BusinessWorkersRecorded
from shared.contracts.schemas import document_of, example
from shared.envelope import headers_of
from shared.health import Health
from shared.relay import Relay
from shared.web.app import create_http_app
from shared.web.contracts import contracts_router
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import change, fact_on
from tests.kernel.web_client import served
from tests.stack.servers import Kafka

NAME = BusinessWorkersRecorded.type_name()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = create_http_app("Uji", "uji", health=Health("uji", "1"), verifier=None, routers=[contracts_router()])
    async with served(app) as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as opened:
        yield opened


async def test_every_type_has_its_schema_at_its_address(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/schemas/")).json()["schemas"]
    assert {row["type"]: row["topic"] for row in listed} == {name: fact.TOPIC for name, fact in CONTRACTS.items()}
    for row in listed:
        answer = await client.get(f"/schemas/{row['schema']}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/schema+json"
        document = answer.json()
        assert document == json.loads(json.dumps(document_of(CONTRACTS[row["type"]])))
        jsonschema_rs.validate(document, example(document, full=True))


async def test_who_has_the_schema_is_not_sent_it_again(client: httpx2.AsyncClient) -> None:
    first = await client.get(f"/schemas/{NAME}")
    assert first.headers["cache-control"] == "public, max-age=300"
    tag = first.headers["etag"]
    for told in (tag, f'W/{tag}, "other"', "*"):
        again = await client.get(f"/schemas/{NAME}", headers={"If-None-Match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(f"/schemas/{NAME}", headers={"If-None-Match": '"other"'})).status_code == 200
    assert tag != (await client.get("/schemas/")).headers["etag"]


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fetc", NAME.upper(), f"{NAME}.json"])
async def test_a_type_that_no_event_has_is_not_found(client: httpx2.AsyncClient, name: str) -> None:
    answer = await client.get(f"/schemas/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_event_leads_to_the_schema_that_accepts_it(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, client: httpx2.AsyncClient
) -> None:
    schemas, stop = f"{client.base_url}/schemas/", asyncio.Event()
    relay = Relay(kernel_db.dsn, kafka.credentials(), "schemas", schemas=schemas)
    running = asyncio.create_task(relay.run(stop))
    thing = uuid4()
    await kernel_db.pool.execute("INSERT INTO thing (id) VALUES ($1)", thing)
    async with kernel_db.connection() as connection:
        await change(connection, fact_on(topic), thing)
    reader = make_reader(kafka.credentials(), "schemas-reader")
    await reader.start()
    try:
        reader.subscribe([topic])
        async with asyncio.timeout(60):
            record = await reader.getone()
    finally:
        await reader.stop()
        stop.set()
        await running
    address = headers_of(record.headers)["ce_dataschema"].decode()
    assert address == f"{schemas}{BusinessVerified.type_name()}"
    document = (await client.get(address)).raise_for_status().json()
    jsonschema_rs.validate(document, json.loads(record.value))
