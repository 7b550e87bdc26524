"""What the command shows of the projections' counts: 0 is 0, and what moved while it was read is no fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.answering import Answer, answering
from tests.stack.commanding import naikkelas_here


@pytest.fixture
def projections(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes the local stack's projections those at an address."""

    def make(url: str) -> None:
        monkeypatch.setattr("ops.stack.Stack.api_url", lambda *_: url)
        monkeypatch.setattr("ops.stack.Stack.token", lambda *_, **__: "t")

    return make


@pytest.mark.parametrize(("workers", "shown"), [(0, "0"), (7, "7"), (None, "–")])
def test_no_workers_are_0_and_unknown_ones_a_dash(
    workers: int | None, shown: str, projections: Any, tmp_path: Path
) -> None:
    bucket = {"label": "Manggar", "businesses": 1, "workers": workers, "workers_unknown": 0}
    counts = {"by": "kelurahan", "unit": "usaha", "source": "dasbor", "data_from": None, "data_to": None, "merged": 0}
    counts |= {"buckets": [bucket], "unknown": bucket | {"label": "Tidak diketahui"}, "total": 2}
    counts |= {"workers": workers, "workers_unknown": 0}
    with answering(lambda *_: (200, counts)) as url:
        projections(url)
        done = naikkelas_here("dashboard", home=tmp_path)
    rows = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert [row[-2] for row in rows] == [shown] * 3


def explained(pages: Iterator[tuple[int, int]]) -> Answer:
    """Return projections that tell, page by page, a total and how many businesses are on the page; two pages are all."""

    def answer(method: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
        total, count = next(pages)
        items = [{"business_id": f"{n:04}", "amount": 1, "events": []} for n in range(count)]
        following = None if "after" in query else "00000000-0000-0000-0000-000000000001"
        told = {"address": "jobs/x", "unit": "usaha", "total": total, "businesses": total}
        return 200, told | {"items": items, "next_after": following}

    return answer


@pytest.mark.parametrize(
    ("pages", "code", "said"),
    [
        ([(700, 500), (700, 200)], 0, ""),
        ([(700, 500), (701, 200), (701, 500), (701, 201)], 0, ""),
        ([(700, 500), (700, 201), (701, 500), (701, 201)], 0, ""),
        ([(700, 500), (701, 200)] * 3, 0, "the number changed while its pages were read"),
        ([(700, 500), (700, 199)] * 3, 3, ""),
    ],
    ids=["still", "moved once", "moved back and forth", "always moving", "wrong"],
)
def test_pages_that_a_change_came_between_are_read_anew(
    pages: list[tuple[int, int]], code: int, said: str, projections: Any, tmp_path: Path
) -> None:
    rest = iter(pages)
    with answering(explained(rest)) as url:
        projections(url)
        done = naikkelas_here("explain", "jobs/x", "--limit", "1000", "--json", home=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (code, code == 0)
    assert said in done.stderr
    assert list(rest) == []


def test_a_page_that_is_wrong_by_itself_is_told_at_once(projections: Any, tmp_path: Path) -> None:
    answer = explained(iter([(700, 500)]))
    with answering(lambda method, path, query: answer(method, path, query | {"after": ""})) as url:
        projections(url)
        done = naikkelas_here("explain", "jobs/x", "--limit", "1000", home=tmp_path)
    assert done.returncode == 3
