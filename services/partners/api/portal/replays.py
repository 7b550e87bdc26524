"""Replays of an endpoint: how far each is, a form that starts one, and one that cancels it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api import replay_deeds as deeds
from services.partners.api.portal.frame import (
    ROUTE,
    Person,
    PortalRoute,
    Visitor,
    page,
    read_id,
    say_here,
)
from services.partners.api.portal.sending import (
    Fields,
    done_of,
    form_of,
    lead_to,
    new_code,
    problem_in,
    sent,
    version_in,
)
from services.partners.api.replay_forms import ReplayForm
from services.partners.api.requests import refusals_as_problems, whose
from services.partners.domain.replays import ReplayState
from services.partners.handlers import overseeing
from services.partners.handlers import replays as handlers
from services.partners.handlers.replays import Replays
from services.partners.handlers.webhooks import find_webhook
from shared.auth import Principal
from shared.problems import Problem
from shared.web.deeds import pool_of
from shared.wita import WITA

NEW, LISTED, CANCEL = "putar-ulang-baru", "putar-ulang", "batal"
STREAM = "aliran."
"""Before a stream's name: its box in the form."""
NEWEST = UUID(int=2**128 - 1)
ROWS = 50

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)


@router.get(f"/{{language}}/webhook/{{webhook_id}}/{LISTED}")
async def listed(request: Request, visitor: Visitor, webhook_id: str, before: UUID = NEWEST) -> Response:
    """Show the replays of an endpoint, the newest first."""
    async with refusals_as_problems():
        own, found = whose(visitor), read_id(webhook_id)
        webhook = await find_webhook(pool_of(request), found, own)
        rows = await handlers.newest_replays(pool_of(request), found, own, before, ROWS + 1)
    following = rows[ROWS - 1].replay.id if len(rows) > ROWS else None
    values = {"webhook": webhook, "rows": rows[:ROWS], "next_page": following}
    return page(request, "portal_replays.html", values, f"webhook/{found}/{LISTED}", operator=own is None)


@router.get(f"/{{language}}/webhook/{{webhook_id}}/{LISTED}/{{replay_id}}")
async def shown(request: Request, visitor: Visitor, webhook_id: str, replay_id: str) -> Response:
    """Show a replay: its range, how far it is in each stream, and how it ended."""
    async with refusals_as_problems():
        return await _replay_page(request, visitor, read_id(webhook_id), read_id(replay_id), None)


@router.post(f"/{{language}}/webhook/{{webhook_id}}/{LISTED}/{{replay_id}}/{CANCEL}")
async def cancel(request: Request, visitor: Visitor, webhook_id: str, replay_id: str) -> Response:
    """Post nothing more of a replay; a refusal is told on its page."""
    found, replay = read_id(webhook_id), read_id(replay_id)
    once, fields = await sent(request, visitor, CANCEL, replay)
    answer = await deeds.cancel(request, visitor, once, found, replay, version_in(request, fields))
    problem = problem_in(answer)
    if problem is not None:
        async with refusals_as_problems():
            return await _replay_page(request, visitor, found, replay, problem)
    return lead_to(f"../{replay}?sudah={CANCEL}")


@router.get(f"/{{language}}/webhook/{{webhook_id}}/{NEW}")
async def ask(request: Request, person: Person, webhook_id: str) -> Response:
    """Ask for the range of a new replay."""
    return await _new_page(request, person, read_id(webhook_id), {}, None)


@router.post(f"/{{language}}/webhook/{{webhook_id}}/{NEW}")
async def start(request: Request, person: Person, webhook_id: str) -> Response:
    """Start a replay; a refusal is told in the form."""
    found = read_id(webhook_id)
    once, fields = await sent(request, person, NEW, found)
    try:
        form = form_of(request, ReplayForm, _told(fields))
    except Problem as wrong:
        return await _new_page(request, person, found, fields, wrong)
    answer = await deeds.start(request, person, once, found, form)
    problem = problem_in(answer)
    if problem is not None:
        return await _new_page(request, person, found, fields, problem)
    return lead_to(f"{LISTED}/{orjson.loads(bytes(answer.body))['id']}?sudah={LISTED}")


def _told(fields: Fields) -> dict[str, object]:
    """Return what a form says, as programs say it; what was left empty is not said."""
    told: dict[str, object] = {
        "since": _moment(fields.get("dari")),
        "until": _moment(fields.get("sampai")),
        "after": fields.get("kursor", "").strip() or None,
        "rate": fields.get("laju"),
        "streams": _streams(fields),
    }
    return {name: value for name, value in told.items() if value is not None}


def _moment(text: str | None) -> object:
    """Return a time as a browser writes it, which is the office's; anything else as it is, for the form's check."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.replace(tzinfo=WITA) if found.tzinfo is None else found


def _streams(fields: Fields) -> tuple[str, ...]:
    return tuple(sorted(name.removeprefix(STREAM) for name in fields if name.startswith(STREAM)))


async def _new_page(
    request: Request, person: Principal, webhook_id: UUID, fields: Fields, problem: Problem | None
) -> Response:
    async with refusals_as_problems():
        told = await overseeing.show_endpoint(pool_of(request), webhook_id, whose(person))
    replays: Replays = request.app.state.replays
    values = {
        "webhook": told.shown.webhook,
        "form_code": new_code(request, person, NEW, webhook_id),
        "streams": [lag.stream for lag in told.behind],
        "chosen": _streams(fields),
        "typed": {name: fields.get(name, "") for name in ("dari", "sampai", "kursor", "laju")},
        "rates": replays.rates,
        "wrong": None if problem is None else say_here(request, problem),
    }
    status = 200 if problem is None else problem.status
    return page(request, "portal_new_replay.html", values, f"webhook/{webhook_id}/{NEW}", operator=False, status=status)


async def _replay_page(
    request: Request, visitor: Principal, webhook_id: UUID, replay_id: UUID, problem: Problem | None
) -> Response:
    """Return the page of a replay, with the refusal of what was asked for. Raises ``NotFoundError``."""
    own, pool = whose(visitor), pool_of(request)
    webhook = await find_webhook(pool, webhook_id, own)
    found = await handlers.show(pool, webhook_id, replay_id, own)
    goes_on = found.replay.state is ReplayState.BERJALAN
    values = {
        "webhook": webhook,
        "shown": found,
        "form_code": new_code(request, visitor, CANCEL, replay_id) if goes_on else None,
        "done": done_of(request),
        "wrong": None if problem is None else say_here(request, problem),
    }
    here, status = f"webhook/{webhook_id}/{LISTED}/{replay_id}", 200 if problem is None else problem.status
    return page(request, "portal_replay.html", values, here, operator=own is None, status=status)
