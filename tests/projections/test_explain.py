"""Numbers and what is behind them: every number that is shown bears an address, and adds up to its businesses and facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.projections.domain.addresses import AddressRefusedError, read_address
from services.projections.domain.counting import Dimension
from services.projections.domain.employing import JobsBy
from services.projections.domain.jobs import Kind
from services.projections.handlers.explaining import EXPLAINERS
from services.projections.handlers.projecting import project_batch
from services.projections.reference import load_places
from shared.auth import Role
from shared.database import Pool
from shared.envelope import Event
from tests.projections.cities import YEARS, Standing, city, day_of, lives_of, standing
from tests.projections.conftest import Office

EVENTS = city(45)
LIVES = lives_of(EVENTS)
FACTS = {str(each.meta.id): each for each in EVENTS}
PLACES = load_places()
GRAMMARS = [explainer.grammar for explainer in EXPLAINERS]
DAYS = (date(2024, 9, 30), date(2025, 6, 15), date(2026, 10, 1))
MANGGAR = "64.71.01.1001"


@pytest.fixture
async def client(office: Office, pool: Pool) -> Any:
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, EVENTS)
    async with office.client(Role.PETUGAS_DINAS) as made:
        yield made


async def get(client: httpx2.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def explained(client: httpx2.AsyncClient, address: str) -> dict[str, Any]:
    """Return a number with all its pages."""
    found = await get(client, f"/explain/{address}", limit=9)
    items = found["items"]
    while found["next_after"]:
        page = await get(client, f"/explain/{address}", limit=9, after=found["next_after"])
        assert page["total"] == found["total"]
        items += page["items"]
        found = page
    return {**found, "items": items}


async def check(client: httpx2.AsyncClient, address: str, number: int | None) -> None:
    """The number must be what is told behind its address, and that must be facts of the businesses named."""
    assert str(read_address(address, GRAMMARS, PLACES)) == address
    found = await explained(client, address)
    ids = [item["business_id"] for item in found["items"]]
    assert (address, found["total"]) == (address, number)
    assert (found["address"], found["businesses"], len(set(ids))) == (address, len(ids), len(ids))
    assert sum(item["amount"] for item in found["items"]) == (number or 0)
    for item in found["items"]:
        assert item["events"], address
        for told in item["events"]:
            fact: Event = FACTS[told["id"]]
            assert fact.meta.subject == item["business_id"]
            assert (fact.fact.NAME, fact.meta.sequence) == (told["type"], told["sequence"])


def numbers(value: Any) -> Iterator[tuple[str, int | None]]:
    """Yield every address of an answer with its number."""
    if isinstance(value, dict):
        if "address" in value:
            yield value["address"], value[next(n for n in ("count", "businesses", "total", "workers") if n in value)]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)


@pytest.mark.parametrize("by", list(Dimension))
async def test_every_number_of_the_dashboard_adds_up_to_its_businesses(
    client: httpx2.AsyncClient, by: Dimension
) -> None:
    shown = await get(client, "/dashboard", by=by.value)
    for address, number in numbers(shown):
        await check(client, address, number)
    for bucket in (shown, *shown["buckets"], shown["unknown"]):
        await check(client, f"{bucket['address']}/angka=tenaga_kerja", bucket["workers"])
        await check(client, f"{bucket['address']}/angka=tanpa_data_tenaga_kerja", bucket["workers_unknown"])
    await check(client, "district_dashboard/angka=digabung", shown["merged"])


async def test_every_number_of_the_page_bears_an_address_that_adds_up(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    cells = re.findall(r'data-address="([^"]+)">(?:<span class="figure">)?([^<]+)<', page)
    assert len(cells) > 150
    assert re.findall(r"<td>[\d.]+</td>", page) == []
    for address, text in dict.fromkeys(cells):
        await check(client, address, None if text == "–" else int(text.replace(".", "")))


@pytest.mark.parametrize("year", YEARS)
async def test_every_number_of_the_funnel_adds_up_and_is_what_the_facts_say(
    client: httpx2.AsyncClient, year: int
) -> None:
    shown = await get(client, "/class-funnel", year=year)
    for address, number in numbers(shown):
        await check(client, address, number)
    start = Counter((s.kecamatan, s.kelas) for s in on(date(year - 1, 12, 31)))
    end = Counter((s.kecamatan, s.kelas) for s in on(date(year, 12, 31)))
    for place in (shown["city"], *shown["places"]):
        for line in place["classes"]:
            assert line["start"]["count"] + line["arrived"]["count"] - line["left"]["count"] == line["end"]["count"]
            for name, counted in (("start", start), ("end", end)):
                here = [n for (code, of), n in counted.items() if of == line["kelas"] and place["code"] in {"", code}]
                assert line[name]["count"] == sum(here)
    rises = [each for each in EVENTS if rises_with_evidence(each) and day_of(each).year == year]
    assert shown["city"]["naik_kelas"]["count"] <= len(rises)  # less those of businesses outside of the count
    assert sum(place["naik_kelas"]["count"] for place in shown["places"]) == shown["city"]["naik_kelas"]["count"]


def rises_with_evidence(event: Event) -> bool:
    return event.fact.NAME == "business.class_changed" and bool(event.fact.evidence)  # type: ignore[attr-defined]


def on(day: date) -> list[Standing]:
    return [found for life in LIVES if (found := standing(life, day)) is not None]


@pytest.mark.parametrize("by", list(JobsBy))
@pytest.mark.parametrize("day", DAYS)
async def test_every_number_of_workers_adds_up_and_is_what_the_facts_say(
    client: httpx2.AsyncClient, day: date, by: JobsBy
) -> None:
    shown = await get(client, "/jobs", on=day.isoformat(), by=by.value)
    for bucket in (shown["city"], *shown["buckets"]):
        for address, number in numbers(bucket):
            if number or bucket["code"] == "":
                await check(client, address, number)
        here = [each for each in on(day) if bucket["code"] in {"", getattr(each, by.value)}]
        assert bucket["businesses"]["count"] == len(here)
        for kind in bucket["kinds"]:
            known = [n for each in here if (n := each.number(Kind(kind["kind"]).column)) is not None]
            assert (kind["workers"], kind["businesses_known"]["count"]) == (sum(known) if known else None, len(known))
            assert kind["businesses_unknown"]["count"] == len(here) - len(known)


@pytest.mark.parametrize("by", list(JobsBy))
@pytest.mark.parametrize("kind", [Kind.SEMUA, Kind.PEREMPUAN_DIBAYAR])
async def test_what_came_and_went_between_two_days_adds_up(client: httpx2.AsyncClient, by: JobsBy, kind: Kind) -> None:
    for start, end in ((DAYS[0], DAYS[1]), (DAYS[0], DAYS[2]), (DAYS[1], DAYS[1])):
        asked = {"start": start.isoformat(), "end": end.isoformat(), "by": by.value, "kind": kind.value}
        shown = await get(client, "/jobs/changes", **asked)
        for bucket in (shown["city"], *shown["buckets"]):
            for address, number in numbers(bucket):
                if number or bucket["code"] == "":
                    await check(client, address, number)
            for name, day in (("before", start), ("after", end)):
                here = [each.number(kind.column) for each in on(day) if bucket["code"] in {"", getattr(each, by.value)}]
                assert bucket[name]["count"] == sum(n for n in here if n is not None)
                assert bucket[f"{name}_unknown"]["count"] == sum(n is None for n in here)


async def test_months_are_the_days_on_which_they_end(client: httpx2.AsyncClient) -> None:
    shown = await get(client, "/jobs/months", year=2025, place="64.71.01", kelas="mikro")
    assert [month["code"] for month in shown["months"]][:2] == ["2025-01-31", "2025-02-28"]
    assert len(shown["months"]) == 12
    for month in shown["months"]:
        for address, number in numbers(month):
            await check(client, address, number)
        day = date.fromisoformat(month["code"])
        here = [each for each in on(day) if (each.kecamatan, each.kelas) == ("64.71.01", "mikro")]
        assert month["businesses"]["count"] == len(here)


@pytest.mark.parametrize("year", YEARS)
async def test_the_steps_of_the_class_history_add_up(client: httpx2.AsyncClient, pool: Pool, year: int) -> None:
    query = (
        "SELECT count(*), count(DISTINCT business_id) FROM class_history "
        "WHERE naik_kelas AND extract(year FROM at AT TIME ZONE 'Asia/Makassar') = $1"
    )
    steps, businesses = await pool.fetchrow(query, year)
    await check(client, f"class_history/tahun={year}/angka=kenaikan", steps)
    await check(client, f"class_history/tahun={year}/angka=usaha", businesses)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("district_dashboard/64.71.01.1001/kelas=mikro", "district_dashboard/64.71.01.1001/kelas=mikro"),
        ("district/manggar/kel=mikro", "district_dashboard/64.71.01.1001/kelas=mikro"),
        ("dis/Balikpapan Timur/st=tutup/kelas=kecil", "district_dashboard/64.71.01/kelas=kecil/status=tutup"),
        ("class_f/tahun=2026/TIDAK_DIKETAHUI/angka=aw", "class_funnel/TIDAK_DIKETAHUI/tahun=2026/angka=awal"),
        ("jobs/pada=2026-11-30/jenis=laki_d", "jobs/pada=2026-11-30/jenis=laki_dibayar"),
        ("/district_dashboard/", "district_dashboard"),
    ],
)
def test_an_address_may_be_cut_short_where_only_one_fits(text: str, whole: str) -> None:
    assert str(read_address(text, GRAMMARS, PLACES)) == whole


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", "district_dashboard"),
        ("class", "class_funnel"),
        ("omzet", "job_changes"),
        ("district_dashboard/kelas=raksasa", "menengah"),
        ("district_dashboard/warna=merah", "bidang"),
        ("district_dashboard/64.71.99", "64.71.01 (Balikpapan Timur)"),
        ("district_dashboard/kelas=mikro/kelas=kecil", "kelas=… satu kali"),
        ("district_dashboard/kelas", "64.71.01 (Balikpapan Timur)"),
        ("class_funnel/64.71.01", "tahun=2026"),
        ("class_funnel/tahun=26", "misalnya 2026"),
        ("class_funnel/tahun=2026/64.71.01.1001", "64.71.01 (Balikpapan Timur)"),
        ("jobs/pada=2026-02-30", "misalnya 2026-11-30"),
        ("class_history/64.71.01/tahun=2026", "tahun"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_with_what_may_stand_there(text: str, allowed: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        read_address(text, GRAMMARS, PLACES)
    assert allowed in refused.value.values["allowed"]  # type: ignore[operator]
    assert allowed in str(refused.value) or " lagi." in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "omzet",
        "district_dashboard/bidang=sulap",
        "class_funnel/tahun=2026/gerak=pindah_masuk",
        "class_funnel/tahun=2026/dari=mikro",
        "class_funnel/tahun=2026/gerak=naik/kelas=mikro",
        "job_changes/dari=2026-02-01/sampai=2026-01-01/angka=bertambah",
    ],
)
async def test_a_number_that_does_not_exist_is_a_problem_that_says_what_does(
    client: httpx2.AsyncClient, address: str
) -> None:
    answer = await client.get(f"/explain/{address}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["type"].endswith("alamat-angka-tidak-dikenal")
    assert answer.json()["allowed"]


@pytest.mark.security(line="S2")
async def test_an_officer_of_a_kelurahan_has_numbers_of_the_own_one_explained_alone(
    office: Office, client: httpx2.AsyncClient
) -> None:
    for address, status in (
        (f"district_dashboard/{MANGGAR}/kelas=mikro", 200),
        (f"jobs/{MANGGAR}/pada=2026-01-01", 200),
        ("district_dashboard/64.71.02.1001", 403),
        ("district_dashboard/64.71.01", 403),
        ("district_dashboard", 403),
        ("class_funnel/tahun=2026", 403),
    ):
        async with office.client(Role.PETUGAS_KELURAHAN, kelurahan=MANGGAR) as officer:
            assert (await officer.get(f"/explain/{address}")).status_code == status
    async with office.client() as nobody:
        assert (await nobody.get("/explain/district_dashboard")).status_code == 401


async def test_pages_follow_the_ids_of_businesses_without_gap_or_double(client: httpx2.AsyncClient) -> None:
    first = await get(client, "/explain/district_dashboard", limit=500)
    ids = [UUID(item["business_id"]) for item in first["items"]]
    assert ids == sorted(ids, key=lambda each: each.int)
    assert first["next_after"] is None
    paged = await explained(client, "district_dashboard")
    assert paged["items"] == first["items"]


async def test_days_the_wrong_way_round_are_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/jobs/changes", params={"start": "2026-02-01", "end": "2026-01-01"})
    assert (answer.status_code, answer.json()["title"]) == (422, "Urutan hari terbalik")
