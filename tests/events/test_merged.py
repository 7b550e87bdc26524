"""What a merged business had counts at the one that goes on: its licences and its exhibitions, until the merge is undone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.events.consumers import NAME, READ, TYPES, copy_on_facts
from shared.auth import Role
from shared.consumer import Definition
from shared.contracts.exhibitions import Criterion, CriterionKind
from shared.contracts.licensing import LicenceKind
from shared.contracts.registry import BusinessClass, BusinessMerged, BusinessMergeUndone, BusinessStatus
from shared.database import Pool
from shared.envelope import Event
from shared.wita import WITA
from tests.desk import NOON, Member, items
from tests.events.fair import FIRST_DAY, NOBODY_ASKED, Fair

DEFINITION = Definition(NAME, TYPES, copy_on_facts, READ)
WANTED = ("halal_sertifikat", "p_irt", "sni")
KINDS = tuple(map(LicenceKind, WANTED))
CRITERIA = (Criterion(code="resmi", kind=CriterionKind.LEGALITAS, weight=1, values=WANTED), *NOBODY_ASKED)
ON_THE_DAY = datetime.combine(FIRST_DAY, time(12), WITA)


def merged(fair: Fair, member: Member, into: Member) -> Event:
    """Return the fact that a business was merged into another."""
    return fair.story.event(BusinessMerged(business_id=member.business_id, into_id=into.business_id))


def undone(fair: Fair, member: Member, was_in: Member) -> Event:
    """Return the fact that this was a mistake."""
    fact = BusinessMergeUndone(
        business_id=member.business_id, from_id=was_in.business_id, status=BusinessStatus.TERVERIFIKASI
    )
    return fair.story.event(fact)


async def history(fair: Fair, application: UUID) -> dict[str, Any]:
    """Return what a curator is shown of the history behind an application."""
    shown = await fair.caller(Role.KURATOR).get(f"/applications/{application}")
    found: dict[str, Any] = shown.raise_for_status().json()["history"]
    return found


async def took_part(fair: Fair, *members: Member) -> None:
    """Let all of them take part in one exhibition."""
    exhibition = await fair.exhibition()
    booth = await fair.booth(exhibition, len(members))
    applications = [await fair.apply(exhibition, member) for member in members]
    await fair.curate(exhibition)
    for application in applications:
        await fair.place(application, booth)
        await fair.confirm(application)
    await fair.attend(exhibition, dict.fromkeys(applications, True), ON_THE_DAY)


async def test_a_curation_counts_the_licences_and_exhibitions_of_all_that_were_merged_into_the_applicant(
    fair: Fair,
) -> None:
    goes_on, first, second, stranger = await fair.members(4)
    await took_part(fair, goes_on, first)
    await took_part(fair, second, stranger)
    for member, kind in zip((goes_on, first, second), KINDS, strict=True):
        await fair.tell(*fair.licensed(member, kind))
    exhibition = await fair.exhibition(criteria=CRITERIA)
    await fair.booth(exhibition, 2)
    application = await fair.apply(exhibition, goes_on)
    seen = await history(fair, application)
    assert (seen["licences"], seen["helped"]) == ([WANTED[0]], 1)
    await fair.tell(merged(fair, first, second), merged(fair, second, goes_on))
    seen = await history(fair, application)
    # The two of one exhibition are one business now, that took part in it once.
    assert (seen["licences"], seen["helped"]) == (sorted(WANTED), 2)
    alone = await fair.apply(exhibition, stranger)
    await fair.curate(exhibition)
    assert (await fair.application(application)).scores == {"resmi": 10_000, "jarang": 2_500}
    assert (await fair.application(alone)).scores == {"resmi": 0, "jarang": 5_000}


async def test_a_merge_that_is_undone_gives_back_what_each_had(fair: Fair) -> None:
    goes_on, other = await fair.members(2)
    await took_part(fair, other)
    await fair.tell(*fair.licensed(other, KINDS[1]))
    exhibition = await fair.exhibition(criteria=CRITERIA)
    mine = await fair.apply(exhibition, goes_on)
    await fair.tell(merged(fair, other, goes_on))
    assert (await history(fair, mine))["licences"] == [WANTED[1]]
    await fair.tell(undone(fair, other, goes_on))
    seen = await history(fair, mine)
    assert (seen["licences"], seen["helped"]) == ([], 0)
    theirs = await history(fair, await fair.apply(exhibition, other))
    assert (theirs["licences"], theirs["helped"], theirs["status"]) == ([WANTED[1]], 1, "terverifikasi")


async def test_who_applied_before_the_merge_is_curated_as_the_business_that_goes_on(fair: Fair) -> None:
    first, second, goes_on, closed, into_closed = await fair.members(5)
    for member, kind in zip((first, second, goes_on), KINDS, strict=True):
        await fair.tell(*fair.licensed(member, kind))
    exhibition = await fair.exhibition(criteria=CRITERIA)
    await fair.booth(exhibition, 3)
    applied = [await fair.apply(exhibition, member) for member in (first, into_closed)]
    await fair.tell(merged(fair, first, second), merged(fair, second, goes_on), merged(fair, into_closed, closed))
    await fair.tell(fair.closed(closed))
    seen = await history(fair, applied[0])
    assert (seen["status"], seen["licences"]) == ("terverifikasi", sorted(WANTED))
    await fair.curate(exhibition)
    assert await fair.state_of(applied) == ["lolos", "ditolak"]
    assert (await fair.application(applied[0])).scores == {"resmi": 10_000, "jarang": 10_000}
    assert (await fair.application(applied[1])).cause == "usaha_tidak_aktif"
    await fair.check_whole()


async def test_of_two_that_applied_and_are_one_business_now_one_is_chosen(fair: Fair) -> None:
    goes_on, other, early, late, silent = await fair.members(5)
    exhibition = await fair.exhibition()
    await fair.booth(exhibition, 5)
    applied = [
        await fair.apply(exhibition, member, NOON + timedelta(seconds=number))
        for number, member in enumerate((other, goes_on, early, late))
    ]
    await fair.tell(merged(fair, other, goes_on), merged(fair, early, silent), merged(fair, late, silent))
    await fair.curate(exhibition)
    # The application of the one that goes on counts, also where it came later; where it did not apply, the first.
    assert await fair.state_of(applied) == ["ditolak", "lolos", "lolos", "ditolak"]
    assert [(await fair.application(item)).cause for item in (applied[0], applied[3])] == ["lainnya", "lainnya"]
    await fair.check_whole()


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_facts_of_several_businesses_in_any_order_and_twice_come_to_the_same(
    fair: Fair, order: tuple[int, ...]
) -> None:
    """``a`` went into ``b``, was itself again, and ``b`` went into ``a``: until the second is heard both seem to be in the other."""
    owners = [fair.story.owner() for _ in range(2)]
    businesses = [fair.business(owner.fact.aggregate_id) for owner in owners]
    await fair.deliver(DEFINITION, items(*owners, *businesses))
    a, b = (Member(o.fact.aggregate_id, u.fact.aggregate_id) for o, u in zip(owners, businesses, strict=True))
    exhibition = await fair.exhibition(criteria=CRITERIA)
    application = await fair.apply(exhibition, a)
    there = [merged(fair, a, b), undone(fair, a, b)]
    back = merged(fair, b, a)
    licence = fair.licensed(b, KINDS[2])
    batches = [there[:1], [back], list(licence)]
    for turn in order:
        await fair.deliver(DEFINITION, items(*batches[turn]))
        await history(fair, application)  # ends, whatever is heard so far
    await fair.deliver(DEFINITION, items(*there, back, *licence))
    await fair.deliver(DEFINITION, items(*licence, back, *there))
    assert (await history(fair, application))["licences"] == [WANTED[2]]


async def test_of_a_merge_in_one_batch_with_more_only_the_last_word_counts(fair: Fair) -> None:
    a, b = await fair.members(2)
    await fair.tell(merged(fair, a, b), undone(fair, a, b))
    assert await copied(fair.pool, a) == ("terverifikasi", None)
    await fair.tell(
        merged(fair, a, b), fair.story.class_changed(a.business_id, BusinessClass.MIKRO, BusinessClass.KECIL)
    )
    assert await copied(fair.pool, a) == ("digabung", b.business_id)
    await fair.tell(fair.story.class_changed(a.business_id, BusinessClass.KECIL, BusinessClass.MENENGAH))
    assert await copied(fair.pool, a) == ("digabung", b.business_id)


async def copied(pool: Pool, member: Member) -> tuple[str, UUID | None]:
    """Return how the copy has a business: its status, and what it went into."""
    row = await pool.fetchrow(
        "SELECT status, merged_into FROM business_copy WHERE business_id = $1", member.business_id
    )
    assert row is not None
    return row["status"], row["merged_into"]


async def test_a_curation_of_thousands_looks_each_merged_business_up_by_index(fair: Fair) -> None:
    """Also where the planner has no statistics: the plan of the look-up reads no table from end to end."""
    await fair.pool.execute(
        "INSERT INTO business_copy (business_id, owner_ids, kelurahan, kelas, status, version) "
        "SELECT gen_random_uuid(), '{}', '64.71.01.1001', 'mikro', 'terverifikasi', 1 FROM generate_series(1, 20000)"
    )
    read = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'business_copy'"
    async with fair.pool.acquire() as connection, connection.transaction():
        ids = [row["business_id"] for row in await connection.fetch("SELECT business_id FROM business_copy LIMIT 500")]
        before = await connection.fetchrow(read)
        found = await connection.fetch("SELECT businesses_in(id) AS ids FROM unnest($1::uuid[]) AS id", ids)
        after = await connection.fetchrow(read)
    assert [row["ids"] for row in found] == [[one] for one in ids]
    assert before is not None
    assert after is not None
    assert (after["seq_scan"] - before["seq_scan"], after["idx_scan"] - before["idx_scan"]) == (0, 500)
