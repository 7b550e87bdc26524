"""What one token may ask: refused at the door with a time to come again, and nobody else is."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from limits.aio import strategies
from limits.aio.storage import memory
from structlog.testing import capture_logs

from shared.auth import FileKeys, Principal, Role, Verifier, allow, public
from shared.health import Health
from shared.web import rates
from shared.web.app import RequestModel, create_http_app
from tests.kernel.test_auth import AUDIENCE, ISSUER, Issuer

MOST = 20
"""Requests of one token in a window."""
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256: with a signature (r, s) also (r, N − s) is one."""

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS, Role.LAYANAN))]
Ask = Callable[..., Awaitable[httpx2.Response]]


class Form(RequestModel):
    name: str


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def app_with(issuer: Issuer, most: int) -> FastAPI:
    router = APIRouter()

    @router.get("/baca")
    async def read(principal: Officer) -> str:
        return principal.sub

    @router.post("/tulis")
    async def write(_: Officer, form: Form) -> str:
        return form.name

    @router.get("/umum", dependencies=[Depends(public())])
    async def open_to_all() -> str:
        return "ya"

    verifier = Verifier(FileKeys(issuer.path), ISSUER, AUDIENCE)
    return create_http_app(
        "Uji", "registry", health=Health("registry"), verifier=verifier, routers=[router], requests_per_second=most
    )


@dataclass
class Clock:
    """The clock of what is counted, which the test moves: a window that ends between two requests would let one more through."""

    now: float = 1_800_000_003.7

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(memory, "time", clock)
    monkeypatch.setattr(strategies, "time", clock)
    monkeypatch.setattr(rates, "time", clock.time)
    return clock


@pytest.fixture
def ask(issuer: Issuer, clock: Clock) -> Ask:
    return asker(app_with(issuer, MOST // rates.WINDOW_SECONDS))


def asker(app: FastAPI) -> Ask:
    async def call(path: str, token: str | None, method: str = "GET", **given: Any) -> httpx2.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers) as client:
            return await client.request(method, path, **given)

    return call


def token_of(issuer: Issuer, subject: str = "petugas-1", role: Role = Role.PETUGAS_DINAS) -> str:
    return issuer.sign(subject=subject, roles=[role], now=None)


async def until_refused(ask: Ask, token: str) -> httpx2.Response:
    """Ask until the token is refused, which must come within two windows' worth."""
    for _ in range(2 * MOST + 2):
        answer = await ask("/baca", token)
        if answer.status_code != 200:
            return answer
    raise AssertionError("it is never refused")


@pytest.mark.security(line="S8")
@pytest.mark.security(line="S19", item="API4")
async def test_who_asks_too_often_is_refused_until_the_time_that_it_is_told(
    ask: Ask, issuer: Issuer, clock: Clock
) -> None:
    flooding, other = token_of(issuer), token_of(issuer, "petugas-2")
    with capture_logs() as said:
        refused = await until_refused(ask, flooding)
        assert (await ask("/baca", flooding)).status_code == 429
    told = refused.json()
    assert (refused.status_code, told["type"].rpartition(":")[2]) == (429, "terlalu-banyak")
    assert refused.headers["content-type"] == "application/problem+json"
    assert f"lebih dari {MOST} kali" in told["detail"]
    assert told["request_id"] == refused.headers["x-request-id"]
    assert "connection" not in refused.headers
    assert (await ask("/baca", other)).status_code == 200
    assert (await ask("/umum", None)).status_code == 200
    assert [line["actor"] for line in said if line["event"] == "requests_refused"] == ["petugas-1"]
    assert [line["log_level"] for line in said if line.get("status") == 429] == ["debug", "debug"]
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 10
    clock.now += seconds
    assert (await ask("/baca", flooding)).status_code == 200
    assert (await until_refused(ask, flooding)).status_code == 429  # of the window before most counts still
    clock.now += 2 * rates.WINDOW_SECONDS
    assert {(await ask("/baca", flooding)).status_code for _ in range(MOST)} == {200}


async def test_a_token_whose_signature_is_written_otherwise_is_the_same(ask: Ask, issuer: Issuer) -> None:
    flooding = token_of(issuer)
    assert (await until_refused(ask, flooding)).status_code == 429
    signed, _, signature = flooding.rpartition(".")
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    other = (N - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    again = f"{signed}.{urlsafe_b64encode(raw[:32] + other).rstrip(b'=').decode()}"
    assert [(await ask("/baca", again)).status_code for _ in range(2)] == [200, 429]  # the first makes it known


@pytest.mark.security(line="S8")
async def test_what_a_refused_request_brings_is_not_read(ask: Ask, issuer: Issuer) -> None:
    flooding = token_of(issuer)
    await until_refused(ask, flooding)
    read = 0

    async def body() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * 10_000

    answer = await ask("/tulis", flooding, "POST", content=body(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["connection"]) == (429, "close")
    assert read <= 1


async def test_a_service_asks_as_often_as_it_must(ask: Ask, issuer: Issuer) -> None:
    service = token_of(issuer, "notifications", Role.LAYANAN)
    assert {(await ask("/baca", service)).status_code for _ in range(3 * MOST)} == {200}


async def test_without_a_limit_nobody_is_refused(issuer: Issuer) -> None:
    ask = asker(app_with(issuer, 0))
    assert {(await ask("/baca", token_of(issuer))).status_code for _ in range(3 * MOST)} == {200}


async def test_a_token_that_is_refused_for_what_it_is_stays_so(ask: Ask, issuer: Issuer) -> None:
    expired = issuer.sign()  # of a clock of another year
    assert {(await ask("/baca", expired)).status_code for _ in range(3 * MOST)} == {401}
