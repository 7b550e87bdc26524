"""``naikkelas explain`` against the API on a real socket: what it prints, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from ops.stack.home import Home, Record
from ops.stack.tokens import AUDIENCE, ISSUER, write_public_keys
from services.projections.app import create_app
from services.projections.handlers.projecting import project_batch
from services.projections.settings import ProjectionsSettings
from shared.database import Pool
from shared.health import Health
from tests.kernel.web_client import served
from tests.projections.cities import city
from tests.projections.conftest import ROOT
from tests.stack.servers import Database

Ask = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]
BUSINESSES = 30


def asker(home: Home) -> Ask:
    """Return what runs the command for the stack of ``home``."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops", "explain", *words]
        env = os.environ | {"NAIKKELAS_HOME": str(home.path)}
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    async def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(run, *words)

    return ask


def serve_at(home: Home, port: int) -> None:
    """Write into the stack's record where the API is."""

    def change(record: Record) -> None:
        record.ports["projections-api"] = port

    home.change(change)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.prepare()
    return made


@pytest.fixture
async def ask(home: Home, projections_db: Database, pool: Pool) -> Any:
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, city(BUSINESSES))
    settings = ProjectionsSettings(
        database_dsn=projections_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="projections",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=str(write_public_keys(home)),
        http_port=0,
    )
    async with served(create_app(settings, pool)) as server:
        serve_at(home, server.port)
        yield asker(home)


async def test_a_number_is_shown_with_its_businesses_and_events(ask: Ask, pool: Pool) -> None:
    done = await ask("district", "--limit", "1000")
    total = await pool.fetchval("SELECT count(*) FROM district_dashboard WHERE status <> 'digabung'")
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[0]) == (0, f"district_dashboard: {total} usaha, dari {total} usaha")
    assert lines[-1] == f"Jumlah: {total} usaha, seluruhnya."
    assert sum("business.registered  umkm.business #1" in line for line in lines) == total


async def test_pages_go_on_where_the_last_one_ended(ask: Ask) -> None:
    whole = json.loads((await ask("district_dashboard", "--json", "--limit", "1000")).stdout)
    first = json.loads((await ask("district_dashboard", "--json", "--limit", "4")).stdout)
    rest = json.loads(
        (await ask("district_dashboard", "--json", "--limit", "1000", "--after", first["next_after"])).stdout
    )
    assert len(first["items"]) == 4
    assert first["items"] + rest["items"] == whole["items"]
    assert (first["ok"], rest["ok"], whole["ok"]) == (True, True, True)
    shown = await ask("district_dashboard", "--limit", "4")
    assert shown.stdout.splitlines()[-1] == f"… berikutnya: --after {UUID(first['next_after'])}"


@pytest.mark.parametrize(
    ("number", "allowed"),
    [("omzet", "class_funnel"), ("district_dashboard/kelas=raksasa", "menengah"), ("jobs", "pada=2026-11-30")],
)
async def test_a_number_that_does_not_exist_is_wrong_usage(ask: Ask, number: str, allowed: str) -> None:
    done = await ask(number)
    assert (done.returncode, done.stdout) == (2, "")
    assert allowed in done.stderr
    told = json.loads((await ask(number, "--json")).stdout)
    assert (told["ok"], allowed in told["error"]) == (False, True)


async def test_what_does_not_add_up_is_said_by_the_exit_code(home: Home) -> None:
    app = FastAPI()
    app.state.health = Health("projections")

    @app.get("/health/live")
    async def live() -> None: ...

    @app.get("/explain/{address:path}")
    async def explain(address: str) -> dict[str, Any]:
        item = {"business_id": str(UUID(int=1)), "amount": 2, "events": []}
        return {
            "address": address,
            "unit": "orang",
            "total": 3,
            "businesses": 1,
            "items": [item],
            "next_after": None,
        }

    async with served(app) as server:
        serve_at(home, server.port)
        done = await asker(home)("jobs/pada=2026-11-30")
    assert done.returncode == 3


async def test_without_a_stack_one_sentence_says_what_to_do(home: Home) -> None:
    done = await asker(home)("district_dashboard")
    assert (done.returncode, "naikkelas up" in done.stderr) == (1, True)
