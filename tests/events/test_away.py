"""Businesses that are away, closed or at rest or merged into another one, are given no place and no turn meanwhile."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.events.domain.refusals import NoMembersError
from services.events.handlers import placing
from shared.contracts.registry import (
    BusinessDeactivated,
    BusinessReactivated,
    BusinessStatus,
    ReasonPersonal,
)
from shared.envelope import Event
from shared.sealing import seal
from tests.desk import Member, cause
from tests.events.fair import DECIDED, Fair
from tests.events.test_merged import merged, undone
from tests.events.test_outlets import holders, open_outlet, open_turn, pass_on
from tests.events.test_places import change_capacity


def at_rest(fair: Fair, member: Member) -> Event:
    """Return the fact that a business rests."""
    reason = seal(fair.keys.key(member.owner_id), member.owner_id, ReasonPersonal(reason="istirahat"))
    return fair.story.event(BusinessDeactivated(business_id=member.business_id, personal=reason))


def back(fair: Fair, member: Member) -> Event:
    """Return the fact that its rest is over."""
    return fair.story.event(BusinessReactivated(business_id=member.business_id, status=BusinessStatus.TERVERIFIKASI))


async def member_of(fair: Fair, application: UUID) -> Member:
    found = await fair.application(application)
    return Member(found.owner_id, found.business_id)


async def test_who_is_away_is_passed_over_in_the_reserve(fair: Fair) -> None:
    _, booth, (first, second, shut, gone_into_shut, resting, there, last) = await fair.curated(2, 7)
    await fair.place(first, booth)
    closed = await member_of(fair, shut)
    await fair.tell(
        fair.closed(closed),
        merged(fair, await member_of(fair, gone_into_shut), closed),
        at_rest(fair, await member_of(fair, resting)),
    )
    await fair.withdraw(first)
    assert (await fair.application(there)).booth_id == booth
    await change_capacity(fair, booth, 3)
    await fair.tell(back(fair, await member_of(fair, resting)))
    await fair.withdraw(second)
    assert await fair.state_of([shut, gone_into_shut, resting, last]) == ["cadangan", "cadangan", "lolos", "lolos"]
    await fair.check_whole()


async def test_who_is_away_gets_no_place_with_the_others_and_one_who_was_merged_gets_it(fair: Fair) -> None:
    exhibition, _, (shut, resting, into_another, there) = await fair.curated(4, 4)
    rests = await member_of(fair, resting)
    await fair.tell(
        fair.closed(await member_of(fair, shut)),
        at_rest(fair, rests),
        merged(fair, await member_of(fair, into_another), await fair.member()),
    )

    async def placed() -> list[UUID]:
        return [item.id for item in await fair.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED)))]

    assert await placed() == [into_another, there]
    await fair.tell(back(fair, rests))
    assert await placed() == [resting]
    await fair.check_whole()


@pytest.mark.parametrize(("gone", "promoted"), [(True, 2), (False, 1)])
async def test_nothing_is_kept_for_who_closed_for_good_but_for_who_rests(fair: Fair, gone: bool, promoted: int) -> None:
    _, booth, (away, _, *reserve) = await fair.curated(2, 4)
    member = await member_of(fair, away)
    await fair.tell(fair.closed(member) if gone else at_rest(fair, member))
    await change_capacity(fair, booth, 3)
    assert await fair.state_of(reserve) == ["lolos"] * promoted + ["cadangan"] * (2 - promoted)
    await fair.check_whole()


async def test_who_is_away_has_no_turn_at_an_outlet_and_keeps_the_membership(fair: Fair) -> None:
    outlet, members = await open_outlet(fair, 1, 4)
    first, second, third, fourth = [member.business_id for member in members]
    await fair.tell(fair.closed(members[0]), at_rest(fair, members[1]))
    await open_turn(fair, outlet, 0)
    assert await holders(fair, outlet, 1) == {third}
    await pass_on(fair, outlet, 1, third)
    assert await holders(fair, outlet, 1) == {fourth}
    await fair.tell(back(fair, members[1]))
    await open_turn(fair, outlet, 1)
    assert await holders(fair, outlet, 2) == {second}
    assert first not in {business for turn in (1, 2) for business in await holders(fair, outlet, turn)}
    await fair.tell(*(at_rest(fair, member) for member in members[1:]))
    with pytest.raises(NoMembersError, match="tidak memiliki anggota giliran yang usahanya aktif"):
        await open_turn(fair, outlet, 2)
    await fair.check_whole()


@pytest.mark.parametrize("survivor", [0, 1])
async def test_two_members_that_are_one_business_now_have_one_turn_until_the_merge_is_undone(
    fair: Fair, survivor: int
) -> None:
    outlet, members = await open_outlet(fair, 2, 4)
    ids = [member.business_id for member in members]
    goes_on, gone = members[survivor], members[1 - survivor]
    await fair.tell(merged(fair, gone, goes_on))
    for week in range(3):
        await open_turn(fair, outlet, week)
    # Three businesses at two stalls: in three turns each has two.
    had = [await holders(fair, outlet, turn) for turn in (1, 2, 3)]
    assert had == [{goes_on.business_id, ids[2]}, {ids[3], goes_on.business_id}, {ids[2], ids[3]}]
    # Who gives a turn up is not given it again under another name.
    await open_turn(fair, outlet, 3)
    await pass_on(fair, outlet, 4, goes_on.business_id)
    assert await holders(fair, outlet, 4) == {ids[2], ids[3]}
    await fair.tell(undone(fair, gone, goes_on))
    await open_turn(fair, outlet, 4)
    assert gone.business_id in await holders(fair, outlet, 5)
    await fair.check_whole()
