"""Requests are counted by the template of their route, and the figures are there for who scrapes the port."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI

from shared.auth import public
from shared.health import Health
from shared.metrics.exposition import CONTENT_TYPE, read_samples
from shared.web.app import create_http_app
from shared.web.health import health_app
from tests.kernel.web_client import client_of
from tests.metrics.reading import figures

REQUESTS, SECONDS = "naikkelas_http_requests_total", "naikkelas_http_request_duration_seconds_count"


def make_app() -> FastAPI:
    """Return an app with a route that has an id in its path, in a router with a prefix."""
    router = APIRouter(prefix="/owners", dependencies=[Depends(public())])

    @router.get("/{owner_id}")
    async def owner(owner_id: str) -> dict[str, str]:
        if owner_id == "rusak":
            raise RuntimeError
        return {"id": owner_id}

    return create_http_app("Uji", "registry", health=Health("registry"), verifier=None, routers=[router])


async def test_a_route_is_one_series_whatever_ids_are_asked_for() -> None:
    ids = [str(uuid4()) for _ in range(5)]
    async with client_of(make_app()) as client:
        for owner in [*ids, "rusak"]:
            await client.get(f"/owners/{owner}?nik=6471010101019900")
        for number in range(3):
            await client.get(f"/tidak/ada/{number}")
            await client.request(f"TERBANG{number}", f"/owners/{ids[0]}")
        answer = await client.get("/metrics")
    found = figures(read_samples(answer.text))
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert found[REQUESTS, "GET", "/owners/{owner_id}", "200"] == 5
    assert found[REQUESTS, "GET", "/owners/{owner_id}", "500"] == 1
    assert found[REQUESTS, "GET", "unmatched", "404"] == 3
    assert sum(value for key, value in found.items() if key[:2] == (REQUESTS, "other")) == 3
    assert found[SECONDS, "GET", "/owners/{owner_id}"] == 6
    assert not [word for word in (*ids, "6471010101019900", "TERBANG", "/tidak") if word in answer.text]


async def test_the_port_of_a_worker_or_relay_tells_its_figures_too() -> None:
    async with client_of(health_app(Health("registry"))) as client:
        found = figures(read_samples((await client.get("/metrics")).text))
    assert found["process_resident_memory_bytes",] > 0


async def test_the_document_of_the_api_does_not_speak_of_metrics() -> None:
    async with client_of(make_app()) as client:
        assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]
