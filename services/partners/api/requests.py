"""What the routes share: who may call, the run of a command, the status of a refusal."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.partners.domain import refusals
from shared.auth import Principal, Role, allow
from shared.refusals import DeedRefusedError
from shared.web.deeds import EVERYWHERE, Deeds

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]
Signer = Annotated[Principal, Depends(allow(Role.OPERATOR, Role.PETUGAS_DINAS))]
"""Two people sign a text; the second may be an officer of the city."""
Agency = Annotated[Principal, Depends(allow(Role.INSTANSI))]
Keeper = Annotated[Principal, Depends(allow(Role.INSTANSI, Role.OPERATOR))]
"""An agency with what is its own, the operator with all."""
Reader = Annotated[Principal, Depends(allow(Role.INSTANSI, Role.OPERATOR, Role.PETUGAS_DINAS))]
"""An agency with what is its own, the operator and the officers of the city with all."""


def whose(principal: Principal) -> str | None:
    """Return the agency that a caller speaks for; ``None``: the operator, who may with all. Raises ``NoAgreementError``."""
    if Role.OPERATOR in principal.roles:
        return None
    if principal.agency is None:
        raise refusals.NoAgreementError(None, None)
    return principal.agency


STATUS: dict[type[DeedRefusedError], int] = {
    **EVERYWHERE,
    refusals.AgencyBoundError: 409,
    refusals.PeriodError: 422,
    refusals.UnknownTypeError: 422,
    refusals.TypeEndsError: 422,
    refusals.TypeTwiceError: 422,
    refusals.FieldRefusedError: 422,
    refusals.IdentityMissingError: 422,
    refusals.TransitionRefusedError: 409,
    refusals.NothingToSignError: 409,
    refusals.SameSignerError: 409,
    refusals.NoAgreementError: 403,
    refusals.WayRefusedError: 403,
    refusals.StreamRefusedError: 403,
    refusals.CursorError: 400,
    refusals.CursorStreamError: 400,
    refusals.CursorAgencyError: 403,
    refusals.HistoryGoneError: 410,
    refusals.CursorAheadError: 409,
    refusals.CursorHistoryError: 409,
    refusals.UrlRefusedError: 422,
    refusals.WebhookStateError: 409,
    refusals.TooManyWebhooksError: 409,
    refusals.TooManySecretsError: 409,
    refusals.WebhookHistoryGoneError: 410,
    refusals.ReplayRangeError: 422,
    refusals.ReplayRateError: 422,
    refusals.ReplayRunsError: 409,
    refusals.ReplayStateError: 409,
    refusals.LaneStateError: 409,
    refusals.LaneHistoryGoneError: 410,
    refusals.NoticeAnsweredError: 409,
    refusals.ReferenceMissingError: 422,
}
"""Every refusal has its status; a test walks them."""

_deeds = Deeds(STATUS)
refusals_as_problems, run_once, run_put = _deeds.refusals_as_problems, _deeds.run_once, _deeds.run_put
problem_of = _deeds.problem_of
run_many = _deeds.run_many
