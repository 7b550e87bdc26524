"""What the year's report reads from the services: records of one business, merged since, are one business in each number."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ops.clients import Clients
from ops.report import Figure, read_year
from ops.report.merging import Merged
from tests.stack.answering import answering

TIMUR = "64.71.01.1001"
MERGED = {"a": "b", "b": "c"}
"""Two records that go on as a third, the first by way of the second."""
RECORDS = ("a", "b", "c", "d", "e", "f")
"""Six records of four businesses."""
NOBODY = {"code": "0", "businesses": 0}


def listed(path: str, merged: dict[str, str]) -> list[dict[str, Any]] | None:
    """Return what a list holds; ``None``: there is no such list."""
    of_each = [{"id": name, "application_id": name, "business_id": name, "kelurahan": TIMUR} for name in RECORDS]
    lists: dict[str, list[dict[str, Any]]] = {
        "/businesses": [{"id": name, "merged_into": into} for name, into in merged.items()],
        "/courses": [{"id": "k", "starts_on": "2026-02-01", "ends_on": "2026-03-01"}],
        "/batches/x/enrolments": of_each,
        "/exhibitions": [{"id": "p", "starts_on": "2026-05-01", "cancelled": False}],
        "/exhibitions/p/applications": [item | {"state": "ikut"} for item in of_each],
        "/exhibitions/p/sales": [item | {"days": {"2026-05-01": 1_000}} for item in of_each],
        "/class-rises": of_each,
    }
    return lists.get(path)


async def read(merged: dict[str, str]) -> dict[str, Figure]:
    """Return the figures of a year, by code, by services that hold the six records, page by page of two."""

    def answer(method: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
        assert path != "/businesses" or query["status"] == "digabung"
        if path == "/dashboard":
            return 200, {"changed_at": None, "buckets": [], "unknown": NOBODY, "total": 0}
        if path == "/courses/k":
            return 200, {"batches": [{"id": "x", "sessions": [{"starts_at": "2026-02-01T01:00:00Z"}]}]}
        items, start = listed(path, merged), int(query.get("after", 0))
        if items is None:
            return 404, {"title": "Tidak ditemukan"}
        return 200, {"items": items[start : start + 2], "next": str(start + 2) if len(items) > start + 2 else None}

    names = ("registry", "training", "events", "projections")
    with answering(answer) as url:
        async with Clients(dict.fromkeys(names, url), {"laporan": "t"}) as clients:
            report = await read_year(clients, 2026)
    return {figure.code: figure for figure in report.figures}


async def test_merged_records_are_one_business_in_every_count() -> None:
    apart, merged = await read({}), await read(MERGED)
    for code in ("dilatih", "ditempatkan", "melapor", "naik_kelas"):
        assert (apart[code].total, merged[code].total) == (6, 4), code
        assert merged[code].buckets[TIMUR[:8]].value == 4


async def test_rupiah_of_five_records_that_are_four_businesses_are_not_told() -> None:
    apart, merged = await read({}), await read(MERGED)
    assert (apart["omzet"].total, apart["omzet"].missing) == (6_000, None)
    assert merged["omzet"].total is None
    assert "baru 4 usaha" in str(merged["omzet"].missing)


@given(st.dictionaries(st.integers(0, 9).map(str), st.integers(0, 9).map(str)), st.integers(0, 9).map(str))
def test_a_record_counts_as_one_that_is_merged_no_further_unless_merges_lead_in_a_circle(
    into: dict[str, str], record: str
) -> None:
    end = Merged(into).counted_as(record)
    way = [record]
    while way[-1] in into and way[-1] not in way[:-1]:
        way.append(into[way[-1]])
    assert end in way
    assert end not in into or way.count(end) == 2
