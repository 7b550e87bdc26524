"""Every operation of every API with whatever its document allows, and what it does not: no answer may be 5xx.

No part of `make test`, since it takes minutes: ``pytest tests/fuzz/apis.py``, and ``FUZZ_SECONDS=600`` for longer than a minute each.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from shared.auth import Role, new_signing_key, sign_token
from shared.database import create_pool
from shared.web.server import run_http
from tests.access import AUDIENCE, ISSUER, SERVICES, app_of, publish_key
from tests.kernel.web_client import LocalSettings

SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
PROGRAM = Path(sys.executable).parent / "schemathesis"
WORDS = (
    "--checks",
    "not_a_server_error",
    "--phases",
    "coverage,fuzzing",
    "--max-examples",
    "20",
    "--seed",
    "3",
    "--exclude-path-regex",
    "^/health/",
)
"""Health says 503 rightly: what runs beside an API in its process does not here."""


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("service", SERVICES)
async def test_no_request_makes_a_service_fail(service: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    signing, database = new_signing_key(), request.getfixturevalue(f"{service}_db")
    publish_key(tmp_path, signing)
    said = {"issuer": ISSUER, "audience": AUDIENCE, "kelurahan": "64.71.01.1001", "agency": "dpmptsp"}
    token = sign_token(signing, subject="fuzz", roles=list(Role), **said)
    stop, where = asyncio.Event(), LocalSettings(drain_seconds=2.0)
    async with await create_pool(database.dsn, max_size=8) as pool:
        app = app_of(service, tmp_path, pool)
        serving = asyncio.create_task(run_http(app, where, stop))
        async with asyncio.timeout(10):
            while not hasattr(app.state, "port"):
                await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{app.state.port}/openapi.json"
        words = ("run", address, "-H", f"Authorization: Bearer {token}", "--max-time", str(SECONDS), *WORDS)
        fuzzing = await asyncio.create_subprocess_exec(
            PROGRAM, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await fuzzing.communicate()
        stop.set()
        await serving
    assert fuzzing.returncode == 0, told.decode()[-6_000:]
    sys.stderr.write(f"\n{service}: {told.decode().partition('Test cases:')[2].splitlines()[1].strip()}\n")
