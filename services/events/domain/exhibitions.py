"""Rules of exhibitions and booths: dates, waves, deadline, criteria, capacity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from services.events.commands import ChangeCapacity, OpenBooth, OpenExhibition, OpenOutlet, Timing
from services.events.domain.clock import day_in
from services.events.domain.curation import check_criteria
from services.events.domain.models import Booth, Changed, Exhibition
from services.events.domain.refusals import (
    CapacityBelowPlacedError,
    CapacityError,
    DeadlineError,
    ExhibitionCancelledError,
    ExhibitionDatesError,
    NoWavesError,
    OrganiserError,
    WaveBegunError,
    WaveTimesError,
)
from shared.contracts.exhibitions import (
    BoothCapacityChanged,
    BoothKind,
    BoothOpened,
    ExhibitionCancelled,
    ExhibitionOpened,
    Wave,
)
from shared.contracts.fact import Fact
from shared.contracts.organisations import OrganisationRole
from shared.refusals import NotFoundError, check_version
from shared.registry_copy.partners import Partner, names_one_holder, title_of


def check_held(exhibition: Exhibition) -> None:
    """Raise ``ExhibitionCancelledError`` if it is not held."""
    if exhibition.cancelled:
        raise ExhibitionCancelledError(exhibition.id)


def organiser_of(command: OpenExhibition | OpenOutlet, role: OrganisationRole, found: Partner | None) -> str | None:
    """Return what the organiser is called, ``None`` for the office; ``found`` is what is known of the named organisation.

    Raises ``OrganiserError``, and what ``title_of`` raises of the organisation.
    """
    if not names_one_holder(command.held_by, command.partner, command.partner_id):
        raise OrganiserError(command.held_by, command.partner, command.partner_id)
    return command.partner if command.partner_id is None else title_of(command.partner_id, found, role)


def is_open(exhibition: Exhibition, now: datetime) -> bool:
    """Tell whether one may still apply: the whole of the last second counts; a partner's list comes when it comes."""
    if exhibition.curated:
        return False
    return exhibition.recorded or now.replace(microsecond=0) <= exhibition.closes_at


def wave_of(exhibition: Exhibition, number: int) -> Wave:
    """Return a wave by its number. Raises ``NotFoundError``."""
    if not 1 <= number <= len(exhibition.waves):
        raise NotFoundError("Gelombang", number)
    return exhibition.waves[number - 1]


def is_ahead(exhibition: Exhibition, wave: Wave, now: datetime) -> bool:
    """Tell whether the places of a wave may still change hands; a partner's are recorded afterwards."""
    return exhibition.recorded or now < wave.starts_at


def places_ahead(exhibition: Exhibition, booths: Iterable[Booth], now: datetime) -> dict[BoothKind, int]:
    """Return the free places of each kind in the waves that are ahead: what was left free in one that began is nobody's."""
    ahead = [wave.number for wave in exhibition.waves if is_ahead(exhibition, wave, now)]
    places: Counter[BoothKind] = Counter()
    for booth in booths:
        places[booth.kind] += sum(booth.free(number) for number in ahead)
    return dict(places)


def of_exhibition(exhibition: Exhibition, fact: Fact, **changes: Any) -> Changed[Exhibition]:
    """Return the exhibition one version on, with a fact that it or one of its booths brought."""
    return Changed(replace(exhibition, version=exhibition.version + 1, **changes), (fact,))


def _wave(command: OpenExhibition, number: int, timing: Timing) -> Wave:
    """Return a wave that fits its exhibition. Raises ``WaveTimesError``."""
    if timing.ends_at <= timing.starts_at:
        raise WaveTimesError(command.zone, number, "berakhir sebelum mulai", timing.starts_at, timing.ends_at)
    first, last = day_in(command.zone, timing.starts_at), day_in(command.zone, timing.ends_at)
    if first < command.starts_on or last > command.ends_on:
        why = f"di luar masa pameran, {command.starts_on.isoformat()} sampai {command.ends_on.isoformat()}"
        raise WaveTimesError(command.zone, number, why, timing.starts_at, timing.ends_at)
    return Wave(number=number, starts_at=timing.starts_at, ends_at=timing.ends_at)


def _waves(command: OpenExhibition) -> tuple[Wave, ...]:
    """Return the waves, one after the other: a booth is not used by two at once."""
    if not command.waves:
        raise NoWavesError
    waves = tuple(_wave(command, number, timing) for number, timing in enumerate(command.waves, 1))
    for before, after in pairwise(sorted(waves, key=lambda wave: wave.starts_at)):
        if after.starts_at < before.ends_at:
            why = f"bertumpang tindih dengan gelombang {before.number}"
            raise WaveTimesError(command.zone, after.number, why, after.starts_at, after.ends_at)
    first = min(wave.starts_at for wave in waves)
    if command.closes_at >= first:
        raise DeadlineError(command.zone, command.closes_at, first)
    return waves


def open_exhibition(command: OpenExhibition, actor: str, partner: Partner | None = None) -> Changed[Exhibition]:
    """Return a new exhibition, version 1; ``partner`` is what is known of the organisation that it names."""
    if command.ends_on < command.starts_on:
        raise ExhibitionDatesError(command.starts_on, command.ends_on)
    organiser = organiser_of(command, OrganisationRole.PAMERAN, partner)
    check_criteria(command.criteria)
    told: dict[str, Any] = {
        "title": command.title,
        "held_by": command.held_by,
        "partner": organiser,
        "partner_id": command.partner_id,
        "place": command.place,
        "zone": command.zone,
        "starts_on": command.starts_on,
        "ends_on": command.ends_on,
        "closes_at": command.closes_at,
        "waves": _waves(command),
        "criteria": command.criteria,
        "pass_score": command.pass_score,
    }
    exhibition = Exhibition(
        id=command.exhibition_id,
        version=1,
        curators=command.curators,
        confirm_hours=command.confirm_hours,
        curated=False,
        cancelled=False,
        opened_by=actor,
        **told,
    )
    return Changed(exhibition, (ExhibitionOpened(exhibition_id=exhibition.id, **told),))


def _check_not_begun(exhibition: Exhibition, now: datetime) -> None:
    """Raise ``WaveBegunError`` once the first wave has begun, but for what a partner holds."""
    first = min(exhibition.waves, key=lambda wave: wave.starts_at)
    if not is_ahead(exhibition, first, now):
        raise WaveBegunError(exhibition.zone, first.number, first.starts_at)


def open_booth(
    exhibition: Exhibition, command: OpenBooth, number: int, now: datetime
) -> tuple[Changed[Exhibition], Booth]:
    """Return a new booth; ``number`` is its place among the booths of the exhibition, from 1."""
    check_held(exhibition)
    _check_not_begun(exhibition, now)
    if command.capacity < 1:
        raise CapacityError(command.capacity)
    booth = Booth(
        id=command.booth_id,
        version=1,
        exhibition_id=exhibition.id,
        number=number,
        kind=command.kind,
        capacity=command.capacity,
        placed=(0,) * len(exhibition.waves),
    )
    fact = BoothOpened(
        exhibition_id=exhibition.id, booth_id=booth.id, number=number, kind=booth.kind, capacity=booth.capacity
    )
    return of_exhibition(exhibition, fact), booth


def change_capacity(
    exhibition: Exhibition, booths: Sequence[Booth], command: ChangeCapacity, promised: int, now: datetime
) -> tuple[Changed[Exhibition], Booth]:
    """Set the capacity of one of the booths, never below those who have a place, nor below those who were promised one.

    ``promised`` counts who was chosen of the booth's kind and has no place yet. Where there are too few places for them
    already, because a wave began meanwhile, only what makes them fewer is refused.
    """
    booth = next(item for item in booths if item.id == command.booth_id)
    check_version(booth.version, command.expected_version)
    check_held(exhibition)
    if command.capacity < 1:
        raise CapacityError(command.capacity)
    after = replace(booth, version=booth.version + 1, capacity=command.capacity)
    others = [item for item in booths if item.id != booth.id]
    before, left = (places_ahead(exhibition, [*others, item], now)[booth.kind] for item in (booth, after))
    if command.capacity < max(booth.placed) or left < min(before, promised):
        raise CapacityBelowPlacedError(command.capacity, max(booth.placed), booth.kind, left, promised)
    if command.capacity == booth.capacity:
        return Changed(exhibition), booth
    fact = BoothCapacityChanged(
        exhibition_id=exhibition.id, booth_id=booth.id, previous=booth.capacity, capacity=command.capacity
    )
    return of_exhibition(exhibition, fact), after


def cancel(exhibition: Exhibition, expected_version: int, now: datetime) -> Changed[Exhibition]:
    """Do not hold it; not once the first wave has begun."""
    check_version(exhibition.version, expected_version)
    check_held(exhibition)
    first = min(exhibition.waves, key=lambda wave: wave.starts_at)
    if now >= first.starts_at:
        raise WaveBegunError(exhibition.zone, first.number, first.starts_at)
    return of_exhibition(exhibition, ExhibitionCancelled(exhibition_id=exhibition.id), cancelled=True)
