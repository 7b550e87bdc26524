"""Serving an app with uvicorn until the process is asked to stop; requests under way are finished first."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import structlog
import uvicorn
from starlette.applications import Starlette

from shared.health import Health
from shared.process import leave_once_ready

DRAIN_SHARE = 0.8
"""The part of DRAIN_SECONDS that requests under way get; the rest is for closing pools and connections."""
BACKLOG = 2_048

log = structlog.get_logger(__name__)


class HttpSettings(Protocol):
    """The settings that serving needs (``ServiceSettings`` has them)."""

    @property
    def http_host(self) -> str: ...
    @property
    def http_port(self) -> int: ...
    @property
    def drain_seconds(self) -> float: ...
    @property
    def nice(self) -> int: ...


class PortTakenError(OSError):
    """The address to listen on cannot be had; the text says which, and what to do."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which sets ``stop`` for all its parts."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``PortTakenError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = error.strerror or str(error)
        raise PortTakenError(f"Cannot listen on {host}:{port} ({why}): set HTTP_PORT to a free port.") from error


def _without_duplicate(record: logging.LogRecord) -> bool:
    """Drop uvicorn's account of an exception that the app's own handler has logged with its request id."""
    return not record.getMessage().startswith("Exception in ASGI application")


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    try:
        await server.serve(sockets=[sock])
    except SystemExit as error:  # uvicorn's answer to an app that fails in its lifespan; here it is one part of several
        raise RuntimeError("the HTTP app did not start; its log says why") from error


async def _is_ready(health: Health) -> bool:
    return (await health.ready()).healthy


async def run_http(app: Starlette, settings: HttpSettings, stop: asyncio.Event) -> None:
    """Serve ``app`` until ``stop`` is set, then take no more requests and finish those under way (bounded).

    Once it says that it is ready, the process takes the priority of its settings. Readiness says "stopping" as soon as
    ``stop`` is set. Raises ``PortTakenError``, and ``RuntimeError`` if the app does not start or the server ends by itself.
    """
    with listen(settings.http_host, settings.http_port) as sock:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=max(1, int(settings.drain_seconds * DRAIN_SHARE)),
        )
        logging.getLogger("uvicorn.error").addFilter(_without_duplicate)
        server = _Server(config)
        app.state.port = sock.getsockname()[1]
        serving = asyncio.create_task(_serve(server, sock))
        stopping = asyncio.create_task(stop.wait())
        leaving = asyncio.create_task(leave_once_ready(settings.nice, partial(_is_ready, app.state.health), stop))
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            leaving.cancel()
            app.state.health.stopping()
            server.should_exit = True
            await serving
    if not stop.is_set():
        raise RuntimeError("the HTTP server ended by itself; its log says why")
