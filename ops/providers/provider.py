"""What both providers share: messages taken and kept, faults played, receipts posted and posted again until they are taken."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
from aiohttp import web

from ops.providers.faults import TAKES, Fault, Manner

TELL_AGAIN_SECONDS = (0.2, 1.0, 5.0, 30.0)
"""How long it waits before it tells a receipt again that was not answered with success; the real ones go on for days."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the provider has, whatever it answered."""

    id: str
    to: str
    """As it was asked for, with a plus."""
    reference: str | None
    texts: tuple[str, ...]
    request: Mapping[str, Any] = field(repr=False, default_factory=dict)


class RefusedError(Exception):
    """The provider takes nothing: status, body and headers of its answer."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Return the answer."""
        if isinstance(self.body, str):
            return web.Response(status=self.status, text=self.body, content_type="text/html", headers=self.headers)
        return web.json_response(self.body, status=self.status, headers=self.headers)


class Provider(ABC):
    """One provider. ``callback`` is where its receipts go (empty: nowhere), ``folder`` where its messages are kept as files."""

    NAME: ClassVar[str]

    def __init__(self, callback: str = "", folder: Path | None = None) -> None:
        self.callback = callback
        self.manner = Manner()
        self.taken: list[Taken] = []
        self.asked = 0
        """Requests, whatever became of them."""
        self.arrived = asyncio.Condition()
        self.released = asyncio.Event()
        """Set at the end, so that nobody waits for an answer that was never to come."""
        self.told: list[tuple[int, bytes]] = []
        """What the other side answered to receipts: status and body."""
        self.url = ""
        self._folder = folder
        self._numbers = count(1 if folder is None else len(list(folder.glob(f"{self.NAME}-*.json"))) + 1)
        self._telling: set[asyncio.Task[None]] = set()

    # -- what each provider has of its own -------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes that messages come by."""

    @abstractmethod
    async def read(self, request: web.Request) -> Taken:
        """Return the message of a request, checked as strictly as the provider does. Raises ``RefusedError``."""

    @abstractmethod
    def answer(self, taken: Taken) -> web.Response:
        """Return the answer to a message that was taken."""

    @abstractmethod
    def refusal(self, fault: Fault) -> RefusedError:
        """Return how the provider says this."""

    @abstractmethod
    def receipt(self, taken: Taken, status: str) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of a receipt."""

    @abstractmethod
    def statuses(self, taken: Taken) -> Sequence[str]:
        """Return what is told of a message by itself."""

    # -- taking ----------------------------------------------------------------------------------------------------

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a message, or play a fault."""
        self.asked += 1
        try:
            fault = self.manner.next_fault()
            if fault is Fault.CUT_BEFORE:
                return await self._cut(request)
            if fault is not None and fault not in TAKES:
                raise self.refusal(fault)
            taken = await self.read(request)
        except RefusedError as refused:
            return refused.response()
        if self.manner.early:
            await self.tell(taken, *self.statuses(taken))
        await self._keep(taken)
        if fault is Fault.SILENT:
            await self.released.wait()
        if fault in (Fault.SILENT, Fault.CUT):
            return await self._cut(request)
        if fault is Fault.BAD_GATEWAY:
            return RefusedError(502, "<html><body>Bad Gateway</body></html>").response()
        return self.answer(taken)

    async def _keep(self, taken: Taken) -> None:
        if self._folder is not None:
            path = self._folder / f"{self.NAME}-{next(self._numbers):06}.json"
            kept = {"to": taken.to, "reference": taken.reference, "texts": taken.texts}
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
        async with self.arrived:
            self.taken.append(taken)
            self.arrived.notify_all()
        if not self.manner.early and (statuses := self.statuses(taken)):
            task = asyncio.create_task(self.tell(taken, *statuses))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def wait_for(self, count: int, seconds: float = 20) -> None:
        """Wait until ``count`` messages were taken."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.taken) >= count)

    # -- telling ---------------------------------------------------------------------------------------------------

    async def tell(self, taken: Taken, *statuses: str) -> None:
        """Tell receipts of a message, one after another, each until it is taken."""
        if not self.callback:
            return
        async with aiohttp.ClientSession() as session:
            for status in statuses:
                body, headers = self.receipt(taken, status)
                for _ in range(2 if self.manner.twice else 1):
                    await self._post(session, body, headers)

    async def _post(self, session: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str]) -> None:
        for pause in (*TELL_AGAIN_SECONDS, None):
            try:
                async with session.post(self.callback, data=body, headers=headers) as response:
                    self.told.append((response.status, await response.read()))
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                self.told.append((0, b""))
            if pause is None or self.released.is_set():
                return
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[None]:
        """Serve until the block ends."""
        async with serve(self, host=host, port=port):
            yield

    async def stop(self) -> None:
        """Let everybody go who waits for an answer, and tell nothing more."""
        self.released.set()
        for task in tuple(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)


@asynccontextmanager
async def serve(*providers: Provider, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[None]:
    """Serve providers on one port until the block ends; 0 takes any free one."""
    app = web.Application()
    for provider in providers:
        app.router.add_routes(provider.routes())
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    for provider in providers:
        provider.url = f"http://{host}:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        for provider in providers:
            await provider.stop()
        await runner.cleanup()
