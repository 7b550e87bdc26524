"""An agency's endpoint in a run: a real HTTP server that notes what it takes, and answers as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import time
from typing import Any

import orjson
from aiohttp import web

from ops.stack.processes import HOST
from proof.checker import Delivery
from proof.history import now

PATH = "/masuk"
Answer = Callable[["Receiver", web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Post:
    """One request."""

    delivery: Delivery
    began: float
    """On the clock of the history."""
    delay: float
    """Seconds since the event happened."""
    status: int = 0
    """What was answered; 0: nothing yet, and also if the other side has gone away meanwhile."""
    ended: float = 0.0


@dataclass(slots=True)
class Receiver:
    """Takes everything, unless ``answer`` says otherwise; ``answer`` may be changed while it runs."""

    answer: Answer | None = None
    posts: list[Post] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: who holds an answer back gives it now."""
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}{PATH}"

    @property
    def taken(self) -> list[Post]:
        """What it took: it meant to answer 200, whether or not anybody still listened."""
        return [post for post in self.posts if post.status == 200]

    async def start(self) -> None:
        """Listen: on the port that it had, or on a free one."""
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be away: connections are refused."""
        self.released.set()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def heal(self) -> None:
        """Take everything from now on, also what is held back."""
        self.answer = None
        self.released.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        event = orjson.loads(await request.read())
        post = Post(delivery_of(event), now(), time() - datetime.fromisoformat(event["time"]).timestamp())
        self.posts.append(post)
        response = web.Response() if self.answer is None else await self.answer(self, request)
        post.status, post.ended = response.status, now()
        return response


def delivery_of(event: Mapping[str, Any]) -> Delivery:
    """Return which event a CloudEvent in JSON is; of what counts none the sequence is 0."""
    return Delivery(event["subject"], int(event.get("sequence", 0)), event["id"])


def status(code: int, **headers: str) -> Answer:
    """Return what answers at once with a status; of names of headers ``_`` is read as ``-``."""

    async def answer(_receiver: Receiver, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def held_back(code: int = 200) -> Answer:
    """Return what answers only when it is released: long after the time-out of whoever posted."""

    async def answer(receiver: Receiver, _request: web.Request) -> web.StreamResponse:
        await receiver.released.wait()
        return web.Response(status=code)

    return answer


async def drip(receiver: Receiver, request: web.Request) -> web.StreamResponse:
    """Answer 200, and then one byte a second."""
    response = web.StreamResponse(headers={"Content-Length": "1000000"})
    await response.prepare(request)
    with suppress(ConnectionError):  # whoever posted has heard enough
        while not receiver.released.is_set() and request.transport is not None and not request.transport.is_closing():
            await response.write(b".")
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await receiver.released.wait()
    response.force_close()
    return response
