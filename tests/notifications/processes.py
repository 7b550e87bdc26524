"""The worker as a process of its own, and the registry's route for keys as a real server."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.notifications.story import Registry
from tests.notifications.workshop import MAIL_FROM, PUBLIC_URL, UNSUBSCRIBE_KEY

ROOT = Path(__file__).parents[2]

Start = Callable[..., Awaitable[Process]]
"""Starts a worker; keyword arguments change its variables."""


class KeyServer:
    """Serves a registry's keys over HTTP; while ``open`` is not set, it does not answer."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request for keys."""
        body = await request.json()
        self.asked.set()
        await self.open.wait()
        return web.json_response(self.registry.resolve(body))


@asynccontextmanager
async def open_key_server(registry: Registry) -> AsyncIterator[KeyServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = KeyServer(registry)
    app = web.Application()
    app.router.add_post("/keys/resolve", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.open.set()
        await runner.cleanup()


def worker_environment(dsn: str, registry_url: str, smtp_port: int, folder: Path) -> dict[str, str]:
    """Return the variables of a worker that finds no Kafka; ``folder`` holds its token."""
    return {
        "DATABASE_DSN": dsn,
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "KAFKA_USERNAME": "notifications",
        "KAFKA_PASSWORD": "x",
        "JWT_ISSUER": "x",
        "JWT_AUDIENCE": "x",
        "JWKS": str(folder / "jwks.json"),
        "HTTP_PORT": "0",
        "INSTANCE": "worker-1",
        "REGISTRY_URL": registry_url,
        "SERVICE_TOKEN_FILE": str(folder / "token"),
        "SMTP_PORT": str(smtp_port),
        "MAIL_FROM": MAIL_FROM,
        "PUBLIC_URL": PUBLIC_URL,
        "UNSUBSCRIBE_KEY": UNSUBSCRIBE_KEY,
        "QUIET_HOURS": "",
        "SENDERS": "1",
    }


async def start_worker(environment: Mapping[str, str], log: Path) -> Process:
    """Start a worker that writes to ``log``; a test kills it as the kernel, or an operator in a hurry, does."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.notifications",
            "worker",
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
        )
