"""Rules of agreements: two people sign, time begins and ends them, and what they may say. Every refusal has its status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.api.requests import STATUS
from services.partners.commands import DraftAgreement, Terms
from services.partners.domain import agreements as rules
from services.partners.domain import refusals
from services.partners.domain.agreements import in_force
from services.partners.domain.models import Agreement
from shared.contracts.endings import ENDINGS, Ending
from shared.contracts.fact import Fact
from shared.contracts.partnership import AgreementState, DeliveryWay, Grant, LegalBasis, SuspensionCause
from shared.refusals import DeedRefusedError
from shared.web.deeds import EVERYWHERE
from tests.partners.bureau import AGENCY, REGISTERED, VERIFIED

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
S = AgreementState
WHY = SuspensionCause.LAINNYA


def text(**changes: Any) -> Terms:
    """Return a text that begins now and lasts a day."""
    said: dict[str, Any] = {
        "title": "DPMPTSP",
        "legal_basis": LegalBasis.TANPA_DATA_PRIBADI,
        "legal_reference": "PKS 119/2026",
        "purpose": "Perizinan",
        "contact": "Seksi Data",
        "grants": (Grant(type=VERIFIED, fields=("business_id",)),),
        "ways": (DeliveryWay.FEED,),
        "starts_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return Terms(**(said | changes))


def drafted(**changes: Any) -> Agreement:
    """Return an agreement that nobody has signed."""
    return rules.draft(DraftAgreement(uuid4(), AGENCY, text(**changes)), NOW).after


def signed(now: datetime = NOW, **changes: Any) -> Agreement:
    """Return an agreement that two have signed."""
    once = rules.sign(drafted(**changes), 1, "a", now).after
    return rules.sign(once, once.version, "b", now).after


def names(facts: Any) -> list[str]:
    """Return the names of facts."""
    return [fact.NAME.partition(".")[2] for fact in facts]


def grants(agreement: Agreement, now: datetime = NOW) -> bool:
    """Tell whether an agreement grants anything."""
    try:
        in_force(AGENCY, agreement, now, DeliveryWay.FEED)
    except refusals.NoAgreementError:
        return False
    return True


def test_it_grants_with_the_second_signature_of_another_person_and_not_before() -> None:
    agreement = drafted()
    assert not grants(agreement)
    once = rules.sign(agreement, 1, "a", NOW)
    assert (names(once.facts), once.after.state, grants(once.after)) == (["signed"], S.DRAF, False)
    with pytest.raises(refusals.SameSignerError):
        rules.sign(once.after, 2, "a", NOW)
    twice = rules.sign(once.after, 2, "b", NOW)
    assert (names(twice.facts), twice.after.state, grants(twice.after)) == (["signed", "activated"], S.AKTIF, True)
    assert (twice.after.version, twice.after.revision, twice.after.draft) == (4, 1, None)
    with pytest.raises(refusals.NothingToSignError):
        rules.sign(twice.after, 4, "c", NOW)


def test_another_draft_takes_the_signatures_of_the_first_away() -> None:
    once = rules.sign(drafted(), 1, "a", NOW).after
    again = rules.redraft(once, 2, text(purpose="Lain"), NOW).after
    assert again.signers == ()
    assert not grants(rules.sign(again, 3, "b", NOW).after)


def test_an_amendment_counts_when_two_have_signed_it_and_the_old_text_until_then() -> None:
    agreement = signed()
    amended = rules.redraft(agreement, agreement.version, text(purpose="Lain"), NOW).after
    once = rules.sign(amended, amended.version, "a", NOW).after
    assert in_force(AGENCY, once, NOW, DeliveryWay.FEED).purpose == "Perizinan"
    twice = rules.sign(once, once.version, "b", NOW)
    assert in_force(AGENCY, twice.after, NOW, DeliveryWay.FEED).purpose == "Lain"
    assert (names(twice.facts), twice.after.revision) == (["signed"], 2)


def test_what_is_suspended_grants_nothing_until_it_is_resumed() -> None:
    agreement = signed()
    suspended = rules.suspend(agreement, agreement.version, WHY).after
    assert not grants(suspended)
    amended = rules.redraft(suspended, suspended.version, text(purpose="Lain"), NOW).after
    for signer in ("a", "b"):
        amended = rules.sign(amended, amended.version, signer, NOW).after
    assert (amended.state, grants(amended)) == (S.DITANGGUHKAN, False)
    resumed = rules.resume(amended, amended.version, NOW).after
    assert grants(resumed)
    assert (suspended.cause, amended.cause, resumed.cause) == (WHY, WHY, None)
    assert rules.end(amended, amended.version, SuspensionCause.TUJUAN_SELESAI).after.cause == "tujuan_selesai"


def test_time_begins_and_ends_it_whether_or_not_anybody_looks() -> None:
    agreement = signed(NOW, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    assert agreement.state is S.DITANDATANGANI
    moments = [NOW, NOW + HOUR, NOW + 2 * HOUR - timedelta(microseconds=1), NOW + 2 * HOUR]
    assert [grants(agreement, moment) for moment in moments] == [False, True, True, False]
    seen = [rules.state_now(agreement, moment) for moment in moments]
    assert seen == [S.DITANDATANGANI, S.AKTIF, S.AKTIF, S.KEDALUWARSA]
    assert rules.pass_time(agreement, NOW).facts == ()
    begun = rules.pass_time(agreement, NOW + HOUR)
    assert names(begun.facts) == ["activated"]
    assert rules.pass_time(begun.after, NOW + HOUR).facts == ()
    over = rules.pass_time(begun.after, NOW + 2 * HOUR)
    assert (names(over.facts), over.after.state) == (["expired"], S.KEDALUWARSA)
    assert rules.pass_time(over.after, NOW + 3 * HOUR).facts == ()
    with pytest.raises(refusals.TransitionRefusedError):
        rules.resume(over.after, over.after.version, NOW + 3 * HOUR)


def test_a_suspended_one_runs_out_too_and_cannot_come_back() -> None:
    agreement = signed()
    suspended = rules.suspend(agreement, agreement.version, WHY).after
    late = rules.resume(suspended, suspended.version, NOW + timedelta(days=2))
    assert (names(late.facts), late.after.state) == (["resumed", "expired"], S.KEDALUWARSA)
    assert rules.pass_time(suspended, NOW + timedelta(days=2)).after.state is S.KEDALUWARSA


Deed = Callable[[Agreement], Any]
DEEDS: dict[str, Deed] = {
    "redraft": lambda a: rules.redraft(a, a.version, text(), NOW),
    "sign": lambda a: rules.sign(a, a.version, "z", NOW),
    "suspend": lambda a: rules.suspend(a, a.version, WHY),
    "resume": lambda a: rules.resume(a, a.version, NOW),
    "end": lambda a: rules.end(a, a.version, WHY),
    "time": lambda a: rules.pass_time(a, NOW),
    "later": lambda a: rules.pass_time(a, NOW + timedelta(days=1)),
}


@given(st.lists(st.sampled_from(sorted(DEEDS)), max_size=25))
def test_whatever_is_done_an_agreement_that_is_over_stays_so_and_facts_are_numbered(deeds: list[str]) -> None:
    agreement, told = drafted(), list[Fact]()
    for name in deeds:
        try:
            change = DEEDS[name](agreement)
        except DeedRefusedError:
            continue
        assert agreement.state not in rules.OVER or change.after == agreement
        assert change.after.version == agreement.version + len(change.facts)
        assert change.after.terms is None or change.after.revision > 0
        told += change.facts
        agreement = change.after
    assert agreement.version == 1 + len(told)
    assert grants(agreement) == (agreement.state in rules.LIVE)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"expires_at": NOW}, refusals.PeriodError),
        ({"starts_at": NOW + timedelta(days=2)}, refusals.PeriodError),
        ({"grants": (Grant(type="id.go.balikpapan.umkm.x.y.v1", fields=("id",)),)}, refusals.UnknownTypeError),
        (
            {"grants": (Grant(type="id.go.balikpapan.umkm.agreement.signed.v1", fields=("agreement_id",)),)},
            refusals.UnknownTypeError,
        ),
        ({"grants": (Grant(type=VERIFIED, fields=("business_id",)),) * 2}, refusals.TypeTwiceError),
        ({"grants": (Grant(type=VERIFIED, fields=("business_id", "x")),)}, refusals.FieldRefusedError),
        ({"grants": (Grant(type=REGISTERED, fields=("business_id", "personal")),)}, refusals.FieldRefusedError),
        ({"grants": (Grant(type=REGISTERED, fields=("business_id", "personal.name")),)}, refusals.FieldRefusedError),
        ({"grants": (Grant(type=REGISTERED, fields=("kelurahan",)),)}, refusals.IdentityMissingError),
    ],
)
def test_a_text_may_not_say(changes: dict[str, Any], refusal: type[DeedRefusedError]) -> None:
    with pytest.raises(refusal):
        drafted(**changes)


def test_a_type_that_ends_is_granted_to_nobody_anew_and_stays_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    without = signed(grants=(Grant(type=REGISTERED, fields=("business_id",)),))
    waiting, agreement = rules.sign(drafted(), 1, "a", NOW).after, signed()
    monkeypatch.setitem(ENDINGS, VERIFIED, Ending(date(2027, 3, 1), f"{VERIFIED[:-1]}2"))
    for deed in (
        drafted,
        lambda: rules.sign(waiting, waiting.version, "b", NOW),
        lambda: rules.redraft(without, without.version, text(), NOW),
    ):
        with pytest.raises(refusals.TypeEndsError, match="Penggantinya"):
            deed()
    amended = rules.redraft(agreement, agreement.version, text(purpose="Lain"), NOW).after
    for signer in ("a", "b"):
        amended = rules.sign(amended, amended.version, signer, NOW).after
    assert in_force(AGENCY, amended, NOW, DeliveryWay.FEED).purpose == "Lain"


def test_names_may_be_granted_on_a_legal_basis() -> None:
    wanted = (Grant(type=REGISTERED, fields=("business_id", "personal.name")),)
    assert drafted(grants=wanted, legal_basis=LegalBasis.KEWAJIBAN_HUKUM).draft is not None


def test_only_its_own_agency_by_its_own_ways_is_granted_anything() -> None:
    agreement = signed()
    for agency, found in (
        ("bank", agreement),
        (None, agreement),
        (AGENCY, None),
        (AGENCY, replace(agreement, terms=None)),
    ):
        with pytest.raises(refusals.NoAgreementError):
            in_force(agency, found, NOW, DeliveryWay.FEED)
    with pytest.raises(refusals.WayRefusedError):
        in_force(AGENCY, agreement, NOW, DeliveryWay.KAFKA)


def test_every_refusal_has_its_status_and_an_indonesian_title() -> None:
    named = {
        item
        for item in vars(refusals).values()
        if isinstance(item, type) and issubclass(item, refusals.RefusalError) and item is not refusals.RefusalError
    }
    named.update(EVERYWHERE)
    assert named == set(STATUS)
    assert len({item.slug for item in named}) == len(named)
