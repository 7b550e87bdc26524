"""What the other services tell: every fact has its place, and no order between streams changes what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from services.projections.commands import Projection
from services.projections.domain import outcome, turnover
from services.projections.domain.keeping import fold
from services.projections.domain.making import MAKINGS, TOPICS, TYPES, belonging, by_topic
from services.projections.domain.names import CAUSE_NAMES
from services.projections.domain.sentences import sentence
from services.projections.domain.service_sentences import WRITERS
from services.projections.domain.service_timeline import TOPICS as TOLD
from services.projections.domain.service_timeline import service_rows
from services.projections.domain.trusted import read_trusted
from services.projections.reference import load_places
from shared.contracts import CONTRACTS
from shared.contracts.exhibitions import ApplicationCause, SalesReported
from shared.contracts.licensing import LicenceCause
from shared.contracts.mentoring import MentoringCause
from shared.contracts.organisations import BrandCause
from shared.contracts.registry import BUSINESS_TOPIC
from shared.contracts.training import LeavingCause, RevocationCause
from shared.envelope import Event, headers_of, to_kafka
from tests.projections.service_stories import service_streams
from tests.projections.stories import interleaved, random_story

PLACES = load_places()
BUSINESSES = tuple(UUID(int=0x0192F0C0_0000_7000_8000_0000_0000_9900 + number) for number in range(3))
NEW = tuple(name for name in Projection if MAKINGS[name].topics != (BUSINESS_TOPIC,))
SECRETS = ("nk1.", "450000", "550000", "UJI-", "pendamping-")
"""What must not be copied: seals, what one business sold, numbers of certificates, accounts."""


def everything(seed: int) -> list[list[Event]]:
    return service_streams(seed, BUSINESSES)


def rows_after(name: Projection, batches: Sequence[Sequence[Event]]) -> set[tuple[Any, ...]]:
    """Return the rows of a projection after some batches, as the database would hold them."""
    making = MAKINGS[name]
    kept: dict[str, Any] = {}
    told: set[tuple[Any, ...]] = set()
    for batch in batches:
        mine = belonging(making, by_topic(batch))
        if making.tell is not None:
            told |= {tuple(row) for row in making.tell(mine)}
        elif making.evolve is not None:
            kept |= fold(kept, mine, making.evolve)
    return told | {astuple(row) for row in kept.values()}


def cut(events: Sequence[Event], edges: set[int]) -> list[list[Event]]:
    places = [0, *sorted(edge for edge in edges if edge < len(events)), len(events)]
    return [list(events[start:end]) for start, end in pairwise(places)]


@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000), cuts=st.sets(st.integers(1, 150), max_size=8))
def test_every_interleaving_and_every_split_gives_the_same_rows(seed: int, order: int, cuts: set[int]) -> None:
    streams = everything(seed)
    one_after_the_other = [list(stream) for stream in streams]
    mixed = cut(list(interleaved(streams, order)), cuts)
    for name in NEW:
        assert rows_after(name, mixed) == rows_after(name, one_after_the_other)


@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000))
def test_facts_that_come_twice_change_nothing(seed: int, order: int) -> None:
    streams = everything(seed)
    once = list(interleaved(streams, order))
    for name in NEW:
        assert rows_after(name, [once, list(interleaved(streams, order + 1))]) == rows_after(name, [once])


def test_every_type_that_is_read_is_told_by_the_stories() -> None:
    told = {event.meta.type for seed in range(60) for stream in everything(seed) for event in stream}
    told |= {event.meta.type for seed in range(300) for event in random_story(seed, 6)}
    assert told == TYPES


@pytest.mark.parametrize("name", NEW)
def test_a_fact_read_without_checking_gives_the_rows_of_one_that_was_checked(name: Projection) -> None:
    making = MAKINGS[name]
    for stream in everything(4):
        before: Any = None
        trusted_before: Any = None
        for event in belonging(making, by_topic(stream)):
            _, value, headers = to_kafka(event)
            trusted = read_trusted(event.meta.type, event.meta.sequence, headers_of(headers), value)
            if making.tell is not None:
                assert [_plain(row) for row in making.tell([trusted])] == [_plain(row) for row in making.tell([event])]
            elif making.evolve is not None:
                before, trusted_before = making.evolve(before, event), making.evolve(trusted_before, trusted)
                assert before == trusted_before


def _plain(row: Sequence[Any]) -> list[Any]:
    return [str(value) if isinstance(value, UUID) else value for value in row]


def test_every_fact_about_a_business_is_a_sentence_of_its_own() -> None:
    names = {fact.NAME for fact in CONTRACTS.values() if fact.TOPIC in TOLD} - {"outlet.opened"}
    assert set(WRITERS) == names
    for seed in range(80):
        for stream in everything(seed):
            for row in _timeline(stream):
                if row.name == "outlet.opened":  # about no business, so nobody reads it
                    continue
                text = sentence(row.name, orjson.loads(row.detail) if row.detail else None, PLACES)
                assert text.endswith(".")
                assert "None" not in text
                assert not text.startswith("Peristiwa tercatat")


def test_every_fact_has_a_row_and_none_tells_what_is_not_for_all() -> None:
    for seed in range(30):
        for stream in everything(seed):
            rows = _timeline(stream)
            if stream[0].fact.TOPIC in TOLD:
                assert {row.sequence for row in rows} == {event.meta.sequence for event in stream}
            for row in rows:
                assert not any(secret in (row.detail or "") for secret in SECRETS)


def _timeline(stream: Sequence[Event]) -> list[Any]:
    return [row for event in stream if event.fact.TOPIC in TOLD for row in service_rows(event)]


def test_a_turn_of_a_rota_is_told_of_each_business_once() -> None:
    for seed in range(20):
        outlet = everything(seed)[-1]
        rows = _timeline(outlet)
        opened = {row.business_id for row in rows if row.name == "outlet.turn_opened"}
        assert len([row for row in rows if row.name == "outlet.turn_opened"]) == len(opened)
        assert next(row for row in rows if row.name == "outlet.opened").business_id == outlet[0].fact.aggregate_id


@pytest.mark.parametrize(
    "causes", [ApplicationCause, BrandCause, LeavingCause, LicenceCause, MentoringCause, RevocationCause]
)
def test_every_cause_is_named(causes: Any) -> None:
    assert {cause.value for cause in causes} <= CAUSE_NAMES.keys()


def test_every_fact_of_trainings_and_exhibitions_has_a_step_or_says_nothing_that_is_counted() -> None:
    silent = {
        "course.quota_changed",
        "booth.opened",
        "booth.capacity_changed",
        "exhibition.curated",
        "sales.corrected",
    }
    for rules, topics in ((outcome._STEPS, outcome.TOPICS), (turnover._STEPS, turnover.TOPICS)):
        names = {fact.NAME for fact in CONTRACTS.values() if fact.TOPIC in topics}
        assert names - rules.keys() <= silent
        assert rules.keys() <= names


def test_no_amount_of_one_business_is_kept() -> None:
    for seed in range(30):
        events = [event for stream in everything(seed) for event in stream]
        sold = {event.fact.amount for event in events if isinstance(event.fact, SalesReported)}
        for name in NEW:
            assert not sold & {value for row in rows_after(name, [events]) for value in row if isinstance(value, int)}


def test_the_makings_are_those_of_all_projections() -> None:
    assert set(MAKINGS) == set(Projection)
    assert len(set(TOPICS)) == len(TOPICS)
