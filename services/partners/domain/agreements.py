"""Rules of agreements: what a text may grant, who signs it, and when it grants anything. The caller holds the agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.partners.commands import DraftAgreement, Terms
from services.partners.domain.models import Agreement, Changed
from services.partners.domain.refusals import (
    FieldRefusedError,
    IdentityMissingError,
    NoAgreementError,
    NothingToSignError,
    PeriodError,
    SameSignerError,
    TransitionRefusedError,
    TypeEndsError,
    TypeTwiceError,
    UnknownTypeError,
    WayRefusedError,
)
from services.partners.domain.showing import contract_of, may_grant
from shared.contracts.endings import ENDINGS
from shared.contracts.fact import Fact
from shared.contracts.partnership import (
    AgreementActivated,
    AgreementDrafted,
    AgreementEnded,
    AgreementExpired,
    AgreementResumed,
    AgreementSigned,
    AgreementState,
    AgreementSuspended,
    DeliveryWay,
    SuspensionCause,
)
from shared.refusals import check_version

S = AgreementState
SIGNATURES = 2
OVER = frozenset({S.KEDALUWARSA, S.BERAKHIR})
LIVE = frozenset({S.DITANDATANGANI, S.AKTIF})
"""Grants, once its time has come. What is suspended does not, and what is over never will."""


def draft(command: DraftAgreement, now: datetime) -> Changed:
    """Return a new agreement, version 1, that grants nothing yet. Raises as ``check_terms`` does."""
    check_terms(command.terms, now)
    check_endings(command.terms, None)
    before = Agreement(command.agreement_id, 0, command.agency, S.DRAF, 0, 0, None, None)
    return _drafted(before, command.terms)


def redraft(agreement: Agreement, expected: int, terms: Terms, now: datetime) -> Changed:
    """Put another text up for signatures; nobody has signed it yet. The text that was signed goes on."""
    check_version(agreement.version, expected)
    _unless_over(agreement, "diubah")
    check_terms(terms, now)
    check_endings(terms, agreement.terms)
    return _drafted(agreement, terms)


def _drafted(agreement: Agreement, terms: Terms) -> Changed:
    after = replace(agreement, latest=agreement.latest + 1, draft=terms, signers=())
    told = terms.model_dump(exclude={"contact"})
    fact = AgreementDrafted(agreement_id=after.id, agency=after.agency, revision=after.latest, **told)
    return _after(after, fact)


def sign(agreement: Agreement, expected: int, signer: str, now: datetime) -> Changed:
    """Sign the text that waits. The second signature, another person's, makes it the agreement."""
    check_version(agreement.version, expected)
    _unless_over(agreement, "ditandatangani")
    if agreement.draft is None:
        raise NothingToSignError
    if signer in agreement.signers:
        raise SameSignerError
    if agreement.draft.expires_at <= now:
        raise PeriodError(agreement.draft.starts_at, agreement.draft.expires_at)
    check_endings(agreement.draft, agreement.terms)
    signers = (*agreement.signers, signer)
    complete = len(signers) >= SIGNATURES
    fact = AgreementSigned(
        agreement_id=agreement.id,
        agency=agreement.agency,
        revision=agreement.latest,
        signer=signer,
        complete=complete,
    )
    if not complete:
        return _after(replace(agreement, signers=signers), fact)
    signed = replace(agreement, revision=agreement.latest, terms=agreement.draft, draft=None, signers=())
    if signed.state is S.DITANGGUHKAN:
        return _after(signed, fact)
    return _in_time(replace(signed, state=S.DITANDATANGANI), [fact], now, was_active=agreement.state is S.AKTIF)


def suspend(agreement: Agreement, expected: int, cause: SuspensionCause) -> Changed:
    """Let an agreement grant nothing until it is resumed."""
    check_version(agreement.version, expected)
    if agreement.state not in LIVE:
        raise TransitionRefusedError("ditangguhkan", agreement.state)
    return _after(
        replace(agreement, state=S.DITANGGUHKAN, cause=cause), AgreementSuspended(**_of(agreement), cause=cause)
    )


def resume(agreement: Agreement, expected: int, now: datetime) -> Changed:
    """Let a suspended agreement grant again, if its time is not over."""
    check_version(agreement.version, expected)
    if agreement.state is not S.DITANGGUHKAN:
        raise TransitionRefusedError("dilanjutkan", agreement.state)
    fact = AgreementResumed(**_of(agreement))
    return _in_time(replace(agreement, state=S.DITANDATANGANI, cause=None), [fact], now)


def end(agreement: Agreement, expected: int, cause: SuspensionCause) -> Changed:
    """End an agreement for good."""
    check_version(agreement.version, expected)
    _unless_over(agreement, "diakhiri")
    after = replace(agreement, state=S.BERAKHIR, draft=None, signers=(), cause=cause)
    return _after(after, AgreementEnded(**_of(agreement), cause=cause))


def pass_time(agreement: Agreement, now: datetime) -> Changed:
    """Do what time has brought: it begins, or it is over. Nothing is due twice."""
    if agreement.terms is None or agreement.state not in {*LIVE, S.DITANGGUHKAN}:
        return Changed(agreement)
    if agreement.state is S.DITANDATANGANI or agreement.terms.expires_at <= now:
        return _in_time(agreement, [], now)
    return Changed(agreement)


def _in_time(agreement: Agreement, facts: list[Fact], now: datetime, *, was_active: bool = False) -> Changed:
    """Return a signed agreement in the state that the time gives it."""
    terms = agreement.terms
    if terms is not None and terms.expires_at <= now:
        over = replace(agreement, state=S.KEDALUWARSA, draft=None, signers=(), cause=None)
        return _after(over, *facts, AgreementExpired(**_of(agreement)))
    if terms is not None and terms.starts_at <= now:
        told: list[Fact] = [] if was_active else [AgreementActivated(**_of(agreement))]
        return _after(replace(agreement, state=S.AKTIF), *facts, *told)
    return _after(agreement, *facts)


def in_force(agency: str | None, agreement: Agreement | None, now: datetime, way: DeliveryWay) -> Terms:
    """Return what an agency may have now by a way, whether or not the clock's facts were told already.

    Raises ``NoAgreementError`` and ``WayRefusedError``: in doubt nothing is granted.
    """
    if agreement is None or agreement.terms is None or agreement.agency != agency:
        raise NoAgreementError(agency, agreement.state.value if agreement is not None else None)
    state = state_now(agreement, now)
    if state is not S.AKTIF:
        raise NoAgreementError(agency, state.value)
    if way not in agreement.terms.ways:
        raise WayRefusedError(way)
    return agreement.terms


def state_now(agreement: Agreement, now: datetime) -> AgreementState:
    """Return the state that an agreement has by the time, whether or not the clock's facts were told already."""
    if agreement.state not in LIVE or agreement.terms is None:
        return agreement.state
    if agreement.terms.expires_at <= now:
        return S.KEDALUWARSA
    return S.AKTIF if agreement.terms.starts_at <= now else S.DITANDATANGANI


def check_terms(terms: Terms, now: datetime) -> None:
    """Refuse a text that says more than may be said: unknown types and fields, personal ones without a legal basis."""
    if not terms.starts_at < terms.expires_at or terms.expires_at <= now:
        raise PeriodError(terms.starts_at, terms.expires_at)
    seen: set[str] = set()
    for grant in terms.grants:
        fact = contract_of(grant.type)
        if fact is None:
            raise UnknownTypeError(grant.type)
        if grant.type in seen:
            raise TypeTwiceError(grant.type)
        seen.add(grant.type)
        for field in grant.fields:
            if not may_grant(fact, field, terms.legal_basis):
                raise FieldRefusedError(grant.type, field)
        if fact.AGGREGATE not in grant.fields:
            raise IdentityMissingError(grant.type, fact.AGGREGATE)


def check_endings(terms: Terms, signed: Terms | None) -> None:
    """Refuse a text that grants a type anew whose end was announced; what the signed text grants may stay until then."""
    granted = {grant.type for grant in signed.grants} if signed is not None else set()
    for grant in terms.grants:
        if grant.type not in granted and (ending := ENDINGS.get(grant.type)) is not None:
            raise TypeEndsError(grant.type, ending)


def _of(agreement: Agreement) -> dict[str, Any]:
    return {
        "agreement_id": agreement.id,
        "agency": agreement.agency,
        "revision": agreement.revision or agreement.latest,
    }


def _after(agreement: Agreement, *facts: Fact) -> Changed:
    told: Sequence[Fact] = facts
    return Changed(replace(agreement, version=agreement.version + len(told)), told)


def _unless_over(agreement: Agreement, deed: str) -> None:
    if agreement.state in OVER:
        raise TransitionRefusedError(deed, agreement.state)
