"""An end that is announced is of a type that is published, and names what goes on beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from shared.contracts import CONTRACTS
from shared.contracts.endings import ENDINGS, Ending
from shared.contracts.registry import BusinessRegistered, BusinessVerified

VERIFIED = BusinessVerified.type_name()
REGISTERED = BusinessRegistered.type_name()


def misnamed(endings: Mapping[str, Ending]) -> list[str]:
    """Return what is wrong with ends: nobody would be refused, or agencies would be sent to a type that does not follow."""
    found = []
    for name, ending in endings.items():
        old, new = CONTRACTS.get(name), CONTRACTS.get(ending.successor)
        if old is None:
            found.append(f"{name} is no type")
        elif new is None:
            found.append(f"{ending.successor} is no type")
        elif (new.NAME, new.TOPIC) != (old.NAME, old.TOPIC) or new.MAJOR <= old.MAJOR:
            found.append(f"{ending.successor} is no later major of {name}")
    return found


def test_every_announced_end_is_of_a_type_and_names_a_later_major() -> None:
    assert misnamed(ENDINGS) == []


@pytest.mark.parametrize(
    ("name", "successor", "said"),
    [
        ("id.go.balikpapan.umkm.business.verfied.v1", VERIFIED, "verfied.v1 is no type"),
        (VERIFIED, f"{VERIFIED[:-1]}9", "v9 is no type"),
        (VERIFIED, REGISTERED, "is no later major"),
        (VERIFIED, VERIFIED, "is no later major"),
    ],
)
def test_a_wrong_one_is_found(name: str, successor: str, said: str) -> None:
    (found,) = misnamed({name: Ending(date(2027, 3, 1), successor)})
    assert said in found


def test_a_later_major_of_the_same_fact_may_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    class Second(BusinessVerified):
        MAJOR = 2

    monkeypatch.setitem(CONTRACTS, Second.type_name(), Second)
    assert misnamed({VERIFIED: Ending(date(2027, 3, 1), Second.type_name())}) == []
