"""Several requests in one transaction, each with its own key and its own answer (group commit)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
from starlette.responses import Response

from shared.idempotency.answers import Answer, RequestKey, StoredAnswer, render
from shared.idempotency.table import claim_all, give_back, store_all
from shared.problems import Problem

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Asked(Generic[W]):
    """One request of several."""

    key: RequestKey
    wish: W
    render_refusal: Callable[[Problem], StoredAnswer]
    """Makes the answer to this request of a refusal."""


WorkTogether = Callable[[asyncpg.Connection, Sequence[W]], Awaitable[Sequence[Answer | Problem | None]]]
"""Does what several ask; returns in their order an answer, a refusal that has had no effect, or ``None``: not done."""


async def run_together(pool: asyncpg.Pool, asked: Sequence[Asked[W]], work: WorkTogether[W]) -> list[Response | None]:
    """Do ``work`` in one transaction for those who were not answered before, and return the answer of each.

    ``None``: nothing was done and nothing is stored for this one, who is to be run alone (``Once.run``): the work left them out,
    their key was used for another request, or what came is not stored (``keeps``). No key may stand there twice.
    If it raises, nothing was done for anybody, or all of it (the answer to the commit was lost): run alone, each learns which.
    """
    async with pool.acquire() as connection, connection.transaction():
        taken, answers = await claim_all(connection, [one.key for one in asked])
        new = [one for one in asked if one.key.id in taken]
        came = await work(connection, [one.wish for one in new]) if new else []
        made = {
            one.key.id: answer
            for one, what in zip(new, came, strict=True)
            if (answer := _stored(one, what)) is not None
        }
        await store_all(connection, made)
        await give_back(connection, taken - made.keys())
    return [_response(answers.get(one.key.id), made.get(one.key.id)) for one in asked]


def keeps(problem: Problem) -> bool:
    """Tell whether a refusal is stored, so that the same request gets it again: a rule's is, a failure is not."""
    return problem.status < 500 and problem.status != 429


def _stored(one: Asked[W], what: Answer | Problem | None) -> StoredAnswer | None:
    if isinstance(what, Problem):
        return one.render_refusal(what) if keeps(what) else None
    return None if what is None else render(what)


def _response(before: StoredAnswer | None, now: StoredAnswer | None) -> Response | None:
    if before is not None:
        return before.response(replayed=True)
    return None if now is None else now.response(replayed=False)
