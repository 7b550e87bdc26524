"""The pages that only show."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.documents import document_answer
from services.partners.api.portal.frame import (
    HEADERS,
    ROUTE,
    PortalRoute,
    Visitor,
    page,
    read_code,
    read_id,
    say_here,
)
from services.partners.api.portal.lanes import LANE
from services.partners.api.portal.replays import NEWEST
from services.partners.api.portal.sending import done_of, lead_to, new_code
from services.partners.api.portal.words import LANGUAGES
from services.partners.api.requests import problem_of, refusals_as_problems, whose
from services.partners.domain.agreements import LIVE
from services.partners.domain.lanes import LaneState
from services.partners.domain.webhooks import Webhook, WebhookState
from services.partners.handlers import overseeing
from services.partners.handlers.replays import newest_replays
from shared.auth import Principal, Role
from shared.contracts.endings import ENDINGS
from shared.problems import standard
from shared.topology import PUBLIC_TOPICS, agency_topic
from shared.web.deeds import pool_of
from shared.web.pages import with_slash

ROWS = 50
FEW = 5
"""So many replays are shown with their endpoint."""
W = WebhookState
EVERYBODY = {W.AKTIF: ("uji", "jeda"), W.DIJEDA: ("lanjut",), W.DIMATIKAN: ("lanjut",), W.DIHAPUS: ()}
OWN = {W.AKTIF: ("kunci", "hapus"), W.DIJEDA: ("kunci", "hapus"), W.DIMATIKAN: ("kunci", "hapus"), W.DIHAPUS: ()}
"""The forms that are offered in each state; the rules judge them again."""

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)
"""Pages of agencies, agreements and endpoints."""
rest = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)
"""Every other address below, for who may come in: it comes last."""


@router.get("")
@router.get("/{language}")
async def enter(request: Request, _: Visitor) -> Response:
    """Lead to the beginning, of all or of a language."""
    return with_slash(request, HEADERS)


@router.get("/")
async def begin(_: Visitor) -> Response:
    """Lead to the first language."""
    return lead_to(f"{LANGUAGES[0]}/")


@router.get("/{language}/")
async def agencies(request: Request, visitor: Visitor, after: Annotated[str, Query(max_length=30)] = "") -> Response:
    """Show the operator all agencies, and lead an agency to its own."""
    async with refusals_as_problems():
        own = whose(visitor)
    if own is not None:
        return lead_to(f"instansi/{own}")
    found = await overseeing.list_agencies(pool_of(request), after, ROWS + 1)
    following = found[ROWS - 1].agency.agreement.agency if len(found) > ROWS else None
    return page(request, "portal_agencies.html", {"rows": found[:ROWS], "next_page": following}, "", operator=True)


@router.get("/{language}/instansi/{code}")
async def agency(request: Request, visitor: Visitor, code: str) -> Response:
    """Show an agency: its agreements, endpoints and lanes."""
    async with refusals_as_problems():
        own = whose(visitor)
        code = read_code(code, own)
        shown = await overseeing.show_agency(pool_of(request), code, known=own is not None)
    values = {
        "shown": shown,
        "topic": agency_topic(code).name,
        "public": [topic.name for topic in PUBLIC_TOPICS],
        "mine": is_theirs(visitor, code),
        "closed": {way: say_here(request, problem_of(why)) for way, why in shown.closed.items()},
        "done": done_of(request),
        "lane_forms": {
            behind.lane.id: new_code(request, visitor, LANE, behind.lane.id)
            for behind in shown.kafka or []
            if behind.lane is not None and behind.lane.state is LaneState.BERHENTI
        },
    }
    return page(request, "portal_agency.html", values, f"instansi/{code}", operator=own is None)


@router.get("/{language}/perjanjian/{agreement_id}")
async def agreement(request: Request, visitor: Visitor, agreement_id: str) -> Response:
    """Show an agreement, word by word."""
    async with refusals_as_problems():
        own, found = whose(visitor), read_id(agreement_id)
        dated = await overseeing.show_agreement(pool_of(request), found, own)
    values = {"dated": dated, "downloadable": dated.state in LIVE, "endings": ENDINGS}
    return page(request, "portal_agreement.html", values, f"perjanjian/{found}", operator=own is None)


@router.get("/{language}/perjanjian/{agreement_id}/asyncapi.json")
async def asyncapi(request: Request, visitor: Visitor, agreement_id: str) -> Response:
    """Give the AsyncAPI document of what an agreement grants."""
    async with refusals_as_problems():
        dated = await overseeing.show_agreement(pool_of(request), read_id(agreement_id), whose(visitor))
        return document_answer(overseeing.check_told(dated))


@router.get("/{language}/webhook/{webhook_id}")
async def webhook(request: Request, visitor: Visitor, webhook_id: str) -> Response:
    """Show an endpoint: state, secrets, how far it is, and the last outcomes."""
    async with refusals_as_problems():
        own, found = whose(visitor), read_id(webhook_id)
        told = await overseeing.show_endpoint(pool_of(request), found, own)
        newest = await newest_replays(pool_of(request), found, own, NEWEST, FEW)
    stopped = None if told.stopped is None else say_here(request, problem_of(told.stopped))
    values = {
        "told": told,
        "stopped": stopped,
        "done": done_of(request),
        "forms": _forms(request, visitor, told.shown.webhook),
        "newest_replays": newest,
        "may_replay": is_theirs(visitor, told.shown.webhook.agency) and told.shown.webhook.state is W.AKTIF,
    }
    return page(request, "portal_webhook.html", values, f"webhook/{found}", operator=own is None)


def is_theirs(visitor: Principal, agency: str) -> bool:
    """Tell whether a visitor speaks for an agency, and so may do what the operator may not."""
    return Role.INSTANSI in visitor.roles and visitor.agency == agency


def _forms(request: Request, visitor: Principal, webhook: Webhook) -> dict[str, str]:
    """Return the codes of the forms that a visitor may send in the endpoint's state, by deed."""
    allowed = [*EVERYBODY[webhook.state], *(OWN[webhook.state] if is_theirs(visitor, webhook.agency) else ())]
    return {name: new_code(request, visitor, name, webhook.id) for name in allowed}


@rest.get("/{language}/{other:path}")
async def nothing(_: Visitor) -> Response:
    """Say that there is no such page."""
    raise standard(404)
