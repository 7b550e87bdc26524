"""Every promise once, on platforms of their own processes: the short form of ``make prove``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proof.promises import PROMISES, Promise
from proof.report import NOT_RUN, Row, sentence
from tests.proof.sides import SEED, Outcomes, side_by_side

QUICK = [promise for promise in PROMISES if promise.quick]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """Begin with the promises that were chosen, and return what will have come of each."""
    chosen = {item.name for item in request.session.items}
    wanted = [promise for promise in QUICK if f"{test_promise_holds.__name__}[{promise.number}]" in chosen]
    with side_by_side([promise for promise in wanted if promise.missing() is None]) as found:
        yield found


@pytest.mark.timeout(1_200)  # the first that is asked for may be the last that is run; each alone is bounded
@pytest.mark.parametrize("promise", QUICK, ids=lambda promise: promise.number)
def test_promise_holds(outcomes: Outcomes, promise: Promise) -> None:
    if (lack := promise.missing()) is not None:
        pytest.skip(lack)
    outcome = outcomes[promise.number].result()
    assert outcome.ok, sentence(Row(promise, [outcome], [SEED]))


def test_each_promise_is_run_or_it_is_said_why_not() -> None:
    run = {promise.number.rstrip("abcd") for promise in QUICK}
    assert run | set(NOT_RUN) == {f"P{number}" for number in range(1, 25)}
    assert not run & set(NOT_RUN)
