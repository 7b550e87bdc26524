"""Clients of the services' HTTP APIs, for commands that ask and do much: a bounded number of requests at a time.

Each command carries an idempotency key and is sent again under the same key only when the answer is 503; every other answer
that is not a success ends the work with what the service said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx2

from shared.problems import TYPE_PREFIX

AT_ONCE = 32
PAUSE_SECONDS = 0.25
TRIES = 240
"""With the pauses a minute."""
PAGE = 200

Json = dict[str, Any]


class AnswerError(RuntimeError):
    """A service did not do what was asked. ``slug`` is the rule's name where it refused (RFC 9457), else empty."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.slug = str(problem.get("type", "")).removeprefix(TYPE_PREFIX)
        self.problem = dict(problem)
        said = problem.get("detail") or problem.get("title") or "tanpa keterangan"
        super().__init__(f"{method} {path}: {status} {said}")


@dataclass(slots=True)
class Counts:
    """What was sent so far."""

    commands: int = 0
    questions: int = 0
    again: int = 0
    """Sent once more after 503."""


class Clients:
    """One client per service. ``tokens`` are named after who holds them; ``who`` names one in each call.

    async with Clients({"registry": "http://…"}, {"petugas": "…"}) as clients:
        await clients.post("registry", "/owners", {...}, who="petugas")
    """

    def __init__(self, urls: Mapping[str, str], tokens: Mapping[str, str], *, at_once: int = AT_ONCE) -> None:
        self._clients = {name: httpx2.AsyncClient(base_url=url, timeout=60) for name, url in urls.items()}
        self._tokens = dict(tokens)
        self._first = next(iter(tokens))
        self._door = asyncio.Semaphore(at_once)
        self.counts = Counts()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()

    # -- asking ----------------------------------------------------------------------------------------------------

    async def get(self, service: str, path: str, *, who: str | None = None, **params: Any) -> Any:
        """Return the JSON of a GET. Raises ``AnswerError``."""
        self.counts.questions += 1
        answer = await self._send(service, "GET", path, {**self._holder(who)}, None, params)
        return answer.json()

    async def anybody(self, service: str, path: str) -> Any:
        """Return the JSON of a GET without a token. Raises ``AnswerError``."""
        self.counts.questions += 1
        return (await self._send(service, "GET", path, {}, None, None)).json()

    async def pages(self, service: str, path: str, *, who: str | None = None, **params: Any) -> AsyncIterator[Json]:
        """Give every item of a list with keyset pages. Raises ``AnswerError``."""
        after: dict[str, Any] = {}
        while True:
            page = await self.get(service, path, who=who, limit=PAGE, **params, **after)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    # -- doing -----------------------------------------------------------------------------------------------------

    async def post(
        self, service: str, path: str, body: Any = None, *, version: int | None = None, who: str | None = None
    ) -> Any:
        """Give a command under a key of its own and return the answer's JSON. Raises ``AnswerError``."""
        return await self._command(service, "POST", path, body, version, who, {"Idempotency-Key": uuid4().hex})

    async def put(self, service: str, path: str, body: Any, *, version: int, who: str | None = None) -> Any:
        """Replace something that ``version`` protects from a second effect. Raises ``AnswerError``."""
        return await self._command(service, "PUT", path, body, version, who, {})

    async def _command(
        self,
        service: str,
        method: str,
        path: str,
        body: Any,
        version: int | None,
        who: str | None,
        headers: dict[str, str],
    ) -> Any:
        self.counts.commands += 1
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return (await self._send(service, method, path, headers | self._holder(who), body, None)).json()

    def _holder(self, who: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[who or self._first]}"}

    async def _send(
        self, service: str, method: str, path: str, headers: dict[str, str], body: Any, params: Any
    ) -> httpx2.Response:
        """Send, and send again while the service says that it is away for now."""
        for _ in range(TRIES):
            async with self._door:
                answer = await self._clients[service].request(method, path, headers=headers, json=body, params=params)
            if answer.status_code != 503:
                break
            self.counts.again += 1
            await asyncio.sleep(PAUSE_SECONDS)
        if not answer.is_success:
            raise AnswerError(method, path, answer.status_code, _problem(answer))
        return answer


def _problem(answer: httpx2.Response) -> Mapping[str, Any]:
    """Return the problem details of an answer, or nothing where it has none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
