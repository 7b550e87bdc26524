"""Endpoints of agencies in a process of its own: plain asyncio, because a comfortable server takes longer for a request than who posts.

``python -m bench.receiver_process ENDPOINTS HUNG`` opens so many ports, of which the last ``HUNG`` never answer, and prints them.
Then each line on standard input asks: ``wait COUNT`` is answered when so many requests were taken, with the moment of the last;
``tell`` with what was taken.
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter
from typing import Any

import orjson
import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Taken:
    """What was taken, by all endpoints."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, float, bytes]] = []
        """Endpoint, when (``perf_counter``, one clock for all processes), body."""
        self._more = asyncio.Event()

    def take(self, endpoint: int, body: bytes) -> None:
        """Keep a request."""
        self.requests.append((endpoint, perf_counter(), body))
        self._more.set()

    async def wait(self, count: int) -> float:
        """Return when the last of so many was taken."""
        while len(self.requests) < count:
            self._more.clear()
            await self._more.wait()
        return self.requests[count - 1][1]

    def tell(self) -> list[tuple[int, float, str, str, int]]:
        """Return endpoint, time, id, aggregate and sequence of each."""
        told = []
        for endpoint, at, body in self.requests:
            event = orjson.loads(body)
            told.append((endpoint, at, event["id"], event["subject"], int(event["sequence"])))
        return told


class Endpoint(asyncio.Protocol):
    """A connection to an endpoint, one request at a time."""

    def __init__(self, number: int, taken: Taken, *, hung: bool) -> None:
        self._number, self._taken, self._hung = number, taken, hung
        self._held = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect a request; answer it when it is whole."""
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._held[:end].lower()
        at = head.find(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self._held) < end + 4 + length or self._hung:
            return
        self._taken.take(self._number, bytes(self._held[end + 4 :]))
        self._held.clear()
        self._transport.write(ANSWER)


async def serve(endpoints: int, hung: int) -> None:
    """Serve until standard input ends."""
    loop, taken = asyncio.get_running_loop(), Taken()
    ports = []
    for number in range(endpoints):

        def connect(number: int = number) -> Endpoint:
            return Endpoint(number, taken, hung=number >= endpoints - hung)

        server = await loop.create_server(connect, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    _say(ports)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, _, count = line.decode().strip().partition(" ")
        _say(await taken.wait(int(count)) if word == "wait" else taken.tell())


def _say(told: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
