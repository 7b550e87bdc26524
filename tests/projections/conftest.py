"""What the tests of the projections share: a pool, an app with a signing key, and a worker as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI

from ops.stack import Stack
from services.projections.app import create_app
from services.projections.settings import ProjectionsSettings
from shared.auth import Role, new_signing_key, public_jwks, sign_token
from shared.database import Pool, create_pool
from tests.projections.logs import MemoryLog
from tests.projections.rebuilds import Bench
from tests.projections.test_batches import lives
from tests.stack.servers import Database

ROOT = Path(__file__).parents[2]
ISSUER, AUDIENCE = "https://masuk.example", "naikkelas"

StartWorker = Callable[[], Awaitable[Process]]


@pytest.fixture
async def pool(projections_db: Database) -> AsyncIterator[Pool]:
    """The pool of the running login on a fresh database."""
    opened = await create_pool(projections_db.dsn, min_size=0, max_size=6)
    yield opened
    await opened.close()


@pytest.fixture
async def bench(projections_db: Database) -> AsyncIterator[Bench]:
    """A live consumer that has applied nothing yet, and a log of 20 businesses with five facts each."""
    connections = [
        await asyncpg.connect(dsn)
        for dsn in (projections_db.dsn, projections_db.migrate_dsn, projections_db.superuser_dsn)
    ]
    made = Bench(*connections, MemoryLog(), projections_db.migrate_dsn)
    made.log.publish(lives(20, 5))
    yield made
    for connection in connections:
        await connection.close(timeout=5)


@dataclass
class Office:
    """The API in memory, and tokens for whoever calls."""

    app: FastAPI
    key: Any

    def client(self, *roles: Role, kelurahan: str | None = None) -> httpx2.AsyncClient:
        """Return a client with a token of these roles; without roles it has no token."""
        headers = {}
        if roles:
            token = sign_token(
                self.key, issuer=ISSUER, audience=AUDIENCE, subject="uji", roles=list(roles), kelurahan=kelurahan
            )
            headers = {"Authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers)


@pytest.fixture
def office(projections_db: Database, pool: Pool, tmp_path: Path) -> Office:
    """The API on a fresh database."""
    key = new_signing_key()
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(public_jwks(key)))
    settings = ProjectionsSettings(
        database_dsn=projections_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="projections",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=str(jwks),
        http_port=0,
    )
    return Office(create_app(settings, pool), key)


@pytest.fixture
def environment(server_stack: Stack, projections_db: Database) -> dict[str, str]:
    """The variables of a process of the projections, on the real Kafka and a fresh database."""
    given = server_stack.env_for("projections")
    return given | {
        "DATABASE_DSN": projections_db.dsn,
        "MIGRATION_DSN": projections_db.migrate_dsn,
        "HTTP_PORT": "0",
        "INSTANCE": "worker-test",
    }


@pytest.fixture
async def start_worker(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Give a function that starts a worker; what still runs at the end is killed."""
    started: list[Process] = []

    async def start() -> Process:
        with (tmp_path / "worker.log").open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.projections",
                "worker",
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **environment},
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()
