"""What the routes share: the version a caller has seen, the run of a command, the status of a refusal."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from starlette.requests import Request

from services.registry.domain import erasure_refusals, mentoring_refusals, progress_refusals, refusals
from services.registry.domain import licensing_refusals as licensing
from shared.auth import Principal, Role, allow
from shared.refusals import DeedRefusedError
from shared.sealing import KeyRing
from shared.web.deeds import EVERYWHERE, Deeds
from shared.web.versions import SeenVersion, etag

__all__ = [
    "Advisor",
    "Custodian",
    "Mentoring",
    "Office",
    "Officer",
    "Search",
    "SeenVersion",
    "account_of",
    "etag",
    "problem_of",
    "refusals_as_problems",
    "ring_of",
    "run_once",
    "run_put",
]

_STATUS: dict[type[DeedRefusedError], int] = {
    **EVERYWHERE,
    refusals.OwnerNotFoundError: 404,
    refusals.BusinessNotFoundError: 404,
    refusals.NikTakenError: 409,
    refusals.OwnerErasedError: 410,
    refusals.TransitionRefusedError: 409,
    refusals.VerifierIsApplicantError: 409,
    refusals.SameBusinessError: 422,
    refusals.MergeTargetError: 409,
    refusals.AlreadyProposedError: 409,
    refusals.UnknownKbliError: 422,
    refusals.UnknownPlaceError: 422,
    licensing.LicenceNotFoundError: 404,
    licensing.LicenceNumberError: 422,
    licensing.LicenceDatesError: 422,
    licensing.LicenceRanOutError: 409,
    licensing.LicenceKnownError: 409,
    licensing.LicenceStatusError: 409,
    licensing.LicenceVerifierError: 409,
    licensing.RenewalError: 422,
    licensing.LicenceReplacedError: 409,
    licensing.DayOrderError: 422,
    licensing.OrganisationNotFoundError: 404,
    licensing.OrganisationKnownError: 409,
    licensing.OrganisationEndedError: 409,
    licensing.PublicTextError: 422,
    licensing.BrandNotFoundError: 404,
    licensing.BrandKnownError: 409,
    licensing.BrandStatusError: 409,
    licensing.BrandRanOutError: 409,
    mentoring_refusals.MentorNotFoundError: 404,
    mentoring_refusals.MentorEndedError: 409,
    mentoring_refusals.AccountTakenError: 409,
    mentoring_refusals.MentorStillNeededError: 409,
    mentoring_refusals.MentorElsewhereError: 409,
    mentoring_refusals.NotMentorableError: 409,
    mentoring_refusals.AlreadyMentoredError: 409,
    mentoring_refusals.MentoringNotFoundError: 404,
    mentoring_refusals.MentoringEndedError: 409,
    mentoring_refusals.NotTheMentorError: 403,
    mentoring_refusals.SameMentorError: 409,
    mentoring_refusals.MentoringDayError: 422,
    erasure_refusals.ErasureNotFoundError: 404,
    erasure_refusals.ErasureOpenError: 409,
    erasure_refusals.ErasureStateError: 409,
    erasure_refusals.IdentityNotFittingError: 422,
    erasure_refusals.ErasureReasonError: 409,
    erasure_refusals.AskedAheadError: 422,
    progress_refusals.EvidenceMissingError: 422,
    progress_refusals.UnknownListError: 422,
    progress_refusals.ScoresError: 422,
    progress_refusals.UnknownItemError: 422,
}
"""Every refusal has its status; ``test_every_refusal_has_a_status`` walks them."""

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
Office = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]
Custodian = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS, Role.OPERATOR))]
Advisor = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS, Role.PENDAMPING))]
Mentoring = Annotated[Principal, Depends(allow(Role.PENDAMPING, Role.PETUGAS_DINAS))]
Search = Annotated[str | None, Query(min_length=1, max_length=100, description="Awal kata dari nama.")]


def account_of(principal: Principal) -> str | None:
    """Return the account of a mentor, who sees and does only what is theirs; ``None`` for the city's office."""
    return None if Role.PETUGAS_DINAS in principal.roles else principal.sub


def ring_of(request: Request) -> KeyRing:
    """Return the key ring of this app."""
    ring: KeyRing = request.app.state.ring
    return ring


_deeds = Deeds(_STATUS)
problem_of, refusals_as_problems = _deeds.problem_of, _deeds.refusals_as_problems
run_once, run_put = _deeds.run_once, _deeds.run_put
