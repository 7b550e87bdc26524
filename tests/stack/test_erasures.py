"""``naikkelas erasures``: every request is looked at, on whatever page of the registry it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stack.answering import Answer, answering
from tests.stack.commanding import naikkelas_here


def requests(late: int | None, count: int = 450) -> Answer:
    """Return a registry with so many requests, page by page; one is late."""
    items = [
        {"id": str(n), "owner_id": f"o{n}", "state": "selesai", "due": "2026-11-25", "overdue": n == late}
        for n in range(count)
    ]

    def answer(method: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
        assert (method, path) == ("GET", "/erasure-requests")
        start, limit = int(query.get("after", -1)) + 1, int(query["limit"])
        page = [item for item in items[start:] if query["overdue"] == "false" or item["overdue"]]
        return 200, {"items": page[:limit], "next": page[limit - 1]["id"] if len(page) > limit else None}

    return answer


@pytest.mark.parametrize(("late", "code"), [(0, 3), (449, 3), (None, 0)])
def test_one_that_is_late_is_told_whatever_page_it_stands_on(late: int | None, code: int, tmp_path: Path) -> None:
    with answering(requests(late)) as url:
        done = naikkelas_here("erasures", "--json", "--url", url, "--token", "t", home=tmp_path)
    assert done.returncode == code
    assert [item["id"] for item in json.loads(done.stdout)] == [str(n) for n in range(450)]


def test_a_list_that_is_cut_short_says_so_and_ends_as_the_whole(tmp_path: Path) -> None:
    with answering(requests(449)) as url:
        done = naikkelas_here("erasures", "--limit", "5", "--url", url, "--token", "t", home=tmp_path)
        late = naikkelas_here("erasures", "--overdue", "--json", "--url", url, "--token", "t", home=tmp_path)
    assert done.returncode == late.returncode == 3
    assert len(done.stdout.splitlines()) == 6
    assert "445 more" in done.stderr
    assert [item["id"] for item in json.loads(late.stdout)] == ["449"]
