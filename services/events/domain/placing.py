"""Rules of places: who stands where and when, and who has a place that becomes free.

The caller holds the exhibition, so that nobody else moves its places. A place that is given up goes to the next in reserve
in the same step: the very place, if it was at a booth; so none is free while somebody waits for it, and each goes on once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.events.commands import ConfirmPlace, MoveApplication, PlaceApplication
from services.events.domain.exhibitions import check_held, is_ahead, places_ahead, wave_of
from services.events.domain.models import (
    CHOSEN,
    LEAVABLE,
    Application,
    Booth,
    Changed,
    Exhibition,
    Places,
    S,
)
from services.events.domain.refusals import (
    BoothElsewhereError,
    BoothFullError,
    BoothKindError,
    ConfirmationLateError,
    TransitionRefusedError,
    WaveBegunError,
)
from shared.contracts.exhibitions import (
    ApplicationCause,
    ApplicationConfirmed,
    ApplicationMoved,
    ApplicationPlaced,
    ApplicationPromoted,
    ApplicationState,
    ApplicationWithdrawn,
    BoothKind,
    Wave,
)
from shared.contracts.fact import Fact
from shared.refusals import check_version

MOVABLE = frozenset({S.DITEMPATKAN, S.DIKONFIRMASI})


@dataclass(frozen=True, slots=True)
class Floor:
    """An exhibition, held, with its booths and the head of its reserve, as far as a deed needs them."""

    exhibition: Exhibition
    booths: tuple[Booth, ...] = ()
    reserve: tuple[Application, ...] = ()
    promised: Mapping[BoothKind, int] = field(default_factory=dict)
    """How many of each kind were chosen and have no place yet."""


def _step(
    exhibition: Exhibition,
    application: Application,
    fact: type[Fact],
    state: ApplicationState,
    *,
    more: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Changed[Application]:
    """Return the application in another state, one version on, with the fact that says so."""
    after = replace(application, version=application.version + 1, state=state, **changes)
    said = {**application.fact_fields(), **exhibition.told(), **(more or {})}
    return Changed(after, (fact.model_validate(said),))


def _counted(booth: Booth, wave: int, step: int) -> Booth:
    """Return the booth with one place more or fewer taken in a wave."""
    placed = tuple(count + step * (number == wave) for number, count in enumerate(booth.placed, 1))
    return replace(booth, placed=placed)


def order(reserve: Iterable[Application]) -> list[Application]:
    """Return a reserve in its order."""
    return sorted(reserve, key=lambda application: (application.rank or 0, application.id))


def _at(exhibition: Exhibition, booth: Booth, wave: Wave, now: datetime) -> dict[str, Any]:
    """Return what a place says: booth, wave, and until when it is to be confirmed."""
    confirm_by = now + timedelta(hours=exhibition.confirm_hours)
    if not exhibition.recorded:
        confirm_by = min(confirm_by, wave.starts_at)
    return {"booth_id": booth.id, "wave": wave.number, "confirm_by": confirm_by}


def _choose_place(
    floor: Floor, application: Application, command: PlaceApplication | MoveApplication, now: datetime
) -> tuple[Booth, Wave]:
    """Return booth and wave that a command names. Raises what does not fit."""
    exhibition = floor.exhibition
    check_held(exhibition)
    booth = next((item for item in floor.booths if item.id == command.booth_id), None)
    if booth is None or booth.exhibition_id != application.exhibition_id:
        raise BoothElsewhereError(command.booth_id, application.exhibition_id)
    if booth.kind is not application.kind:
        raise BoothKindError(booth.kind, application.kind)
    wave = wave_of(exhibition, command.wave)
    if not is_ahead(exhibition, wave, now):
        raise WaveBegunError(exhibition.zone, wave.number, wave.starts_at)
    return booth, wave


def _check_free(booth: Booth, wave: int) -> None:
    if booth.free(wave) < 1:
        raise BoothFullError(booth.number, wave, booth.capacity)


def _place(exhibition: Exhibition, application: Application, booth: Booth, wave: Wave, now: datetime) -> Places:
    where = _at(exhibition, booth, wave, now)
    more = {**where, "booth": booth.number, "starts_at": wave.starts_at}
    change = _step(exhibition, application, ApplicationPlaced, S.DITEMPATKAN, more=more, **where)
    return Places((_counted(booth, wave.number, 1),), (change,))


def place(floor: Floor, application: Application, command: PlaceApplication, now: datetime) -> Places:
    """Give one who was chosen a place. Raises ``BoothFullError``, ``BoothElsewhereError`` and the like."""
    check_version(application.version, command.expected_version)
    if application.state is not S.LOLOS:
        raise TransitionRefusedError("ditempatkan", application.state, [S.LOLOS])
    booth, wave = _choose_place(floor, application, command, now)
    _check_free(booth, wave.number)
    return _place(floor.exhibition, application, booth, wave, now)


def place_all(floor: Floor, chosen: Iterable[Application], now: datetime) -> Places:
    """Give everybody who was chosen the first free place of their kind: by rank, wave by wave, booth by booth."""
    check_held(floor.exhibition)
    booths = {booth.id: booth for booth in sorted(floor.booths, key=lambda booth: booth.number)}
    waves = [wave for wave in floor.exhibition.waves if is_ahead(floor.exhibition, wave, now)]
    changes: list[Changed[Application]] = []
    for application in order(chosen):
        free = next(
            (
                (booth, wave)
                for wave in waves
                for booth in booths.values()
                if booth.kind is application.kind and booth.free(wave.number) > 0
            ),
            None,
        )
        if free is not None:
            placed = _place(floor.exhibition, application, *free, now)
            changes += placed.changes
            booths[free[0].id] = placed.booths[0]
    return Places(tuple(booth for booth in booths.values() if booth not in floor.booths), tuple(changes))


def move(floor: Floor, application: Application, command: MoveApplication, now: datetime) -> Places:
    """Give one who has a place another; it is to be confirmed anew. The same place again changes nothing."""
    check_version(application.version, command.expected_version)
    if application.state not in MOVABLE or application.wave is None:
        raise TransitionRefusedError("dipindahkan", application.state, MOVABLE)
    booth, wave = _choose_place(floor, application, command, now)
    before = next(item for item in floor.booths if item.id == application.booth_id)
    if (before.id, application.wave) == (booth.id, wave.number):
        return Places()
    _check_free(booth, wave.number)
    left = _counted(before, application.wave, -1)
    taken = _counted(left if before.id == booth.id else booth, wave.number, 1)
    where = _at(floor.exhibition, booth, wave, now)
    now_at = {**where, "booth": booth.number, "starts_at": wave.starts_at}
    more = {**now_at, "previous_booth_id": before.id, "previous_wave": application.wave}
    change = _step(floor.exhibition, application, ApplicationMoved, S.DITEMPATKAN, more=more, **where)
    return Places((taken,) if before.id == booth.id else (left, taken), (change,))


def confirm(exhibition: Exhibition, application: Application, command: ConfirmPlace, now: datetime) -> Places:
    """Say that they will come, in time."""
    check_version(application.version, command.expected_version)
    if application.state is not S.DITEMPATKAN or application.confirm_by is None:
        raise TransitionRefusedError("dikonfirmasi", application.state, [S.DITEMPATKAN])
    check_held(exhibition)
    if now > application.confirm_by and not exhibition.recorded:
        raise ConfirmationLateError(exhibition.zone, application.confirm_by, now)
    return Places((), (_step(exhibition, application, ApplicationConfirmed, S.DIKONFIRMASI, confirm_by=None),))


def _is_late(exhibition: Exhibition, application: Application, now: datetime) -> bool:
    by = application.confirm_by
    return application.state is S.DITEMPATKAN and by is not None and now > by and not exhibition.recorded


def _leave(exhibition: Exhibition, application: Application, cause: ApplicationCause) -> Changed[Application]:
    return _step(
        exhibition,
        application,
        ApplicationWithdrawn,
        S.MENGUNDURKAN_DIRI,
        more={"cause": cause},
        cause=cause,
        booth_id=None,
        wave=None,
        confirm_by=None,
    )


def promote(exhibition: Exhibition, application: Application) -> Changed[Application]:
    """Choose the next in reserve."""
    return _step(exhibition, application, ApplicationPromoted, S.LOLOS)


def spare(floor: Floor, kind: BoothKind, now: datetime) -> int:
    """Return how many places ahead nobody has and nobody was promised; below 0: a wave began before all had theirs."""
    return places_ahead(floor.exhibition, floor.booths, now).get(kind, 0) - floor.promised.get(kind, 0)


def _hand_on(
    exhibition: Exhibition,
    booths: dict[Any, Booth],
    promised: Counter[BoothKind],
    left: Application,
    waiting: list[Application],
    now: datetime,
) -> list[Changed[Application]]:
    """Give what somebody left to the next in reserve: the same place, or a place to be found; but the promised come first."""
    wave = None if left.wave is None else wave_of(exhibition, left.wave)
    if wave is not None and left.booth_id is not None:
        booths[left.booth_id] = _counted(booths[left.booth_id], wave.number, -1)
    else:
        promised[left.kind] -= 1
    found = next((item for item in waiting if item.kind is left.kind), None)
    if found is None or exhibition.cancelled or not (wave is None or is_ahead(exhibition, wave, now)):
        return []
    if spare(Floor(exhibition, tuple(booths.values()), promised=promised), left.kind, now) < 1:
        return []
    waiting.remove(found)
    chosen = promote(exhibition, found)
    if wave is None or left.booth_id is None:
        promised[left.kind] += 1
        return [chosen]
    placed = _place(exhibition, chosen.after, booths[left.booth_id], wave, now)
    booths[left.booth_id] = placed.booths[0]
    return [Changed(placed.changes[0].after, (*chosen.facts, *placed.changes[0].facts))]


def give_up(floor: Floor, leavers: Sequence[Application], cause: ApplicationCause, now: datetime) -> Places:
    """Give up applications, and hand on each place to the next in reserve who is not leaving too."""
    booths, promised = {booth.id: booth for booth in floor.booths}, Counter(floor.promised)
    gone = {application.id for application in leavers}
    waiting = [application for application in order(floor.reserve) if application.id not in gone]
    changes: list[Changed[Application]] = []
    for application in leavers:
        changes.append(_leave(floor.exhibition, application, cause))
        if application.state in CHOSEN:
            changes += _hand_on(floor.exhibition, booths, promised, application, waiting, now)
    return Places(tuple(booth for booth in booths.values() if booth not in floor.booths), tuple(changes))


def withdraw(
    floor: Floor, application: Application, expected_version: int, cause: ApplicationCause, now: datetime
) -> Places:
    """Give an application up. Said twice it frees one place: the second changes nothing."""
    if application.state is S.MENGUNDURKAN_DIRI:
        return Places()
    check_version(application.version, expected_version)
    if application.state not in LEAVABLE:
        raise TransitionRefusedError("dibatalkan", application.state, LEAVABLE)
    return give_up(floor, [application], cause, now)


def lapse(floor: Floor, placed: Iterable[Application], now: datetime) -> Places:
    """End the places that nobody confirmed in time, and hand them on."""
    late = [application for application in placed if _is_late(floor.exhibition, application, now)]
    return give_up(floor, late, ApplicationCause.TIDAK_KONFIRMASI, now)


def fill(floor: Floor, now: datetime) -> Places:
    """Choose from the reserve as many as there are places for more: a booth was added, or holds more."""
    exhibition = floor.exhibition
    if not exhibition.curated:
        return Places()
    free = {kind: spare(floor, kind, now) for kind in {application.kind for application in floor.reserve}}
    changes: list[Changed[Application]] = []
    for application in order(floor.reserve):
        if free[application.kind] > 0:
            free[application.kind] -= 1
            changes.append(promote(exhibition, application))
    return Places((), tuple(changes))
