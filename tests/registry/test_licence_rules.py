"""Rules of licences and brands alone: numbers, days, who verifies, what takes whose place, public texts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.commands.licensing import FileBrand, SubmitLicence
from services.registry.domain import brands, licences
from services.registry.domain.brands import Brand
from services.registry.domain.licences import Licence, write_number
from services.registry.domain.licensing_refusals import (
    BrandRanOutError,
    BrandStatusError,
    DayOrderError,
    LicenceDatesError,
    LicenceNumberError,
    LicenceRanOutError,
    LicenceReplacedError,
    LicenceStatusError,
    LicenceVerifierError,
    PublicTextError,
    RenewalError,
)
from services.registry.domain.public_text import check_public
from services.registry.domain.refusals import TransitionRefusedError
from services.registry.reference.licences import LICENCE_FORMS
from shared.contracts.licensing import LicenceCause, LicenceKind, LicenceStatus
from shared.contracts.organisations import BrandCause, BrandStatus
from shared.contracts.registry import BusinessStatus
from shared.refusals import StaleVersionError
from tests.registry.test_rules import ID, in_status, registered

S = LicenceStatus
DAY = date(2026, 5, 31)
FIRST, SECOND = UUID(int=10), UUID(int=11)
NIB = "0220009901234"
P_IRT = SubmitLicence(
    FIRST, ID, LicenceKind.P_IRT, "2063471010001-31", "Amplang", date(2026, 1, 1), date(2031, 1, 1), None
)
KINDS = st.sampled_from(list(LicenceKind))


def submitted(command: SubmitLicence = P_IRT, renewed: Licence | None = None) -> Licence:
    """Return a licence that waits, version 1."""
    return licences.submit(command, registered(), renewed, "petugas-a", DAY).after


def verified(command: SubmitLicence = P_IRT) -> Licence:
    """Return a valid licence, version 2."""
    return licences.verify(submitted(command), 1, None, "petugas-b", DAY).after


@given(KINDS.flatmap(lambda kind: st.tuples(st.just(kind), st.from_regex(LICENCE_FORMS[kind].pattern, fullmatch=True))))
def test_a_number_has_one_written_form(written: tuple[LicenceKind, str]) -> None:
    kind, typed = written
    number = write_number(kind, typed)
    assert write_number(kind, number) == number
    assert write_number(kind, f"  {typed.lower()} ") == number


@given(KINDS, st.text(max_size=60))
def test_what_is_kept_as_a_number_is_short_and_of_plain_signs(kind: LicenceKind, typed: str) -> None:
    with suppress(LicenceNumberError):
        number = write_number(kind, typed)
        assert len(number) <= 40
        assert number.isascii()


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (LicenceKind.NIB, "090/SKU/180/2025"),
        (LicenceKind.NIB, NIB[:-1]),
        (LicenceKind.NIB, NIB + "8"),
        (LicenceKind.NIB, "٠٢٢٠٠٠١٢٣٤٥٦٧"),
        (LicenceKind.P_IRT, "206347101990131"),
        (LicenceKind.P_IRT, "2063471019901-2031"),
        (LicenceKind.BPOM, "224510009901"),
        (LicenceKind.BPOM, "MX224510009901"),
        (LicenceKind.HALAL_SERTIFIKAT, "sedang diurus"),
        (LicenceKind.SNI, "-"),
        (LicenceKind.LAIK_HIGIENE, "1" * 41),
    ],
)
def test_a_number_of_another_shape_is_refused_and_not_repeated(kind: LicenceKind, typed: str) -> None:
    with pytest.raises(LicenceNumberError) as caught:
        write_number(kind, typed)
    assert LICENCE_FORMS[kind].example in str(caught.value)
    assert typed == "-" or typed not in str(caught.value)


@pytest.mark.parametrize("kind", list(LicenceKind))
def test_each_kind_has_a_form_whose_example_fits(kind: LicenceKind) -> None:
    assert write_number(kind, LICENCE_FORMS[kind].example) == LICENCE_FORMS[kind].example


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_on": None},
        {"expires_on": date(2025, 12, 31)},
        {"expires_on": date(2031, 1, 2)},
        {"valid_from": None, "expires_on": date(2031, 6, 1)},
        {"kind": LicenceKind.NIB, "number": NIB},
    ],
)
def test_days_that_contradict_each_other_or_the_kind_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(LicenceDatesError):
        submitted(replace(P_IRT, **changes))  # type: ignore[arg-type]  # the names are the dataclass's own


def test_the_last_valid_day_still_counts_and_the_next_does_not() -> None:
    command = replace(P_IRT, expires_on=DAY)
    waiting = submitted(command)
    assert licences.verify(waiting, 1, None, "petugas-b", DAY).after.status is S.BERLAKU
    with pytest.raises(LicenceRanOutError):
        licences.verify(waiting, 1, None, "petugas-b", DAY + timedelta(days=1))
    with pytest.raises(LicenceRanOutError):
        submitted(replace(command, expires_on=DAY - timedelta(days=1)))


@pytest.mark.parametrize("status", list(BusinessStatus))
def test_only_a_business_that_goes_on_gets_a_licence(status: BusinessStatus) -> None:
    business = in_status(status)
    if status in {BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG}:
        with pytest.raises(TransitionRefusedError):
            licences.submit(P_IRT, business, None, "petugas-a", DAY)
    else:
        assert licences.submit(P_IRT, business, None, "petugas-a", DAY).after.status is S.DIAJUKAN


def test_who_handed_it_in_does_not_verify() -> None:
    with pytest.raises(LicenceVerifierError):
        licences.verify(submitted(), 1, None, "petugas-a", DAY)


@pytest.mark.parametrize("status", list(S))
def test_deeds_in_the_wrong_status_or_on_an_old_version_are_refused(status: LicenceStatus) -> None:
    licence = replace(verified(), status=status)
    if status is not S.DIAJUKAN:
        with pytest.raises(LicenceStatusError):
            licences.verify(licence, 2, None, "petugas-b", DAY)
        with pytest.raises(LicenceStatusError):
            licences.reject(licence, 2, LicenceCause.LAINNYA)
    if status is not S.BERLAKU:
        with pytest.raises(LicenceStatusError):
            licences.revoke(licence, 2, LicenceCause.LAINNYA, DAY)
    for deed in (
        lambda: licences.verify(licence, 1, None, "petugas-b", DAY),
        lambda: licences.reject(licence, 1, LicenceCause.LAINNYA),
        lambda: licences.revoke(licence, 1, LicenceCause.LAINNYA, DAY),
    ):
        with pytest.raises(StaleVersionError):
            deed()


def test_a_renewal_takes_the_place_of_the_older_one_and_of_no_other() -> None:
    older = verified()
    renewal = replace(P_IRT, licence_id=SECOND, renews=FIRST, expires_on=date(2030, 12, 31))
    waiting = submitted(renewal, older)
    assert older.due_on is not None
    licences.verify(waiting, 1, older, "petugas-b", DAY)
    replaced = licences.give_place(older, SECOND)
    assert (replaced.replaced_by, replaced.due_on, replaced.version) == (SECOND, None, older.version)
    with pytest.raises(LicenceReplacedError):
        licences.verify(waiting, 1, replaced, "petugas-b", DAY)
    with pytest.raises(LicenceReplacedError):
        licences.revoke(replaced, 2, LicenceCause.LAINNYA, DAY)
    with pytest.raises(LicenceReplacedError):
        submitted(renewal, replaced)
    others = (
        None,
        replace(older, business_id=UUID(int=99)),
        replace(older, kind=LicenceKind.SNI),
        replace(older, status=S.DITOLAK),
        replace(older, status=S.DICABUT),
    )
    for other in others:
        with pytest.raises(RenewalError):
            submitted(renewal, other)
    assert submitted(renewal, replace(older, status=S.KEDALUWARSA)).renews == FIRST


def test_a_licence_is_not_revoked_before_it_began() -> None:
    with pytest.raises(DayOrderError):
        licences.revoke(verified(), 2, LicenceCause.LAINNYA, date(2025, 12, 31))


@pytest.mark.parametrize("status", list(S))
def test_what_ends_with_its_business_ends_once_and_forgets_its_number(status: LicenceStatus) -> None:
    licence = replace(verified(), status=status)
    ended = licences.forget(licences.end(licence, LicenceCause.PEMILIK_DIHAPUS, DAY))
    assert (ended.after.number, ended.after.product) == (None, None)
    expected = {S.DIAJUKAN: S.DITOLAK, S.BERLAKU: S.DICABUT}.get(status, status)
    assert (ended.after.status, len(ended.drafts)) == (expected, int(expected is not status))
    assert licences.end(ended.after, LicenceCause.PEMILIK_DIHAPUS, DAY).drafts == ()


def filed(mark: str = "Amplang Beruang") -> Brand:
    """Return a brand that waits, version 1."""
    command = FileBrand(FIRST, mark, "business", ID, date(2024, 2, 29))
    return brands.file(command, registered(), "petugas-a").after


def test_a_brand_is_protected_ten_years_from_the_day_it_was_filed() -> None:
    brand = brands.register(filed(), 1, DAY).after
    assert (brand.status, brand.registered_on, brand.expires_on) == (BrandStatus.TERDAFTAR, DAY, date(2034, 2, 28))
    assert brand.due_on == date(2034, 2, 28) - timedelta(days=90)
    with pytest.raises(DayOrderError):
        brands.register(filed(), 1, date(2024, 2, 28))
    with pytest.raises(BrandRanOutError):
        brands.register(filed(), 1, date(2034, 3, 1))


@pytest.mark.parametrize("status", list(BrandStatus))
def test_deeds_on_a_brand_in_the_wrong_status_are_refused(status: BrandStatus) -> None:
    brand = replace(filed(), status=status)
    if status is not BrandStatus.DIAJUKAN:
        with pytest.raises(BrandStatusError):
            brands.register(brand, 1, DAY)
        with pytest.raises(BrandStatusError):
            brands.reject(brand, 1, BrandCause.DITOLAK_DJKI)
    if status is not BrandStatus.TERDAFTAR:
        with pytest.raises(BrandStatusError):
            brands.revoke(brand, 1, BrandCause.DIBATALKAN, DAY)
        assert brand.due_on is None


@pytest.mark.parametrize("text", ["Amplang Beruang", "7 Saudara", "Kopi 1945", "Rumah No. 12-14", "Ma'ruf & Anak"])
def test_a_name_with_a_short_number_is_public(text: str) -> None:
    check_public("Merek", text)
    assert filed(text).mark == text


@given(
    st.text(max_size=20),
    st.one_of(
        st.from_regex(r"[0-9]([ .-]?[0-9]){6,15}", fullmatch=True),
        st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True),
        st.just("+62 812-0000-0001"),
    ),
    st.text(max_size=20),
)
def test_a_public_text_holds_no_number_or_address_of_a_person(before: str, personal: str, after: str) -> None:
    with pytest.raises(PublicTextError) as caught:
        check_public("Merek", f"{before}{personal}{after}")
    assert personal not in str(caught.value)
