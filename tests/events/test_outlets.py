"""Fixed selling places on a real database: the rota, turns that go on, and two hundred at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.events.commands import JoinOutlet, LeaveOutlet, OpenOutlet, OpenTurn, PassTurnOn
from services.events.domain.refusals import AlreadyMemberError, TurnDatesError, TurnOverError
from services.events.handlers import outlets
from shared.contracts.exhibitions import ApplicationCause
from shared.wita import WITA
from tests.desk import CLIENTS, NOON, Member, at_once, cause
from tests.events.fair import Fair

MONDAY = date(2026, 11, 30)


async def open_outlet(fair: Fair, stalls: int, people: int) -> tuple[UUID, list[Member]]:
    command = OpenOutlet(uuid4(), "Pawon Colang Caling", "mitra", "IPEMI Balikpapan", "Pasar Klandasan", stalls)
    outlet = (await fair.do(lambda c: outlets.open_outlet(c, command, cause()))).id
    members = await fair.members(people)
    for member in members:
        await join(fair, outlet, member)
    return outlet, members


async def join(fair: Fair, outlet: UUID, member: Member) -> None:
    command = JoinOutlet(outlet, member.owner_id, member.business_id)
    await fair.do(lambda c: outlets.join(c, command, cause()))


async def open_turn(fair: Fair, outlet: UUID, week: int) -> None:
    day = MONDAY + timedelta(days=7 * week)
    await fair.do(lambda c: outlets.open_turn(c, OpenTurn(outlet, day, day + timedelta(days=6)), cause()))


async def pass_on(fair: Fair, outlet: UUID, turn: int, business_id: UUID, now: datetime = NOON) -> None:
    await fair.do(lambda c: outlets.pass_on(c, PassTurnOn(outlet, turn, business_id), cause(now)))


async def holders(fair: Fair, outlet: UUID, turn: int) -> set[UUID]:
    _, _, turns = await outlets.show_outlet(fair.pool, outlet)
    return set(turns[turn - 1][0].business_ids)


async def test_everybody_comes_in_turn_and_a_turn_given_up_goes_to_the_next(fair: Fair) -> None:
    outlet, members = await open_outlet(fair, 2, 5)
    first, second, third, fourth, fifth = [member.business_id for member in members]
    with pytest.raises(AlreadyMemberError):
        await join(fair, outlet, members[0])
    for week in range(2):
        await open_turn(fair, outlet, week)
    assert [await holders(fair, outlet, turn) for turn in (1, 2)] == [{first, second}, {third, fourth}]
    await pass_on(fair, outlet, 1, first)
    await pass_on(fair, outlet, 1, first)
    assert await holders(fair, outlet, 1) == {fifth, second}
    await open_turn(fair, outlet, 2)
    assert await holders(fair, outlet, 3) == {first, second}
    with pytest.raises(TurnDatesError, match="mulai sebelum giliran 3 selesai"):
        await open_turn(fair, outlet, 2)
    with pytest.raises(TurnOverError, match="Giliran 1 selesai 6 Desember 2026"):
        await pass_on(fair, outlet, 1, second, datetime(2026, 12, 7, 0, 30, tzinfo=WITA))
    await fair.check_whole()


async def test_who_leaves_or_is_erased_leaves_the_turns_to_the_next(fair: Fair) -> None:
    outlet, members = await open_outlet(fair, 2, 4)
    first, second, third, fourth = [member.business_id for member in members]
    await open_turn(fair, outlet, 0)
    command = LeaveOutlet(outlet, first, ApplicationCause.PERMINTAAN_PESERTA)
    for _ in range(2):
        await fair.do(lambda c: outlets.leave(c, command, cause()))
    assert await holders(fair, outlet, 1) == {second, third}
    await fair.tell(fair.story.erased(members[1].owner_id))
    assert await holders(fair, outlet, 1) == {third, fourth}
    await fair.tell(fair.story.erased(members[2].owner_id))
    assert await holders(fair, outlet, 1) == {fourth}
    names = [name for name, _ in await fair.facts(outlet)]
    assert names.count("outlet.member_left") == names.count("outlet.turn_passed_on") == 3
    await join(fair, outlet, members[0])
    _, rota, _ = await outlets.show_outlet(fair.pool, outlet)
    assert [(member.business_id, member.active) for member in rota] == [
        (first, True), (second, False), (third, False), (fourth, True),
    ]  # fmt: skip
    await fair.check_whole()


@pytest.mark.slow
async def test_a_turn_given_up_by_two_hundred_clients_goes_on_once(fair: Fair) -> None:
    outlet, members = await open_outlet(fair, 3, 30)
    await open_turn(fair, outlet, 0)

    came = await at_once([lambda n=n: pass_on(fair, outlet, 1, members[n % 3].business_id) for n in range(CLIENTS)])
    assert came == {"ok": CLIENTS}
    assert await holders(fair, outlet, 1) == {member.business_id for member in members[3:6]}
    row = await fair.pool.fetchrow("SELECT held, stalls FROM outlet_turn")
    assert row is not None
    assert tuple(row) == (3, 3)
    await fair.check_whole()
