"""A client in a process of its own: POSTs of ready-made bytes over kept connections, each answer awaited and checked.

Told by one line of JSON on standard input, answers by one on standard output. It is plain asyncio, because a
comfortable client takes longer for a request than the server does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any
from uuid import uuid4

import uvloop

from bench.harness import VoidRunError


class Connection(asyncio.Protocol):
    """One request at a time; an answer has a ``Content-Length``."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect the answer, and give it out when it is whole."""
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        at = self._held.lower().find(b"content-length:", 0, end)
        length = int(self._held[at + 15 : self._held.find(b"\r\n", at)]) if at >= 0 else 0
        if len(self._held) >= end + 4 + length:
            whole, self._held = bytes(self._held), bytearray()
            self._answer.set_result(whole)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail who still waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server closed the connection"))

    async def request(self, data: bytes) -> bytes:
        """Send a request and return the answer, head and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._answer

    def close(self) -> None:
        """Close it."""
        self._transport.close()


def _request(told: dict[str, Any], body: bytes) -> bytes:
    head = (
        f"POST {told['path']} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {told['token']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {uuid4().hex}\r\n\r\n"
    )
    return head.encode() + body


async def _post(told: dict[str, Any], connections: list[Connection], count: int) -> tuple[float, list[float], set[str]]:
    """Send ``count`` requests over all connections; return the seconds, each request's wait, and the ids answered."""
    bodies = [json.dumps(body).encode() for body in told["bodies"]]
    numbers, waits, ids = iter(range(count)), list[float](), set[str]()

    async def work(connection: Connection) -> None:
        for number in numbers:
            data = _request(told, bodies[number % len(bodies)])
            sent = perf_counter()
            answer = await connection.request(data)
            waits.append(perf_counter() - sent)
            if not answer.startswith(b"HTTP/1.1 201 "):
                raise RuntimeError(answer[:1000].decode(errors="replace"))
            ids.add(json.loads(answer[answer.index(b"\r\n\r\n") :])["id"])

    started = perf_counter()
    await asyncio.gather(*map(work, connections))
    return perf_counter() - started, waits, ids


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a server of this machine."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def load(told: dict[str, Any]) -> dict[str, Any]:
    """Warm the server up, then measure."""
    connections = await connect(told["port"], told["connections"])
    await _post(told, connections, told["warm_up"])
    seconds, waits, ids = await _post(told, connections, told["requests"])
    for connection in connections:
        connection.close()
    return {"seconds": seconds, "waits": waits, "ids": len(ids)}


async def apart(module: str, told: dict[str, Any]) -> dict[str, Any]:
    """Have a module of clients do something in a process of its own, and return what it came to. Raises ``VoidRunError``."""
    client = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=PIPE, stdout=PIPE)
    output, _ = await client.communicate((json.dumps(told) + "\n").encode())
    if client.returncode != 0:
        raise VoidRunError("a client did not come to its end, or was not answered as it should; it says why")
    found: dict[str, Any] = json.loads(output)
    return found


def obey(work: Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]) -> None:
    """Read what to do, do it, tell what it came to: the other end of ``apart``."""
    sys.stdout.write(json.dumps(uvloop.run(work(json.loads(sys.stdin.readline())))) + "\n")


if __name__ == "__main__":
    obey(load)
