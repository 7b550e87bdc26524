"""The criterion of licences: the share of those asked for that are valid on the first day, by facts that others own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.consumers import NAME, READ, TYPES, copy_on_facts
from services.events.domain import curation
from services.events.domain.models import History
from shared.auth import Role
from shared.consumer import Definition
from shared.contracts.exhibitions import Criterion, CriterionKind
from shared.contracts.licensing import (
    LicenceExpired,
    LicenceExpiring,
    LicenceKind,
    LicenceRejected,
    LicenceRevoked,
)
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.envelope import Event
from tests.desk import Member, items
from tests.events.fair import FIRST_DAY, Fair

K = LicenceKind
DEFINITION = Definition(NAME, TYPES, copy_on_facts, READ)
WANTED = ("halal_sertifikat", "p_irt")
CRITERIA = (Criterion(code="resmi", kind=CriterionKind.LEGALITAS, weight=1, values=WANTED),)
EVE, MORROW = FIRST_DAY - timedelta(days=1), FIRST_DAY + timedelta(days=1)


def revoked(fair: Fair, granted: Event, on: date) -> Event:
    return fair.of_licence(granted, LicenceRevoked, cause="dicabut_penerbit", revoked_on=on)


def has(fair: Fair, member: Member, story: str) -> list[Event]:
    """Return the facts of one business's licences."""
    if story == "asked for only":
        return [fair.licensed(member, K.P_IRT)[0]]
    if story == "rejected":
        asked = fair.licensed(member, K.P_IRT)[0]
        fair.story._sequences[asked.fact.aggregate_id] = 1  # it was never granted
        return [asked, fair.of_licence(asked, LicenceRejected, cause="nomor_tidak_ditemukan")]
    if story.startswith("revoked"):
        pair = fair.licensed(member, K.P_IRT)
        on = {"revoked the day before": EVE, "revoked that day": FIRST_DAY, "revoked the day after": MORROW}[story]
        return [*pair, revoked(fair, pair[1], on)]
    if story == "told that it ran out":
        pair = fair.licensed(member, K.P_IRT, expires_on=EVE)
        told = {"expires_on": EVE, "span": 7, "days_left": 3}
        return [
            *pair,
            fair.of_licence(pair[1], LicenceExpiring, **told),
            fair.of_licence(pair[1], LicenceExpired, expires_on=EVE),
        ]
    if story == "renewed":
        return [*fair.licensed(member, K.P_IRT, expires_on=EVE), *fair.licensed(member, K.P_IRT, valid_from=FIRST_DAY)]
    licences: dict[str, tuple[tuple[LicenceKind, dict[str, Any]], ...]] = {
        "nothing": (),
        "one of two": ((K.P_IRT, {}),),
        "both": ((K.P_IRT, {}), (K.HALAL_SERTIFIKAT, {"expires_on": FIRST_DAY})),
        "a statement is no certificate": ((K.HALAL_PERNYATAAN, {}),),
        "the same twice": ((K.P_IRT, {}), (K.P_IRT, {})),
        "until the day before": ((K.P_IRT, {"expires_on": EVE}),),
        "until that day": ((K.P_IRT, {"expires_on": FIRST_DAY}),),
        "from the day after": ((K.P_IRT, {"valid_from": MORROW}),),
    }
    return [event for kind, days in licences[story] for event in fair.licensed(member, kind, **days)]


SCORES = {
    "nothing": 0,
    "asked for only": 0,
    "rejected": 0,
    "one of two": 5000,
    "both": 10000,
    "a statement is no certificate": 0,
    "the same twice": 5000,
    "until the day before": 0,
    "until that day": 5000,
    "from the day after": 0,
    "revoked the day before": 0,
    "revoked that day": 0,
    "revoked the day after": 5000,
    "told that it ran out": 0,
    "renewed": 5000,
}


@pytest.mark.parametrize("late", [False, True])
async def test_the_score_is_the_share_of_the_wanted_licences_valid_on_the_first_day(fair: Fair, late: bool) -> None:
    exhibition = await fair.exhibition(criteria=CRITERIA)
    await fair.booth(exhibition, len(SCORES))
    members = dict(zip(SCORES, await fair.members(len(SCORES)), strict=True))
    applications: dict[str, UUID] = {}
    for story, member in members.items():
        facts = has(fair, member, story)
        # Facts of one licence come in order; where they are late, each comes in a batch of its own.
        for batch in [facts] if not late else [[fact] for fact in facts]:
            await fair.tell(*batch)
        applications[story] = await fair.apply(exhibition, member)
    curator = fair.caller(Role.KURATOR)
    shown = (await curator.get(f"/applications/{applications['both']}")).json()
    assert shown["history"]["licences"] == list(WANTED)
    await fair.curate(exhibition)
    found = {story: (await fair.application(item)).scores for story, item in applications.items()}
    assert found == {story: {"resmi": score} for story, score in SCORES.items()}


async def test_facts_of_a_licence_twice_or_early_have_one_effect(fair: Fair) -> None:
    member = await fair.member()
    asked, granted = fair.licensed(member, K.SNI, valid_from=EVE, expires_on=MORROW)
    ended = revoked(fair, granted, MORROW)
    await fair.deliver(DEFINITION, items(ended, granted))
    assert await fair.pool.fetchval("SELECT count(*) FROM parked_event") == 2
    assert await fair.pool.fetchval("SELECT count(*) FROM licence_copy") == 0
    await fair.deliver(DEFINITION, items(asked))
    for _ in range(2):
        await fair.deliver(DEFINITION, items(granted, asked, ended))
    row = await fair.pool.fetchrow("SELECT verified, valid_from, expires_on, revoked_on, version FROM licence_copy")
    assert row is not None
    assert tuple(row) == (True, EVE, MORROW, MORROW, 3)
    assert await fair.pool.fetchval("SELECT count(*) FROM parked_event") == 0


KINDS = st.sampled_from([kind.value for kind in LicenceKind])


@given(wanted=st.lists(KINDS, min_size=1, unique=True), valid=st.frozensets(KINDS))
def test_each_wanted_licence_counts_the_same_and_others_count_nothing(wanted: list[str], valid: frozenset[str]) -> None:
    criterion = Criterion(code="resmi", kind=CriterionKind.LEGALITAS, weight=1, values=tuple(wanted))
    curation.check_criteria([criterion])
    history = History(BusinessStatus.TERVERIFIKASI, BusinessClass.MIKRO, 0, 0, valid)
    score = curation.score(criterion, history, {})
    assert abs(score - 10_000 * len(valid & set(wanted)) / len(wanted)) <= 0.5
    assert (score == 10_000) == (set(wanted) <= valid)
