"""What the tests of the notifications share: facts to tell, a registry that gives keys, an SMTP server with moods."""

from __future__ import annotations

import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.notifications.app import create_app
from services.notifications.domain.reminding import ReminderRule
from services.notifications.domain.timing import Rate, RetrySchedule
from services.notifications.handlers.pacing import SendingRules
from services.notifications.handlers.reminding import Reminding
from services.notifications.settings import NotificationsSettings
from shared.auth import Role, new_signing_key, public_jwks, sign_token
from shared.database import Pool, create_pool
from shared.settings import read_settings
from tests.notifications.city import EMAIL
from tests.notifications.mailbox import Mailbox, open_mailbox
from tests.notifications.processes import KeyServer, Start, open_key_server, start_worker, worker_environment
from tests.notifications.serving import AUDIENCE, ISSUER, Token, environment
from tests.notifications.story import Registry, Story
from tests.notifications.telephones import Telephones, open_telephones
from tests.notifications.workshop import NOON, Clock, Workshop
from tests.stack.servers import Database


@pytest.fixture
def registry() -> Registry:
    """The keys of the owners, and how the registry answers for them."""
    return Registry()


@pytest.fixture
def story(registry: Registry) -> Story:
    """Tells facts, sealed under the owners' keys."""
    return Story(registry)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A real SMTP server that keeps what it gets."""
    async with open_mailbox() as opened:
        yield opened


@pytest.fixture
async def pool(notifications_db: Database) -> AsyncIterator[Pool]:
    """The pool of the running login on a fresh database."""
    opened = await create_pool(notifications_db.dsn, min_size=0, max_size=8)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    """Stands at noon in Balikpapan until a test moves it."""
    return Clock(NOON)


@pytest.fixture
async def workshop(pool: Pool, registry: Registry, mailbox: Mailbox, clock: Clock) -> AsyncIterator[Workshop]:
    """Consumer and senders on a real database and a real SMTP server."""
    rules = SendingRules(
        rates={"email": Rate(60_000)}, quiet=None, schedule=RetrySchedule(attempts=3), clock=clock, chance=lambda: 0.5
    )
    made = Workshop(pool, registry, mailbox, rules)
    yield made
    await made.close()


@pytest.fixture
def reminding(workshop: Workshop, clock: Clock) -> Reminding:
    """Looks by the test's clock."""
    return Reminding(workshop.pool, EMAIL, ReminderRule(), clock=clock)


@pytest.fixture
async def telephones(workshop: Workshop, tmp_path: Path) -> AsyncIterator[Telephones]:
    """WhatsApp and an SMS gateway, and the API that takes their receipts; the workshop's senders use them."""
    async with open_telephones(workshop, tmp_path) as opened:
        yield opened


@pytest.fixture
async def key_server(registry: Registry) -> AsyncIterator[KeyServer]:
    async with open_key_server(registry) as server:
        yield server


@pytest.fixture
def worker_log(tmp_path: Path) -> Path:
    """Where the workers of a test write."""
    return tmp_path / "worker.log"


@pytest.fixture
async def start(
    worker_log: Path, notifications_db: Database, key_server: KeyServer, mailbox: Mailbox, tmp_path: Path
) -> AsyncIterator[Start]:
    """Start workers on the test's database; what still runs at the end is killed."""
    (tmp_path / "token").write_text("token\n")
    environment = worker_environment(notifications_db.dsn, key_server.url, mailbox.port, tmp_path)
    started: list[Process] = []

    async def run(**changes: str) -> Process:
        started.append(await start_worker({**environment, **changes}, worker_log))
        return started[-1]

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def due(workshop: Workshop, clock: Clock) -> Workshop:
    """Return the workshop with a clock at the real time, because the workers' clock is."""
    clock.now = await workshop.pool.fetchval("SELECT now()")
    return workshop


@pytest.fixture(scope="module")
def signing_key() -> dict[str, Any]:
    return new_signing_key()


@pytest.fixture
def token(signing_key: dict[str, Any]) -> Token:
    """Return headers with a token of a role."""

    def make(role: Role, sub: str = "seseorang", kelurahan: str | None = None, **headers: str) -> dict[str, str]:
        signed = sign_token(
            signing_key, issuer=ISSUER, audience=AUDIENCE, subject=sub, roles=[role], kelurahan=kelurahan
        )
        return {"Authorization": f"Bearer {signed}", **headers}

    return make


@pytest.fixture
def api_app(
    workshop: Workshop, signing_key: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FastAPI:
    (tmp_path / "jwks.json").write_text(json.dumps(public_jwks(signing_key)))
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return create_app(read_settings(NotificationsSettings), workshop.pool)


@pytest.fixture
async def api(api_app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=api_app), base_url="http://api") as client:
        yield client
