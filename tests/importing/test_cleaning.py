"""Cells: what people type is read as meant, or refused; property tests over the parsers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.importing.cleaning.money import check_money
from services.registry.importing.cleaning.nik import check_nik
from services.registry.importing.cleaning.phone import check_phones, to_e164
from services.registry.importing.report import neutralise
from services.registry.reference.names import fold_name


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("Rp 1.500.000,00", 1_500_000),
        ("60jt", 60_000_000),
        ("1,5 juta", 1_500_000),
        ("2.500.000,-", 2_500_000),
        ("2.000.000.000", 2_000_000_000),
        ("1000000000", 1_000_000_000),
        ("0", 0),
        ("-", None),
        ("", None),
    ],
)
def test_money_is_read_as_people_write_it(typed: str, amount: int | None) -> None:
    assert (amount, None) == check_money(typed)


@given(st.integers(1, 10**13))
def test_money_written_in_full_is_read_back(amount: int) -> None:
    dotted = f"{amount:,}".replace(",", ".")
    for typed in (str(amount), dotted, f"Rp {dotted}", f"Rp{dotted},00", f"{dotted},-"):
        if typed == dotted and 1_000 <= amount < 1_000_000:
            continue  # 1.500 alone may be one and a half thousand or a decimal: allowed to be refused
        assert check_money(typed).amount in {amount, None}
        assert check_money(str(amount)).amount == amount


@given(st.text(max_size=40))
@pytest.mark.security(line="S20")
def test_parsers_never_crash_and_never_invent(text: str) -> None:
    money, nik = check_money(text), check_nik(text)
    assert money.amount is None or money.problem is None
    assert nik.value is None or (len(nik.value) == 16 and nik.value.isdigit())
    assert all(number.startswith("+") for number in check_phones(text).numbers)


@given(
    st.integers(0, 9_999),
    st.sampled_from(["08120000{}", "0812-0000-{}", "628120000{}", "+62 812 0000 {}", "08120000{}.0"]),
)
def test_a_phone_has_one_form_however_it_is_typed(tail: int, shape: str) -> None:
    assert f"+628120000{tail:04d}" == to_e164(shape.format(f"{tail:04d}"))


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("6,47101E+15", "NIK_SCIENTIFIC"),
        (6471014107909901, "NIK_ANGKA"),
        (6471014107909901.0, "NIK_ANGKA"),
        ("0000000000000000", "NIK_PENGISI"),
        ("-", "NIK_KOSONG"),
        ("647101310290990", "NIK_PANJANG"),
        ("6471053102909906", "NIK_TANGGAL_TIDAK_SAH"),
    ],
)
def test_a_nik_is_refused_or_flagged_never_repaired(cell: object, code: str) -> None:
    assert (None, code) == check_nik(cell)  # type: ignore[arg-type]


def test_a_nik_above_two_to_the_fifty_third_stays_what_it_is() -> None:
    assert check_nik("9171014107909907").value == "9171014107909907"


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@pytest.mark.parametrize(
    ("first", "second"), [("Nur’aini", "NUR'AINI"), ("Ma'ruf, S.E.", "maruf s.e"), ("Siti  A", "siti a")]
)
def test_spellings_of_one_name_have_one_key(first: str, second: str) -> None:
    assert fold_name(first) == fold_name(second)


@pytest.mark.parametrize("cell", ["=1+1", "+SUM(A1)", "@x", "-2+3", "\t=1", "\r=1", "＝1+1"])
@pytest.mark.security(line="S9")
def test_formulas_are_neutralised(cell: str) -> None:
    assert neutralise(cell)[0] not in "=+-@\t\r＝"


@pytest.mark.parametrize("cell", ["+6281200000001", "-5", "Warung"])
@pytest.mark.security(line="S9")
def test_phones_and_numbers_survive(cell: str) -> None:
    assert neutralise(cell) == cell
