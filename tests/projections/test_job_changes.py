"""What workers came and went, and the months: in a city that is counted often, against its facts read one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from time import monotonic
from typing import Any

import httpx2
import pytest

from services.projections.domain.employing import Change, JobsBy
from services.projections.domain.jobs import Kind
from services.projections.handlers.projecting import project_batch
from services.projections.store import ledgers
from shared.auth import Role
from shared.database import Pool
from tests.projections.cities import BEGIN, GROWTH, YEARS, counted_city, growth, lives_of, standing
from tests.projections.conftest import Office
from tests.projections.test_explain import explained, get

EVENTS = counted_city(160)
LIVES = lives_of(EVENTS)
BEFORE_ALL, LAST = date(2023, 12, 31), date(2026, 10, 1)
PAIRS = ((BEFORE_ALL, date(2024, 12, 31)), (date(2024, 12, 31), date(2025, 12, 31)), (date(2025, 3, 31), LAST))
BUSINESSES, MONTHS = 8_000, [date(2026, month, 28) for month in range(1, 13)]


@pytest.fixture
async def client(office: Office, pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    """The API of a city that is counted often."""
    assert all(event.meta.time >= BEGIN for event in EVENTS)
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, EVENTS)
    async with office.client(Role.PETUGAS_DINAS) as made:
        yield made


def changes_of(bucket: dict[str, Any]) -> Counter[str]:
    return Counter({item["change"]: item["workers"]["count"] for item in bucket["changes"]})


async def test_a_growth_is_measured_from_the_first_day_or_from_the_first_count(client: httpx2.AsyncClient) -> None:
    seen = Counter[str]()
    for start, end in PAIRS:
        ends = [(life, standing(life, end)) for life in LIVES]
        for by in JobsBy:
            for kind in Kind:
                asked = {"start": start.isoformat(), "end": end.isoformat(), "by": by.value, "kind": kind.value}
                shown = await get(client, "/jobs/changes", **asked)
                for bucket in (shown["city"], *shown["buckets"]):
                    grown = Counter[str]()
                    for life, there in ends:
                        if there is not None and bucket["code"] in {"", getattr(there, by.value)}:
                            grown.update(growth(life, start, end, kind.column))
                    said = changes_of(bucket)
                    assert [said[name] for name in GROWTH] == [grown[name] for name in GROWTH], (asked, bucket["code"])
                assert_buckets_are_the_city(shown)
                seen.update(sum((changes_of(bucket) for bucket in shown["buckets"]), Counter[str]()))
    assert all(seen[change] for change in Change), seen  # the city had each of them


def assert_buckets_are_the_city(shown: dict[str, Any]) -> None:
    """What changed comes to the same over all places; what moved away came somewhere."""
    sums, city = Counter[str](), changes_of(shown["city"])
    for bucket in shown["buckets"]:
        sums.update(changes_of(bucket))
    assert (city.pop("pindah_masuk"), city.pop("pindah_keluar")) == (0, 0)
    assert sums["pindah_masuk"] == sums["pindah_keluar"]
    assert {name: sums[name] for name in city} == dict(city)


async def test_every_change_is_explained_down_to_its_businesses(client: httpx2.AsyncClient) -> None:
    asked = {"start": PAIRS[1][0].isoformat(), "end": PAIRS[1][1].isoformat(), "kind": "perempuan_dibayar"}
    shown = await get(client, "/jobs/changes", **asked)
    for bucket in (shown["city"], *shown["buckets"][:2]):
        for item in bucket["changes"]:
            found = await explained(client, item["workers"]["address"])
            amounts = [part["amount"] for part in found["items"]]
            assert found["total"] == sum(amounts) == item["workers"]["count"], item
            assert all(part["events"] for part in found["items"])


@pytest.mark.parametrize("year", YEARS)
async def test_a_month_says_what_its_last_day_says(client: httpx2.AsyncClient, year: int) -> None:
    months = (await get(client, "/jobs/months", year=year))["months"]
    within = (await get(client, "/jobs/months", year=year, place="64.71.01"))["months"]
    for month, district in zip(months, within, strict=True):
        shown = await get(client, "/jobs", on=month["code"])
        there = next(bucket for bucket in shown["buckets"] if bucket["code"] == "64.71.01")
        for bucket, whole in ((month, shown["city"]), (district, there)):
            assert {**bucket, "label": whole["label"], "code": whole["code"]} == whole


async def test_months_before_all_are_empty_and_of_a_year_to_come_there_are_none(client: httpx2.AsyncClient) -> None:
    empty = (await get(client, "/jobs/months", year=2023))["months"]
    assert {month["businesses"]["count"] for month in empty} == {0}
    assert {kind["workers"] for month in empty for kind in month["kinds"]} == {None}
    assert (await get(client, "/jobs/months", year=2099))["months"] == []


FILL = """
INSERT INTO jobs
SELECT b.id, s, s, gen_random_uuid(), 'business.registered', now(), DATE '2026-01-01' + s * 50, true, '64.71.01.1001',
       '64.71.01', 'mikro', 3 + s, 1, 1 + s, 0, 1, DATE '2026-01-01' + s * 45
FROM (SELECT gen_random_uuid() AS id, CASE WHEN n % 20 = 0 THEN 4 ELSE 1 END AS n FROM generate_series(1, $1::int) n) b,
     generate_series(1, b.n) s
"""


async def test_twelve_months_cost_little_more_than_one_day(pool: Pool) -> None:
    """A day was asked for twelve times: twelve passes. Now it is one, whatever the machine is busy with."""
    await pool.execute(FILL, BUSINESSES)
    ratios = []
    for _ in range(7):
        began = monotonic()
        await ledgers.jobs(pool, MONTHS[-1], "kecamatan")
        turned = monotonic()
        rows = await ledgers.jobs_by_day(pool, MONTHS, None, None, None)
        ratios.append((monotonic() - turned) / (turned - began))
        assert rows[-1]["businesses"] == BUSINESSES
    assert min(ratios) < 5, ratios
