"""What ``naikkelas demo --agency`` counts as wrong."""

from __future__ import annotations

import pytest

from ops.demo.agency import Result, judge
from ops.demo.bureau import GRANTS
from ops.demo.examples import Seen

REGISTERED, VERIFIED = GRANTS
WANTED = [("a", "s", 1), ("b", "s", 3), ("c", "t", 1)]


def seen(event_id: str, subject: str, sequence: int, type_name: str = REGISTERED, **more: object) -> Seen:
    """Return an event with exactly the granted fields, and more."""
    return Seen(event_id, subject, sequence, type_name, dict.fromkeys(GRANTS.get(type_name, ())) | more)


RIGHT = [seen("a", "s", 1), seen("c", "t", 1), seen("b", "s", 3, VERIFIED)]


@pytest.mark.parametrize(
    ("kept", "counts"),
    [
        (RIGHT, (0, 0, 0, 0)),
        (RIGHT[:2], (1, 0, 0, 0)),
        ([*RIGHT, RIGHT[1]], (0, 1, 0, 0)),
        (RIGHT[::-1], (0, 0, 1, 0)),
        ([*RIGHT, seen("d", "u", 1)], (0, 0, 0, 1)),
        ([RIGHT[0], seen("c", "t", 1, sales=36_000_000), RIGHT[2]], (0, 0, 0, 1)),
        ([RIGHT[0], seen("c", "t", 1, "id.go.balikpapan.umkm.business.returned.v1"), RIGHT[2]], (0, 0, 0, 1)),
    ],
)
def test_missing_repeated_disordered_and_ungranted_events_are_told(
    kept: list[Seen], counts: tuple[int, int, int, int]
) -> None:
    result = Result("x", "feed", held_back=1)
    judge(result, kept, WANTED)
    assert (result.missing, result.repeated, result.disordered, result.ungranted) == counts
    assert result.ok == (counts == (0, 0, 0, 0))


def test_who_was_not_tried_was_not_stopped_or_got_nothing_did_not_hold() -> None:
    good = Result("x", "feed", events=3, held_back=1, stopped_seconds=4.9)
    assert good.ok
    assert not Result("x", "feed", lacks="needs kcat", events=3, held_back=1).ok
    assert not Result("x", "feed", events=3, held_back=1, stopped_seconds=5.1).ok
    assert not Result("x", "feed", events=3, held_back=0).ok
    assert not Result("x", "feed", events=0, held_back=1).ok
