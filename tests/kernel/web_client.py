"""Talking to an app: in memory, or over a real socket and a real uvicorn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI

from shared.web.server import run_http


@dataclass
class LocalSettings:
    """Serve on a free port of this machine."""

    http_host: str = "127.0.0.1"
    http_port: int = 0
    drain_seconds: float = 5.0
    nice: int = 0


@asynccontextmanager
async def client_of(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client that calls the app in memory; unexpected errors come back as answers, as over a socket."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers) as client:
        yield client


@dataclass
class Served:
    """An app that is being served."""

    port: int
    stop: asyncio.Event
    serving: asyncio.Task[None]


@asynccontextmanager
async def served(app: FastAPI, settings: LocalSettings | None = None) -> AsyncIterator[Served]:
    """Serve the app with uvicorn on a free port for the time of the block."""
    stop = asyncio.Event()
    serving = asyncio.create_task(run_http(app, settings or LocalSettings(), stop))
    try:
        async with asyncio.timeout(10):
            while not await _answers(app):
                if serving.done():
                    serving.result()
                await asyncio.sleep(0.01)
        yield Served(app.state.port, stop, serving)
    finally:
        stop.set()
        await asyncio.gather(serving, return_exceptions=True)


async def _answers(app: FastAPI) -> bool:
    port = getattr(app.state, "port", None)
    if port is None:
        return False
    status, _, _ = await raw_request(port, b"GET /health/live HTTP/1.1\r\nHost: uji\r\nConnection: close\r\n\r\n")
    return status == 200


async def raw_request(port: int, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are, and return status, headers and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass  # refused before all was sent: the answer is there to be read
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), headers, body
    finally:
        writer.close()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends: by a reset, if something is on its way to a server that has closed it."""
    parts = []
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            parts.append(part)
    return b"".join(parts)


def parsed(body: bytes) -> Any:
    """Return the JSON of a body."""
    return json.loads(body)
