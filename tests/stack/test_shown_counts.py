"""What the command shows of the projections' counts: 0 is 0, and what moved while it was read is no fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stack.answering import answering
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
