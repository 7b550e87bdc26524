"""What the routes share: who may call, the run of a command, the status of a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends

from services.events.domain import refusals
from services.events.handlers import Saved
from shared.auth import Principal, Role, allow
from shared.refusals import DeedRefusedError
from shared.registry_copy import partners
from shared.web.deeds import EVERYWHERE, Deeds

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
"""Officers of a kelurahan apply for businesses of their own, and see those; what is an exhibition is the office's."""
Office = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]
Curator = Annotated[Principal, Depends(allow(Role.KURATOR, Role.PETUGAS_DINAS))]
Reader = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.KURATOR, Role.PETUGAS_DINAS))]
"""Curators see every application, officers of a kelurahan their own."""

STATUS: dict[type[DeedRefusedError], int] = {
    **EVERYWHERE,
    refusals.UnknownBusinessError: 409,
    refusals.ExhibitionDatesError: 422,
    refusals.OrganiserError: 422,
    partners.PartnerUnknownError: 409,
    partners.PartnerEndedError: 409,
    partners.PartnerRoleError: 409,
    refusals.WaveTimesError: 422,
    refusals.NoWavesError: 422,
    refusals.DeadlineError: 422,
    refusals.CriteriaError: 422,
    refusals.CapacityError: 422,
    refusals.CapacityBelowPlacedError: 409,
    refusals.ExhibitionCancelledError: 409,
    refusals.WaveBegunError: 409,
    refusals.ApplicationsClosedError: 409,
    refusals.NotYetClosedError: 409,
    refusals.AlreadyCuratedError: 409,
    refusals.NotAnOwnerError: 422,
    refusals.OwnerErasedError: 410,
    refusals.BusinessGoneError: 409,
    refusals.AlreadyAppliedError: 409,
    refusals.ScoreError: 422,
    refusals.StrangersError: 409,
    refusals.UnscoredError: 409,
    refusals.TransitionRefusedError: 409,
    refusals.BoothElsewhereError: 422,
    refusals.BoothKindError: 422,
    refusals.BoothFullError: 409,
    refusals.ConfirmationLateError: 409,
    refusals.WaveNotBegunError: 409,
    refusals.SalesAmountError: 422,
    refusals.SalesDayError: 422,
    refusals.SalesElsewhereError: 422,
    refusals.SalesKnownError: 409,
    refusals.TooFewError: 409,
    refusals.AlreadyMemberError: 409,
    refusals.NoMembersError: 409,
    refusals.TurnDatesError: 422,
    refusals.TurnOverError: 409,
}
"""Every refusal has its status; a test walks them."""


_deeds = Deeds(STATUS)
problem_of, refusals_as_problems = _deeds.problem_of, _deeds.refusals_as_problems
run_once, run_many, run_put = _deeds.run_once, _deeds.run_many, _deeds.run_put


def items_of(saved: Sequence[Saved]) -> dict[str, object]:
    """Return what several things came to, as it is answered."""
    return {"items": [{"id": str(item.id), "version": item.version} for item in saved]}
