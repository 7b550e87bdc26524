"""The model of outbox, relays and consumer holds in every state, and each decision that is taken away breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.model.spin import Search, SpinFailedError, SpinMissingError, missing, read, search

NO_OTHER_FAULT = ("TAKEOVERS=0", "RELAY_CRASHES=0", "CONSUMER_CRASHES=0")

needs_spin = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@needs_spin
def test_every_effect_is_there_once_and_in_order_in_every_state() -> None:
    found = search()
    assert (found.errors, found.violation) == (0, None)
    assert found.exhaustive
    assert found.states > 1_000_000


@needs_spin
@pytest.mark.parametrize(
    "defines",
    [
        # Of all faults only a paused relay that goes on: it publishes again what the other one published.
        pytest.param(("NO_POSITION_CHECK", "RELAY_CRASHES=0", "CONSUMER_CRASHES=0"), id="paused-relay"),
        pytest.param(("NO_POSITION_CHECK", "TAKEOVERS=0", "CONSUMER_CRASHES=0"), id="crashed-relay"),
        pytest.param(("NO_POSITION_CHECK", "TAKEOVERS=0", "RELAY_CRASHES=0"), id="redelivery"),
        pytest.param(("POSITION_APART", "TAKEOVERS=0", "RELAY_CRASHES=0"), id="position-apart-from-effect"),
    ],
)
def test_without_the_position_as_fence_an_effect_happens_twice(defines: tuple[str, ...]) -> None:
    found = search(defines)
    assert found.errors == 1
    assert found.violation is not None
    assert "log_sequence[at]==(effects" in found.violation
    assert found.trail


@needs_spin
@pytest.mark.parametrize(
    "defines",
    [
        pytest.param(("ID_CURSOR", *NO_OTHER_FAULT), id="id-cursor"),
        pytest.param(("STORE_FIRST", "TAKEOVERS=0", "CONSUMER_CRASHES=0"), id="cursor-stored-first"),
    ],
)
def test_a_relay_that_reads_or_stores_otherwise_loses_a_fact(defines: tuple[str, ...]) -> None:
    found = search(defines)
    assert found.errors == 1
    assert found.violation is not None
    assert "effects[0]==version[0]" in found.violation


@needs_spin
def test_a_paused_relay_that_goes_on_is_what_the_trail_shows() -> None:
    found = search(("NO_POSITION_CHECK", "RELAY_CRASHES=0", "CONSUMER_CRASHES=0"))
    steps = "\n".join(found.trail)
    assert "network" in steps
    assert "[owner = 2]" in steps


@needs_spin
def test_a_model_that_spin_cannot_read_is_no_result(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pml"
    broken.write_text("init { assert( }", encoding="utf-8")
    with pytest.raises(SpinFailedError, match="spin"):
        search(model=broken)


def test_a_missing_program_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpinMissingError, match=r"needs spin: not on the PATH \(Debian: apt-get install spin\)"):
        search()


CUT_SHORT = """error: max search depth too small
State-vector 124 byte, depth reached 99, errors: 0
   5.5e+06 states, stored
"""


def test_a_search_that_was_cut_short_is_not_exhaustive() -> None:
    assert Search(0, 5_500_000, 99, False, None, (), 2.0) == read(CUT_SHORT, "", 2.0)
    with pytest.raises(SpinFailedError, match="no result"):
        read("Segmentation fault", "", 0.1)
