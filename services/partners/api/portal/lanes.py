"""Letting a stream go on into an agency's topic, by a form on the agency's page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api import lane_deeds as deeds
from services.partners.api.portal.frame import ROUTE, PortalRoute, Visitor, read_id, refused
from services.partners.api.portal.sending import lead_to, problem_in, sent, version_in
from services.partners.api.requests import refusals_as_problems, whose
from services.partners.api.webhook_forms import ResumeForm
from services.partners.handlers.lanes import show_lane
from shared.web.deeds import pool_of

LANE = "jalur"

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)


@router.post(f"/{{language}}/{LANE}/{{lane_id}}/lanjut")
async def resume(request: Request, visitor: Visitor, lane_id: str) -> Response:
    """Let a lane go on that stopped, and lead back to its agency."""
    async with refusals_as_problems():
        lane = await show_lane(pool_of(request), read_id(lane_id), whose(visitor))
    once, fields = await sent(request, visitor, LANE, lane.id)
    form = ResumeForm(skip_lost=fields.get("lewati") == "ya")
    answer = await deeds.resume(request, visitor, once, lane.id, version_in(request, fields), form)
    problem = problem_in(answer)
    if problem is not None:
        return refused(request, problem, back=f"instansi/{lane.agency}")
    return lead_to(f"../../instansi/{lane.agency}?sudah={LANE}")
