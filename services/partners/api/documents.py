"""The AsyncAPI document of what an agency may see: for its program here, for people in the portal."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.requests import Agency, refusals_as_problems
from services.partners.domain.documents import agreement_document
from services.partners.domain.models import Agreement
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers import overseeing
from shared.web.deeds import pool_of

router = APIRouter(tags=["perjanjian"])

_ANSWER = {
    "description": "Dokumen AsyncAPI 3.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}


@router.get("/asyncapi", responses={200: _ANSWER}, response_class=Response, summary="Dokumen AsyncAPI perjanjian")
async def asyncapi(request: Request, principal: Agency) -> Response:
    """Jenis, kolom, dan cara yang diberikan perjanjian instansi Anda yang ditandatangani, dan tidak ada yang lain."""
    async with refusals_as_problems():
        if principal.agency is None:
            raise NoAgreementError(None, None)
        agreement = await overseeing.told_agreement(pool_of(request), principal.agency)
        return document_answer(agreement)


def document_answer(agreement: Agreement) -> Response:
    """Return the document of an agreement's signed text, as a file. Raises ``NoAgreementError`` where there is none."""
    if agreement.terms is None:
        raise NoAgreementError(agreement.agency, agreement.state.value)
    body = orjson.dumps(agreement_document(agreement, agreement.terms), option=orjson.OPT_INDENT_2)
    name = f"asyncapi-{agreement.agency}-{agreement.revision}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type="application/json", headers=headers)
