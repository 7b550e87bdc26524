"""Which of two majors of a fact a consumer tells, by the time of the fact alone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.registry import BUSINESS_TOPIC, BusinessSubmitted, BusinessVerified
from shared.envelope import Event, EventMeta
from shared.majors import SILENT, Majors, names_of

BUSINESS = UUID(int=9900)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
LATER = SINCE + timedelta(days=300)
MOMENT = timedelta(microseconds=1)


class VerifiedAnew(BusinessVerified):
    """A second major that is nowhere but here."""

    MAJOR: ClassVar[int] = 2


class VerifiedOnceMore(BusinessVerified):
    """And a third."""

    MAJOR: ClassVar[int] = 3


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish three majors of one fact."""
    for fact in (VerifiedAnew, VerifiedOnceMore):
        monkeypatch.setitem(CONTRACTS, fact.type_name(), fact)


def event(fact: type[Fact], time: datetime) -> Event:
    meta = EventMeta(BUSINESS, fact.type_name(), "/uji", str(BUSINESS), time, 1, "", None, "command", None)
    return Event(meta, fact.model_validate({"business_id": BUSINESS}))


def told(majors: Majors, time: datetime) -> list[int]:
    """Return the majors that are told of a change that is published in all three."""
    events = [event(fact, time) for fact in (BusinessVerified, VerifiedAnew, VerifiedOnceMore)]
    return [settled.fact.MAJOR for settled in majors.settle(events) if settled.fact.NAME != SILENT]


def test_a_newer_major_says_nothing_until_the_consumer_goes_over() -> None:
    assert told(Majors([BUSINESS_TOPIC]), LATER) == [1]


def test_of_every_change_exactly_one_major_is_told_by_its_time() -> None:
    majors = Majors([BUSINESS_TOPIC], {VerifiedOnceMore: LATER, VerifiedAnew: SINCE})
    moments = (SINCE - MOMENT, SINCE, LATER - MOMENT, LATER)
    assert [told(majors, moment) for moment in moments] == [[1], [2], [2], [3]]


def test_what_is_only_counted_keeps_its_place_and_its_ids() -> None:
    (settled,) = Majors([BUSINESS_TOPIC]).settle([event(VerifiedAnew, SINCE)])
    assert (settled.meta.sequence, settled.fact.business_id, settled.fact.TOPIC) == (1, BUSINESS, BUSINESS_TOPIC)
    assert not isinstance(settled.fact, BusinessVerified)


def test_an_ended_major_is_understood_for_good_and_read_no_more() -> None:
    majors = Majors([BUSINESS_TOPIC], {VerifiedAnew: SINCE})
    names, types = names_of(BusinessVerified), [it.type_name() for it in (BusinessVerified, VerifiedAnew)]
    assert majors.reads(names, SINCE - MOMENT) == set(types)
    assert majors.reads(names, SINCE) == {types[1]}
    assert {*types, BusinessSubmitted.type_name()} <= majors.types
