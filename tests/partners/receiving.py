"""An agency's endpoint: a real HTTP server that keeps what it is posted, and the judge of its signatures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.partners.domain.replays import Budget
from services.partners.handlers.carrying import Means
from services.partners.handlers.delivering import Deliverer
from services.partners.handlers.measuring import Measures
from services.partners.handlers.posting import JudgingResolver, Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.texts import Texts
from shared.contracts.partnership import DeliveryWay
from tests.partners.bureau import OPEN, WEBHOOK_KEYS, Bureau

LOOPBACK = "127.0.0.0/8"
WAYS = {"ways": [DeliveryWay.WEBHOOK.value, DeliveryWay.FEED.value]}
WAIT_SECONDS = 20.0
ANSWER_SECONDS = 15.0
"""For so long a deliverer waits for an endpoint's answer."""


@dataclass
class Posted:
    """What came in one request."""

    id: str
    headers: dict[str, str]
    body: bytes
    status: int
    at: float

    def event(self) -> Any:
        """Return the event as the SDK of CloudEvents reads it."""
        return from_structured_event(HTTPMessage({"content-type": self.headers["content-type"]}, self.body))

    def signed_by(self, secret: str) -> bool:
        """Tell whether a secret signed it, as the official library of Standard Webhooks judges."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


@dataclass
class Receiver:
    """Keeps what it is posted. ``answer`` may be changed while it runs."""

    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    answer: Callable[[Posted], Awaitable[web.Response]] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/masuk"

    @property
    def taken(self) -> list[Posted]:
        """What it answered with 200."""
        return [item for item in self.posted if item.status == 200]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep one request, and answer."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        item = Posted(headers.get("webhook-id", ""), headers, await request.read(), 200, monotonic())
        self.posted.append(item)
        if self.answer is None:
            return web.Response()
        response = await self.answer(item)
        item.status = response.status
        return response

    async def until(self, count: int) -> list[Posted]:
        """Return what was taken as soon as it is so many."""
        await until(lambda: len(self.taken) >= count)
        return self.taken


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


def make_deliverer(
    bureau: Bureau,
    instance: str = "pekerja",
    *,
    networks: Sequence[Any] | None = None,
    seconds: float = ANSWER_SECONDS,
    resolver: type[JudgingResolver] = JudgingResolver,
    rate: int = 2_000,
    measures: Measures | None = None,
) -> Deliverer:
    """Return a deliverer on the bureau's database; replays post ``rate`` events a second at most, waits after failures are the shortest."""
    nets = bureau.app.state.webhook_networks if networks is None else networks
    poster = Poster(nets, seconds, resolver)
    pool, box = bureau.pool, SecretBox(WEBHOOK_KEYS.splitlines())
    shared = (Texts(pool), Tails(pool), measures or Measures())
    means = Means(pool, bureau.keys.client(), poster, box, Budget(rate), *shared, lambda: 0.0)
    return Deliverer(means, instance, 0.02)


@asynccontextmanager
async def delivering(*deliverers: Deliverer) -> AsyncIterator[None]:
    """Run deliverers."""
    stop = asyncio.Event()
    running = [asyncio.create_task(item.run(stop)) for item in deliverers]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


@dataclass
class Endpoint:
    """An endpoint as its agency knows it."""

    bureau: Bureau
    id: str
    secret: str
    agency: str

    async def shown(self) -> Any:
        """Return what its agency is shown."""
        return (await self.bureau.agency(self.agency).get(f"/webhooks/{self.id}")).raise_for_status().json()

    async def do(self, deed: str, body: Any = None) -> Any:
        """Do something with it in the version that it has."""
        version = (await self.shown())["version"]
        answer = await self.bureau.agency(self.agency).post(f"/webhooks/{self.id}/{deed}", body, version)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def lag(self, stream: str = "business") -> Any:
        """Return how far it is in a stream."""
        return next(item for item in (await self.shown())["streams"] if item["stream"] == stream)


async def register(bureau: Bureau, url: str, *, start: str = "awal", agency: str = "dpmptsp") -> Endpoint:
    """Register an endpoint of an agency that has an agreement."""
    answer = await bureau.agency(agency).post("/webhooks", {"url": url, "start": start})
    assert answer.status_code == 201, answer.text
    return Endpoint(bureau, answer.json()["id"], answer.json()["secret"], agency)


async def agree_and_register(
    bureau: Bureau, url: str, *, agency: str = "dpmptsp", grants: Any = OPEN, **changes: Any
) -> tuple[str, Endpoint]:
    """Make an agreement by which webhooks are allowed, and an endpoint; return the agreement's id and the endpoint."""
    agreement = await bureau.agree(grants, agency=agency, **(WAYS | changes))
    return agreement, await register(bureau, url, agency=agency)


def in_order(posted: Sequence[Posted]) -> bool:
    """Tell whether each aggregate's events came in order, looking at the first coming of each."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    for item in posted:
        if item.id in seen:
            continue
        seen.add(item.id)
        event = item.event()
        sequence = int(event.get_extension("sequence"))
        if sequence <= last.get(event.get_subject(), 0):
            return False
        last[event.get_subject()] = sequence
    return True
