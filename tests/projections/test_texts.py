"""What officers read: sentences, numbers, dates, counts that add up, and the chart's geometry."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.domain.counting import CountMismatchError, Dimension, count
from services.projections.domain.names import day, moment, number, percent
from services.projections.domain.sentences import sentence
from services.projections.domain.timeline import timeline_row
from services.projections.reference import load_places
from shared.contracts import registry as r
from shared.contracts.registry import BusinessClass, BusinessStatus, Workers
from shared.web_pages.charts import nice_ceiling, stacked_bars
from tests.projections.stories import class_record, random_story, registered, sealed, story

PLACES = load_places()
BUSINESS = UUID("0192f0c0-0000-7000-8000-000000009900")
OTHER = UUID("0192f0c0-0000-7000-8000-000000009902")


def sentences(*facts: r.Fact) -> list[str]:
    rows = [timeline_row(each) for each in story(*facts)]
    return [sentence(row.name, json.loads(row.detail) if row.detail else None, PLACES) for row in rows]


def test_the_timeline_reads_as_indonesian() -> None:
    changed = registered(BUSINESS).model_dump(exclude={"status", "kelas", "workers"})
    reason = sealed(OTHER, "reason")
    assert sentences(
        registered(BUSINESS),
        r.BusinessVerified(business_id=BUSINESS),
        r.BusinessChanged(**changed, changed=("name", "kelurahan")),
        r.BusinessClassChanged(
            business_id=BUSINESS,
            previous=class_record(BusinessClass.MIKRO),
            current=class_record(BusinessClass.KECIL),
            flags=("class_contradiction",),
        ),
        r.BusinessClassChanged(
            business_id=BUSINESS,
            previous=class_record(BusinessClass.KECIL),
            current=class_record(BusinessClass.MIKRO),
            flags=("kelas_turun",),
        ),
        r.BusinessClassChanged(
            business_id=BUSINESS,
            previous=class_record(BusinessClass.MIKRO),
            current=class_record(BusinessClass.KECIL),
            evidence=(r.Evidence.SPT_TAHUNAN, r.Evidence.SURVEI_LAPANGAN),
        ),
        r.BusinessWorkersRecorded(
            business_id=BUSINESS, workers=Workers(paid_men=2, unpaid_women=1), as_of=date(2026, 4, 1)
        ),
        r.BusinessClosed(business_id=BUSINESS, personal=reason, closed_on=date(2026, 5, 9)),
        r.BusinessReactivated(business_id=BUSINESS, status=BusinessStatus.TERVERIFIKASI),
        r.BusinessMerged(business_id=BUSINESS, into_id=OTHER),
    ) == [
        "Usaha bidang kuliner didaftarkan di Manggar, Balikpapan Timur, kelas mikro, status draf "
        "(sumber: Berkas kelurahan (impor); data per 1 Februari 2026).",
        "Usaha diverifikasi oleh petugas.",
        "Data diperbarui: nama usaha, kelurahan (sumber: Berkas kelurahan (impor); data per 1 Februari 2026).",
        "Naik kelas: dari kelas mikro ke kelas kecil (penjualan tahunan, tahun 2025). Perlu diperiksa: data bertentangan.",
        "Kelas dicatat ulang: dari kelas kecil ke kelas mikro (penjualan tahunan, tahun 2025). Perlu diperiksa: kelas turun.",
        "Naik kelas: dari kelas mikro ke kelas kecil (penjualan tahunan, tahun 2025). "
        "Bukti: SPT tahunan, survei lapangan.",
        "Tenaga kerja didata per 1 April 2026: 3 orang (2 laki-laki, 1 perempuan).",
        "Usaha tutup pada 9 Mei 2026.",
        "Usaha aktif kembali dengan status terverifikasi.",
        f"Usaha digabung ke usaha {OTHER}.",
    ]


def test_every_fact_has_a_sentence_of_its_own() -> None:
    for seed in range(200):
        for text in sentences(*[each.fact for each in random_story(seed, 5)]):
            assert text.endswith(".")
            assert not text.startswith("Peristiwa tercatat")


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 11, 24, 16, 30, tzinfo=UTC), "25 November 2026 pukul 00.30 WITA"),
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), "31 Desember 2026 pukul 23.59 WITA"),
        (None, "–"),
    ],
)
def test_instants_are_told_in_wita(instant: datetime | None, text: str) -> None:
    assert moment(instant) == text


def test_numbers_and_dates_are_written_as_in_indonesia() -> None:
    assert [number(95_000), number(0), number(None)] == ["95.000", "0", "–"]
    assert [day(date(2026, 8, 17)), day(None)] == ["17 Agustus 2026", "–"]
    assert [percent(1, 8), percent(0, 0)] == ["12,5 %", "–"]


def test_there_are_34_kelurahan_in_six_kecamatan() -> None:
    assert (len(PLACES.kelurahan), len(PLACES.kecamatan)) == (34, 6)


def grouped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the database's grouping sets give for rows of businesses, made the slow way."""
    columns = ["kecamatan", "kelurahan", "kelas", "status", "sector", "source"]
    found = []
    for chosen in (["kecamatan", "kelas"], *([column] for column in columns), []):
        level = sum(1 << (5 - n) for n, column in enumerate(columns) if column not in chosen)
        keys = {tuple(row[column] for column in chosen) for row in rows} if chosen else {()}
        for key in keys:
            mine = [row for row in rows if tuple(row[column] for column in chosen) == key]
            counted = [row for row in mine if row["status"] != "digabung"]
            found.append(
                dict.fromkeys(columns)
                | dict(zip(chosen, key, strict=True))
                | {
                    "level": level,
                    "businesses": len(counted),
                    "merged": len(mine) - len(counted),
                    "workers": None,
                    "workers_known": 0,
                    "workers_unknown": 0,
                    "oldest": None,
                    "newest": None,
                    "changed_at": None,
                }
            )
    return found


kelurahan = st.sampled_from([*PLACES.kelurahan, "TIDAK_DIKETAHUI", "64.71.09.9999"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "kelurahan": kelurahan,
                "kelas": st.sampled_from([kelas.value for kelas in BusinessClass]),
                "status": st.sampled_from([status.value for status in BusinessStatus]),
                "sector": st.sampled_from(["kuliner", "kriya", "tidak_diketahui"]),
                "source": st.sampled_from(["impor", "petugas", "lain"]),
            }
        ),
        max_size=30,
    )
)
def test_buckets_and_unknown_are_the_total_in_every_dimension(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["kecamatan"] = row["kelurahan"][:8] if row["kelurahan"][0] == "6" else row["kelurahan"]
    dashboard = count(grouped(rows), PLACES)
    counted = sum(row["status"] != "digabung" for row in rows)
    assert (dashboard.total.businesses, dashboard.merged) == (counted, len(rows) - counted)
    for dimension in Dimension:
        part = dashboard.breakdowns[dimension]
        assert part.unknown.businesses + sum(bucket.businesses for bucket in part.buckets) == counted


def test_counts_that_do_not_add_up_are_not_shown() -> None:
    rows = grouped([{"kelurahan": "64.71.01.1001", "kecamatan": "64.71.01", "kelas": "mikro", "status": "draf",
                     "sector": "kriya", "source": "impor"}])  # fmt: skip
    next(row for row in rows if row["sector"] == "kriya")["businesses"] = 2
    with pytest.raises(CountMismatchError, match="sector"):
        count(rows, PLACES)


def test_an_empty_city_is_shown_as_zeros() -> None:
    dashboard = count(grouped([]), PLACES)
    assert dashboard.total.businesses == 0
    assert len(dashboard.breakdowns[Dimension.KELURAHAN].buckets) == 34


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), max_size=8))
def test_bars_stay_inside_the_chart_and_keep_their_proportions(values: list[list[int]]) -> None:
    chart = stacked_bars([(f"baris {n}", dict(zip("abc", row, strict=True))) for n, row in enumerate(values)])
    for bar, row in zip(chart.bars, values, strict=True):
        assert bar.total == sum(row)
        assert bar.end <= chart.width - 60
        assert [segment.value for segment in bar.segments] == [value for value in row if value]


@given(st.integers(0, 10**9))
def test_the_scale_ends_at_a_round_number_that_five_divides(value: int) -> None:
    top = nice_ceiling(value)
    assert top >= value
    assert top % 5 == 0
