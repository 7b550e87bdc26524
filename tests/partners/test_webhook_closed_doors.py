"""Where webhooks do not go (SECURITY S6): a server on this machine counts connections, and no address that an agency names reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from itertools import chain, repeat
from typing import ClassVar

import pytest
from aiohttp import web

from services.partners.handlers.posting import JudgingResolver, Outcome, Poster
from tests.partners.receiving import Posted, receiving, until

LOOPBACK = (ip_network("127.0.0.0/8"),)
ELSEWHERE = (ip_network("10.99.0.0/16"),)
"""A network of the operator, so that http and any port are open to what lies in it."""


class Sink:
    """Counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def take(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count one, and close it."""
        self.connections += 1
        writer.close()


@asynccontextmanager
async def sinking() -> AsyncIterator[Sink]:
    """Listen on all addresses of this machine, of both families where there are two."""
    sink = Sink()
    server = await asyncio.start_server(sink.take, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink


async def post(poster: Poster, url: str) -> Outcome:
    """Post something and close what was opened."""
    outcome = await poster.post(url, b"{}", {"webhook-id": "1"})
    await poster.close()
    return outcome


URLS = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://localhost.:{port}/",
    "http://LOCALHOST:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://10.99.0.1@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@10.99.0.1/",
    "http://127.0.0.1%2f@10.99.0.1:{port}/",
    "http://127.0.0.1:{port}\\@10.99.0.1/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("networks", [(), ELSEWHERE])
@pytest.mark.security(line="S6")
@pytest.mark.security(line="S19", item="API7")
async def test_no_way_of_writing_this_machine_reaches_it(url: str, networks: tuple[object, ...]) -> None:
    async with sinking() as sink:
        outcome = await post(Poster(networks, 3.0), url.format(port=sink.port))  # type: ignore[arg-type]
        assert (outcome.status, outcome.taken, sink.connections) == (None, False, 0)


async def test_the_sink_counts_who_is_let_in() -> None:
    async with sinking() as sink:
        outcome = await post(Poster(LOOPBACK, 3.0), f"http://localhost:{sink.port}/")
        assert (outcome.error, sink.connections) == ("sambungan_putus", 1)


class _Rebinding(JudgingResolver):
    """A name server of somebody who means harm: open at the first question, this machine from then on."""

    answers: ClassVar[object] = None
    asked = 0

    async def look_up(self, host: str, port: int, family: int) -> list[tuple[int, str]]:
        type(self).asked += 1
        found: str = next(self.answers)  # type: ignore[call-overload]
        return await super().look_up(found, port, family)


def rebinding(*first: str) -> type[_Rebinding]:
    """Return a resolver that answers with these addresses first, and with this machine afterwards."""
    return type("Rebinding", (_Rebinding,), {"answers": chain(first, repeat("127.0.0.1")), "asked": 0})


@pytest.mark.security(line="S6")
async def test_a_name_that_means_this_machine_the_second_time_reaches_only_what_was_judged() -> None:
    async with sinking() as sink:
        resolver = rebinding("10.99.0.1")
        poster = Poster(ELSEWHERE, 0.5, resolver)
        url = f"http://pindah.example:{sink.port}/"
        # Nobody is at the address that was judged: the time passes, and no other is tried.
        assert (await poster.post(url, b"{}", {})).error in {"waktu_habis", "tidak_tersambung"}
        assert (resolver.asked, sink.connections) == (1, 0)
        await poster.close()
        again = Poster(ELSEWHERE, 0.5, resolver)
        assert (await post(again, url)).error == "alamat_tertutup"
        assert (resolver.asked, sink.connections) == (2, 0)


class _Mixed(JudgingResolver):
    async def look_up(self, host: str, port: int, family: int) -> list[tuple[int, str]]:
        return [*await super().look_up("10.99.0.1", port, family), *await super().look_up("127.0.0.1", port, family)]


@pytest.mark.security(line="S6")
async def test_a_name_with_one_closed_address_among_open_ones_is_refused() -> None:
    async with sinking() as sink:
        assert (
            await post(Poster(ELSEWHERE, 0.5, _Mixed), f"http://dua.example:{sink.port}/")
        ).error == "alamat_tertutup"
        assert sink.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.security(line="S6")
async def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    async with sinking() as sink, receiving() as receiver:

        async def answer(_: Posted) -> web.Response:
            return web.Response(status=status, headers={"Location": f"http://127.0.0.1:{sink.port}/"})

        receiver.answer = answer
        outcome = await post(Poster(LOOPBACK, 3.0), receiver.url)
        assert (outcome.error, sink.connections, len(receiver.posted)) == (f"http_{status}", 0, 1)


@pytest.mark.security(line="S19", item="API10")
async def test_a_long_answer_is_cut_off_and_its_status_counts() -> None:
    async with receiving() as receiver:

        async def answer(_: Posted) -> web.Response:
            return web.Response(body=b"x" * 50_000_000)

        receiver.answer = answer
        poster = Poster(LOOPBACK, 5.0)
        outcome = await poster.post(receiver.url, b"{}", {})
        assert (outcome.status, outcome.taken) == (200, True)
        await poster.close()


@pytest.mark.security(line="S8")
async def test_an_answer_that_never_comes_ends_in_time() -> None:
    async with receiving() as receiver:
        never = asyncio.Event()

        async def answer(_: Posted) -> web.Response:
            await never.wait()
            return web.Response()

        receiver.answer = answer
        poster = Poster(LOOPBACK, 0.3)
        outcome = await poster.post(receiver.url, b"{}", {})
        assert (outcome.error, outcome.millis < 2_000) == ("waktu_habis", True)
        await until(lambda: len(receiver.posted) == 1)
        await poster.close()
        never.set()


@pytest.mark.security(line="S19", item="API10")
@pytest.mark.parametrize(
    "asked", ["Mon, 01 Jan 2026 00:00:00 +" + "9" * 20, "Mon, 01 Jan 2026 " + "9" * 20 + ":00:00 GMT"]
)
async def test_a_pause_that_nobody_can_read_is_none(asked: str) -> None:
    async with receiving() as receiver:

        async def answer(_: Posted) -> web.Response:
            return web.Response(status=503, headers={"Retry-After": asked})

        receiver.answer = answer
        outcome = await post(Poster(LOOPBACK, 5.0), receiver.url)
        assert (outcome.status, outcome.error, outcome.asked) == (503, "http_503", None)


class _Stumbling(JudgingResolver):
    """Falls over what it is answered, in a way that nobody thought of."""

    async def look_up(self, host: str, port: int, family: int) -> list[tuple[int, str]]:
        raise ArithmeticError(host)


@pytest.mark.security(line="S19", item="API10")
async def test_what_nobody_thought_of_fails_the_one_post_and_nothing_else() -> None:
    outcome = await post(Poster(LOOPBACK, 5.0, _Stumbling), "http://localhost:9/")
    assert (outcome.status, outcome.error) == (None, "kesalahan_sendiri")
