"""The report: numbers that add up, rupiah that tell of nobody alone, and files that say the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from ops.report import Cell, FigureMismatchError, Report, write_html, write_xlsx
from ops.report.figures import (
    NO_REPORT,
    WITHHELD,
    About,
    Figure,
    Sales,
    add_sales,
    by_district,
    count_businesses,
    districts,
)
from ops.report.reading import JOBS, JOBS_OF_MEN, JOBS_OF_WOMEN, jobs_gained
from ops.report.table import UNKNOWN, rows_of
from services.projections.domain import names
from services.registry.reference.places import all_places
from shared.contracts.exhibitions import LEAST_BUSINESSES
from shared.contracts.registry import UNKNOWN_PLACE

NOON = datetime(2026, 12, 31, 4, 0, tzinfo=UTC)
TIMUR, TENGAH, KOTA = "64.71.01.1001", "64.71.04.1001", "64.71.06.1005"
PLACES = st.sampled_from([*all_places(), UNKNOWN_PLACE])
ABOUT = About("omzet", "Penjualan", "rupiah", "Jumlah yang dilaporkan.", "layanan pameran")
PEOPLE = About("dilatih", "Usaha dilatih", "usaha", "Usaha yang lulus.", "layanan pelatihan")


def sold(place: str, count: int, amount: int = 1_000, first: int = 0) -> list[Sales]:
    """Return reports of so many businesses of a place."""
    return [Sales(f"{place}-{number}", place, amount) for number in range(first, first + count)]


def value(figure: Figure, kelurahan: str) -> Cell:
    return figure.buckets[kelurahan[:8]]


def test_every_kecamatan_and_the_unknown_are_there_also_with_nothing() -> None:
    figure = count_businesses(PEOPLE, {}, NOON)
    assert list(figure.buckets) == list(districts())
    assert (figure.total, figure.unknown.value) == (0, 0)


@given(st.dictionaries(st.uuids().map(str), PLACES))
def test_buckets_and_unknown_are_the_total(places: dict[str, str]) -> None:
    figure = count_businesses(PEOPLE, places, NOON)
    parts = [cell.value or 0 for cell in figure.buckets.values()]
    assert sum(parts) + (figure.unknown.value or 0) == figure.total == len(places)
    assert figure.unknown.value == sum(place == UNKNOWN_PLACE for place in places.values())


def test_what_does_not_add_up_is_no_number() -> None:
    found, unknown = by_district({TIMUR: 3, UNKNOWN_PLACE: 1})
    buckets = {code: Cell(count) for code, count in found.items()}
    with pytest.raises(FigureMismatchError, match="the parts come to 4, the total is 5"):
        PEOPLE.figure(NOON, buckets=buckets, unknown=Cell(unknown), total=5)


def test_rupiah_of_four_are_withheld_together_with_the_next() -> None:
    figure = add_sales(ABOUT, [*sold(TIMUR, 4), *sold(TENGAH, 6), *sold(KOTA, 9)], NOON)
    assert value(figure, TIMUR) == value(figure, TENGAH) == Cell(None, WITHHELD)
    assert value(figure, KOTA) == Cell(9_000)
    assert (figure.withheld, figure.total) == (10_000, 19_000)
    assert figure.buckets["64.71.02"] == Cell(None, NO_REPORT)


def test_rupiah_of_four_in_the_whole_city_are_no_number() -> None:
    figure = add_sales(ABOUT, sold(TIMUR, 4), NOON)
    assert figure.missing is not None
    assert (figure.total, figure.withheld) == (None, None)
    assert "4.000" not in str(figure.as_dict())


def test_who_sold_in_two_kecamatan_hides_nobody_twice() -> None:
    sales = [Sales(str(n), place, 1_000) for n in range(3) for place in (TIMUR, TENGAH)]
    figure = add_sales(ABOUT, [*sales, *sold(KOTA, 9)], NOON)
    assert value(figure, TIMUR) == value(figure, TENGAH) == value(figure, KOTA) == Cell(None, WITHHELD)
    assert (figure.withheld, figure.total) == (15_000, 15_000)


def test_nobody_reported_is_nothing_to_withhold() -> None:
    figure = add_sales(ABOUT, [], NOON)
    assert (figure.total, figure.withheld, figure.missing) == (0, None, None)
    assert set(figure.buckets.values()) == {Cell(None, NO_REPORT)}


@given(st.lists(st.tuples(st.integers(0, 60), PLACES, st.integers(0, 10**9))))
def test_no_number_of_rupiah_is_of_fewer_than_five(reports: list[tuple[int, str, int]]) -> None:
    sales = [Sales(str(business), place, amount) for business, place, amount in reports]
    figure = add_sales(ABOUT, sales, NOON)
    if figure.missing is not None:
        assert 0 < len({item.business_id for item in sales}) < LEAST_BUSINESSES
        return
    sellers: dict[str | None, set[str]] = {code: set() for code in (*districts(), None)}
    for item in sales:
        sellers[item.kelurahan[:8] if item.kelurahan != UNKNOWN_PLACE else None].add(item.business_id)
    cells = {**figure.buckets, None: figure.unknown}
    shown = [len(sellers[code]) for code, cell in cells.items() if cell.value is not None]
    assert all(count >= LEAST_BUSINESSES for count in shown)
    hidden = [sellers[code] for code, cell in cells.items() if cell.why == WITHHELD]
    assert bool(hidden) == (figure.withheld is not None)
    assert not hidden or len(set().union(*hidden)) >= LEAST_BUSINESSES
    assert figure.total == sum(item.amount for item in sales)


def made() -> Report:
    """Return a report with a number of each sort; one label is what a spreadsheet would take for a formula."""
    hostile = About("jahat", '=HYPERLINK("x")', "usaha", "@SUM(A1:A9)", "<script>alert(1)</script>")
    return Report(
        2026,
        NOON,
        (
            count_businesses(PEOPLE, {"a": TIMUR, "b": TIMUR, "c": KOTA, "d": UNKNOWN_PLACE}, NOON),
            add_sales(ABOUT, [*sold(TIMUR, 4), *sold(TENGAH, 6), *sold(KOTA, 9)], NOON),
            count_businesses(hostile, {}, NOON),
            PEOPLE.missing(NOON, "belum ada"),
        ),
    )


def test_the_workbook_reads_back_as_the_numbers(tmp_path: Path) -> None:
    write_xlsx(made(), tmp_path / "laporan.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "laporan.xlsx"))
    assert book.sheet_names == ["Angka", "Sumber"]
    table = book.get_sheet_by_name("Angka").to_python()[3:]
    rows = {str(line[0]): line[1:5] for line in table[1:]}
    assert rows["Balikpapan Timur"] == [2, "–", 0, "–"]
    assert rows[UNKNOWN] == [1, "–", 0, "–"]
    assert rows["Jumlah"] == [4, 19_000, 0, "–"]
    assert rows["Dirahasiakan (kurang dari lima usaha)"] == ["–", 10_000, "–", "–"]
    for number, total in ((0, 4), (1, 19_000)):
        parts = [line[number] for label, line in rows.items() if label != "Jumlah"]
        assert sum(part for part in parts if isinstance(part, float)) == total
    notes = book.get_sheet_by_name("Sumber").to_python()
    assert notes[1][:4] == ["Usaha dilatih", "usaha", "Usaha yang lulus.", "layanan pelatihan"]
    assert notes[1][4] == "31 Desember 2026 pukul 12.00 WITA"


@pytest.mark.security(line="S9")
def test_no_text_of_the_workbook_is_a_formula(tmp_path: Path) -> None:
    write_xlsx(made(), tmp_path / "laporan.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "laporan.xlsx"))
    texts = [cell for name in book.sheet_names for line in book.get_sheet_by_name(name).to_python() for cell in line]
    assert '\'=HYPERLINK("x") (usaha)' in texts
    assert [text for text in texts if isinstance(text, str) and text.startswith(("=", "@"))] == []


def test_the_page_loads_nothing_and_says_every_number(tmp_path: Path) -> None:
    write_html(made(), tmp_path / "laporan.html")
    page = (tmp_path / "laporan.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link[^>]+stylesheet|https?://|@import|url\(", page.replace("http://www.w3.org", ""))
    assert "&lt;script&gt;" in page
    assert "19.000" in page
    assert "31 Desember 2026 pukul 12.00 WITA" in page
    assert page.count("<tr") >= len(list(rows_of(made())))


def test_a_chart_says_of_every_bar_what_the_table_says(tmp_path: Path) -> None:
    places = dict.fromkeys(districts(), 0)
    jobs = {code: Cell(count) for code, count in (places | {TIMUR[:8]: 8, KOTA[:8]: -2}).items()}
    figures = (
        add_sales(ABOUT, [*sold(TIMUR, 4), *sold(TENGAH, 6), *sold(KOTA, 9)], NOON),
        JOBS.figure(NOON, buckets=jobs, unknown=Cell(-1), total=5),
    )
    report = Report(2026, NOON, figures)
    write_html(report, tmp_path / "laporan.html")
    page = (tmp_path / "laporan.html").read_text(encoding="utf-8")
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    for place, chart in enumerate(charts):
        texts = re.findall(r'<text x="[^"]+" y="[^"]+"(?: text-anchor="end")?>([^<]*)', chart)
        told = dict(zip(texts[::2], texts[1::2], strict=True))
        rows = [row for row in rows_of(report) if row.kind in {"bucket", "unknown"}]
        assert told == {row.label: names.number(row.cells[place].value) for row in rows}
        assert chart.count("<rect") == sum((row.cells[place].value or 0) > 0 for row in rows)
    assert len(charts) == len(figures)
    assert names.number(-2) in charts[1]


def test_jobs_are_what_was_gained_less_what_was_lost_since_the_start_or_since_first_counted() -> None:
    def bucket(code: str, gained: int, lost: int, since: tuple[int, int] = (0, 0)) -> dict[str, object]:
        counts = {"bertambah": gained, "berkurang": lost, "baru": 50, "jadi_diketahui": 9, "keluar": 8}
        counts |= {"bertambah_sejak_didata": since[0], "berkurang_sejak_didata": since[1]}
        return {"code": code, "changes": [{"change": name, "workers": {"count": n}} for name, n in counts.items()]}

    men = [bucket("64.71.01", 5, 1), bucket("64.71.06", 0, 2), bucket(UNKNOWN_PLACE, 3, 0)]
    women = [bucket("64.71.01", 0, 0, (7, 3)), bucket("64.71.06", 0, 0), bucket(UNKNOWN_PLACE, 0, 0, (0, 4))]
    figure = jobs_gained(JOBS, men + women, NOON)
    assert (value(figure, TIMUR), value(figure, KOTA), figure.unknown) == (Cell(8), Cell(-2), Cell(-1))
    assert figure.total == 5
    assert (jobs_gained(JOBS_OF_MEN, men, NOON).total, jobs_gained(JOBS_OF_WOMEN, women, NOON).total) == (5, 0)
