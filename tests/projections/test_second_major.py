"""A fact in two majors, which are nowhere but here: told once by each projection, live and by a rebuild from the first event on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import ClassVar
from uuid import UUID

import pytest

from services.projections.domain import making
from services.projections.domain.making import NAMES, TOPICS
from services.projections.domain.timeline import BEFORE_ALL
from services.projections.store.reads import timeline_page
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessClass, BusinessClassChanged
from shared.database import Pool
from shared.envelope import Event
from shared.majors import Majors
from tests.projections.rebuilds import Bench
from tests.projections.stories import EVIDENCE, START, class_record, event, registered
from tests.projections.test_batches import LIVE, SOUND, effects, tables


class BusinessClassChangedAnew(BusinessClassChanged):
    """A second major that is nowhere but here."""

    MAJOR: ClassVar[int] = 2


FIRST, SECOND = BusinessClassChanged.type_name(), BusinessClassChangedAnew.type_name()
STEPS = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH, BusinessClass.KECIL) * 3
BOTH, ENDED = START + timedelta(days=10), START + timedelta(days=20)
SINCE = START + timedelta(days=15)
"""The second major is published from ``BOTH`` on, the first until ``ENDED``; between them the projections go over, told so before."""
CHANGES = len(STEPS) - 1


def majors_at(time: datetime) -> tuple[type[BusinessClassChanged], ...]:
    """Return in which majors a change is published."""
    if time < BOTH:
        return (BusinessClassChanged,)
    return (BusinessClassChanged, BusinessClassChangedAnew) if time < ENDED else (BusinessClassChangedAnew,)


def life(business_id: UUID) -> Iterator[Event]:
    """Yield the events of a business whose class changes every third day."""
    facts: list[tuple[Fact, datetime]] = [(registered(business_id), START)]
    for number, (before, after) in enumerate(pairwise(STEPS), 1):
        time = START + timedelta(days=3 * number)
        said = {"previous": class_record(before), "current": class_record(after, 2026), "evidence": EVIDENCE[2]}
        facts += [(major(business_id=business_id, **said), time) for major in majors_at(time)]
    for sequence, (fact, time) in enumerate(facts, 1):
        made = event(fact, sequence)
        yield made._replace(meta=made.meta._replace(time=time))


BUSINESSES = [UUID(int=0x0192F0C0_0000_7000_8000_0000_0000_9900 + number) for number in range(4)]
LIVES = [list(life(business_id)) for business_id in BUSINESSES]


def one_of_each(monkeypatch: pytest.MonkeyPatch, gone_over: dict[type[Fact], datetime]) -> None:
    """Let the projections run the code of before, or of after, they went over."""
    majors = Majors(TOPICS, gone_over)
    monkeypatch.setattr(making, "MAJORS", majors)
    for module in ("services.projections.handlers.loading", "services.projections.handlers.rebuilding"):
        monkeypatch.setattr(f"{module}.TYPES", majors.types)
    monkeypatch.setattr("tests.projections.rebuilds.LIVE", replace(LIVE, types=majors.types))


def places_inside(events: list[Event]) -> list[int]:
    """Return the places in the log between the two facts of a change."""
    return [place for place, each in enumerate(events) if each.meta.type == SECOND and each.meta.time < SINCE]


@pytest.mark.parametrize("split", [0, 1, 2])
async def test_each_change_counts_once_live_and_in_a_rebuild_that_still_reads_the_first_major(
    bench: Bench, pool: Pool, monkeypatch: pytest.MonkeyPatch, split: int
) -> None:
    monkeypatch.setitem(CONTRACTS, SECOND, BusinessClassChangedAnew)
    story = sorted(chain(*LIVES), key=lambda each: (each.meta.time, each.meta.subject, each.meta.sequence))
    bench.log.publish(story)
    one_of_each(monkeypatch, {})
    await bench.go_on(len(bench.log.order) - len(story) + places_inside(story)[split])
    one_of_each(monkeypatch, {BusinessClassChangedAnew: SINCE})  # the worker is exchanged in the middle of a change
    await bench.go_on()
    live = await tables(bench.auditor)
    counted = "SELECT count(*) FROM {} WHERE business_id = $1"
    for business_id, told in zip(BUSINESSES, LIVES, strict=True):
        assert await pool.fetchval(counted.format("class_history"), business_id) == 1 + CHANGES
        assert await pool.fetchval(counted.format("class_funnel"), business_id) == 1 + CHANGES
        assert await pool.fetchval(counted.format("business_timeline"), business_id) == len(told) > 1 + CHANGES
        assert len(await timeline_page(pool, business_id, BEFORE_ALL, 100)) == 1 + CHANGES
    assert await effects(bench.auditor) == SOUND
    result = await bench.rebuild()
    assert (result.equal, result.swapped) == (True, True)
    assert await tables(bench.auditor) == live
    assert await effects(bench.auditor) == SOUND
    assert {FIRST, SECOND} & making.MAJORS.reads(NAMES, ENDED) == {SECOND}
