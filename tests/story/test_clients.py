"""The clients of the commands, on a real server: sent again on 503 alone and under the same key, never more at a time than said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from ops.clients import AnswerError, Clients
from shared.problems import TYPE_PREFIX

PROBLEM = {
    "type": f"{TYPE_PREFIX}kuota-nol",
    "title": "Kuota harus lebih dari nol",
    "detail": "Kuota 0.",
}


@dataclass
class Server:
    """Answers with what stands in ``answers``, in turn, then with 200; notes what came."""

    answers: list[int] = field(default_factory=list)
    seen: list[web.BaseRequest] = field(default_factory=list)
    now: int = 0
    most: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.seen.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.to_thread(str)  # so that others come meanwhile
        self.now -= 1
        status = self.answers.pop(0) if self.answers else 200
        body: Any = PROBLEM if status >= 400 else {"items": [{"id": len(self.seen)}], "next": None}
        if request.query.get("limit") and "after" not in request.query:
            body = {"items": [{"id": 1}, {"id": 2}], "next": "2"}
        return web.json_response(body, status=status)


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    """Serve on a port of its own and give the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Clients]]:
    """A server, and clients of it."""
    made = Server()
    async with serving(made) as url, Clients({"uji": url}, {"petugas": "t1", "lain": "t2"}, at_once=3) as clients:
        yield made, clients


async def test_who_is_away_is_asked_again_under_the_same_key(server: tuple[Server, Clients]) -> None:
    made, clients = server
    made.answers = [503, 503]
    await clients.post("uji", "/x", {"a": 1}, version=4, who="lain")
    assert len({request.headers["Idempotency-Key"] for request in made.seen}) == 1
    assert [request.headers["If-Match"] for request in made.seen] == ['"4"'] * 3
    assert {request.headers["Authorization"] for request in made.seen} == {"Bearer t2"}
    assert (clients.counts.commands, clients.counts.again) == (1, 2)


@pytest.mark.parametrize("status", [400, 409, 422, 429, 500, 502])
async def test_any_other_answer_ends_it(status: int, server: tuple[Server, Clients]) -> None:
    made, clients = server
    made.answers = [status]
    with pytest.raises(AnswerError, match="Kuota 0") as caught:
        await clients.post("uji", "/x")
    assert (caught.value.status, caught.value.slug) == (status, "kuota-nol")
    assert len(made.seen) == 1


async def test_two_commands_have_two_keys(server: tuple[Server, Clients]) -> None:
    made, clients = server
    await clients.post("uji", "/x")
    await clients.post("uji", "/x")
    assert len({request.headers["Idempotency-Key"] for request in made.seen}) == 2


async def test_pages_are_read_to_the_end(server: tuple[Server, Clients]) -> None:
    made, clients = server
    assert [item["id"] async for item in clients.pages("uji", "/x", state="lulus")] == [1, 2, 2]
    assert [request.query.get("after") for request in made.seen] == [None, "2"]
    assert {request.query["state"] for request in made.seen} == {"lulus"}


async def test_never_more_at_a_time_than_said(server: tuple[Server, Clients]) -> None:
    made, clients = server
    await asyncio.gather(*(clients.get("uji", "/x") for _ in range(40)))
    assert len(made.seen) == 40
    assert 1 < made.most <= 3
