"""Every promise once, on platforms of their own processes: the short form of ``make prove``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from proof.leftovers import place
from proof.promises import PROMISES, Promise, prove
from proof.report import NOT_RUN, Row, sentence
from proof.rig import SHORT, Rig

SEED = 7
QUICK = [promise for promise in PROMISES if promise.quick]
Platform = Callable[[], Rig]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """Return the platform that the promises are tried on, one after another; a spoilt one is followed by a new one."""
    with ExitStack() as running:
        rigs: list[Rig] = []

        def get() -> Rig:
            if not rigs or rigs[-1].spoilt:
                running.close()
                rigs.append(running.enter_context(Rig(running.enter_context(place()))))
            return rigs[-1]

        yield get


@pytest.mark.timeout(240)
@pytest.mark.parametrize("promise", QUICK, ids=lambda promise: promise.number)
def test_promise_holds(platform: Platform, promise: Promise) -> None:
    if (lack := promise.missing()) is not None:
        pytest.skip(lack)
    outcome = asyncio.run(prove(platform(), promise, SHORT, SEED))
    assert outcome.ok, sentence(Row(promise, [outcome], [SEED]))


def test_each_promise_is_run_or_it_is_said_why_not() -> None:
    run = {promise.number.rstrip("abcd") for promise in QUICK}
    assert run | set(NOT_RUN) == {f"P{number}" for number in range(1, 25)}
    assert not run & set(NOT_RUN)
