"""What the routes share: who may call, the run of a command, the status of a refusal."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.training.domain import refusals
from shared.auth import Principal, Role, allow
from shared.refusals import DeedRefusedError
from shared.registry_copy import partners
from shared.web.deeds import EVERYWHERE, Deeds

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
"""Officers of a kelurahan enrol and see businesses of their own; what is a course is the office's."""
Office = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]

STATUS: dict[type[DeedRefusedError], int] = {
    **EVERYWHERE,
    refusals.UnknownBusinessError: 409,
    refusals.CodeTakenError: 409,
    refusals.CourseDatesError: 422,
    refusals.PartnerError: 422,
    partners.PartnerUnknownError: 409,
    partners.PartnerEndedError: 409,
    partners.PartnerRoleError: 409,
    refusals.RequirementValuesError: 422,
    refusals.SessionTimesError: 422,
    refusals.NoSessionsError: 422,
    refusals.DeadlineError: 422,
    refusals.QuotaError: 422,
    refusals.QuotaBelowHeldError: 409,
    refusals.BatchCancelledError: 409,
    refusals.BatchBegunError: 409,
    refusals.EnrolmentClosedError: 409,
    refusals.NotYetClosedError: 409,
    refusals.NotAnOwnerError: 422,
    refusals.OwnerErasedError: 410,
    refusals.AlreadyEnrolledError: 409,
    refusals.RequirementsNotMetError: 409,
    refusals.TransitionRefusedError: 409,
    refusals.OfferExpiredError: 409,
    refusals.SessionNotBegunError: 409,
    refusals.StrangersError: 409,
    refusals.BatchNotOverError: 409,
    refusals.ScoreError: 422,
    refusals.NotPassedError: 409,
    refusals.AlreadyIssuedError: 409,
    refusals.CertificateRevokedError: 409,
}
"""Every refusal has its status; a test walks them."""


_deeds = Deeds(STATUS)
problem_of, refusals_as_problems = _deeds.problem_of, _deeds.refusals_as_problems
run_once, run_many, run_put, run_together = _deeds.run_once, _deeds.run_many, _deeds.run_put, _deeds.run_together
