"""Rules of fixed selling places: a rota in which everybody comes as often as everybody else.

Whose turn it is: who had the fewest turns; then who waits longest; then who joined first. Who is closed or at rest is passed
over meanwhile. Members that were merged are one business, with the turns of all of them. The caller holds the outlet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.events.commands import OpenOutlet, OpenTurn
from services.events.domain.curation import AWAY
from services.events.domain.exhibitions import organiser_of
from services.events.domain.models import Changed, Member, Outlet, Turn
from services.events.domain.refusals import (
    AlreadyMemberError,
    CapacityError,
    NoMembersError,
    TurnDatesError,
    TurnOverError,
)
from shared.contracts.exhibitions import (
    ApplicationCause,
    OutletMemberJoined,
    OutletMemberLeft,
    OutletOpened,
    OutletTurnOpened,
    OutletTurnPassedOn,
)
from shared.contracts.fact import Fact
from shared.contracts.organisations import OrganisationRole
from shared.refusals import NotFoundError
from shared.registry_copy.partners import Partner


@dataclass(frozen=True, slots=True)
class Handed:
    """A turn that changed hands: who gave it up, and who has it now, if anybody."""

    turn: int
    from_id: UUID
    to_id: UUID | None


def _on(outlet: Outlet, *facts: Fact) -> Changed[Outlet]:
    return Changed(replace(outlet, version=outlet.version + len(facts)), facts)


def open_outlet(command: OpenOutlet, actor: str, partner: Partner | None = None) -> Changed[Outlet]:
    """Return a new outlet, version 1; ``partner`` is what is known of the organisation that it names."""
    organiser = organiser_of(command, OrganisationRole.TEMPAT_JUAL, partner)
    if command.stalls < 1:
        raise CapacityError(command.stalls)
    told: dict[str, Any] = {
        "title": command.title,
        "held_by": command.held_by,
        "partner": organiser,
        "partner_id": command.partner_id,
        "place": command.place,
        "stalls": command.stalls,
    }
    outlet = Outlet(id=command.outlet_id, version=1, opened_by=actor, **told)
    return Changed(outlet, (OutletOpened(outlet_id=outlet.id, **told),))


def join(outlet: Outlet, members: Sequence[Member], owner_id: UUID, business_id: UUID) -> Changed[Outlet]:
    """Let a business take part; who left may come back, with the turns it had."""
    if any(member.active and member.business_id == business_id for member in members):
        raise AlreadyMemberError(business_id)
    return _on(outlet, OutletMemberJoined(outlet_id=outlet.id, owner_id=owner_id, business_id=business_id))


def in_turn(members: Iterable[Member], without: Collection[UUID] = ()) -> list[Member]:
    """Return who takes part and is there, each business once, in the order in which they come."""
    records: dict[UUID, list[Member]] = {}
    for member in members:
        records.setdefault(member.counts_as, []).append(member)
    coming = [one for found in records.values() if (one := _as_one(found, without)) is not None]
    return sorted(coming, key=lambda member: (member.turns, member.last_turn, member.joined))


def _as_one(records: Sequence[Member], without: Collection[UUID]) -> Member | None:
    """Return the record by which a business comes in turn, with the turns of all of them; ``None``: it does not."""
    there = [member for member in records if member.active and member.status not in AWAY]
    if not there or any(member.business_id in without for member in records):
        return None
    first = min(there, key=lambda member: (member.business_id != member.counts_as, member.joined))
    turns, last_turn = sum(member.turns for member in records), max(member.last_turn for member in records)
    return replace(first, turns=turns, last_turn=last_turn)


def open_turn(
    outlet: Outlet, members: Sequence[Member], last: Turn | None, command: OpenTurn
) -> tuple[Changed[Outlet], Turn]:
    """Return the next turn, of as many as there are stalls. Raises ``TurnDatesError`` and ``NoMembersError``."""
    if command.ends_on < command.starts_on:
        raise TurnDatesError("berakhir sebelum mulai", command.starts_on, command.ends_on)
    if last is not None and command.starts_on <= last.ends_on:
        why = f"mulai sebelum giliran {last.number} selesai"
        raise TurnDatesError(why, command.starts_on, command.ends_on)
    chosen = tuple(member.business_id for member in in_turn(members)[: outlet.stalls])
    if not chosen:
        raise NoMembersError
    turn = Turn(1 if last is None else last.number + 1, command.starts_on, command.ends_on, chosen)
    fact = OutletTurnOpened(
        outlet_id=outlet.id,
        turn=turn.number,
        starts_on=turn.starts_on,
        ends_on=turn.ends_on,
        business_ids=chosen,
    )
    return _on(outlet, fact), turn


def pass_on(
    outlet: Outlet, members: Sequence[Member], turn: Turn, gave_up: Collection[UUID], business_id: UUID, today: date
) -> tuple[Changed[Outlet], Handed | None]:
    """Give up a turn; the next who is not in it, and did not give it up, has it. Said twice, the second changes nothing."""
    if business_id in gave_up:
        return Changed(outlet), None
    if business_id not in turn.business_ids:
        raise NotFoundError("Giliran usaha", business_id)
    if turn.ends_on < today:
        raise TurnOverError(turn.number, turn.ends_on)
    following = in_turn(members, without={*turn.business_ids, *gave_up})
    to_id = following[0].business_id if following else None
    fact = OutletTurnPassedOn(outlet_id=outlet.id, turn=turn.number, business_id=business_id, next_business_id=to_id)
    return _on(outlet, fact), Handed(turn.number, business_id, to_id)


def leave(
    outlet: Outlet,
    members: Sequence[Member],
    turns: Sequence[tuple[Turn, Collection[UUID]]],
    business_id: UUID,
    cause: ApplicationCause,
    today: date,
) -> tuple[Changed[Outlet], list[Handed]]:
    """Take a business out of the rota; its turns that have not ended go on. Said twice, the second changes nothing.

    ``turns`` are those that have not ended, each with who gave it up.
    """
    member = next((item for item in members if item.business_id == business_id), None)
    if member is None:
        raise NotFoundError("Anggota giliran", business_id)
    if not member.active:
        return Changed(outlet), []
    staying = [item for item in members if item.business_id != business_id]
    facts: list[Fact] = [OutletMemberLeft(outlet_id=outlet.id, business_id=business_id, cause=cause)]
    handed: list[Handed] = []
    for turn, gave_up in turns:
        if business_id in turn.business_ids:
            change, passed = pass_on(outlet, staying, turn, gave_up, business_id, today)
            facts += change.facts
            handed += [passed] if passed else []
    return _on(outlet, *facts), handed
