"""Commands on places: give, move, confirm; and what ends because nobody confirmed."""

from __future__ import annotations

from uuid import UUID

from services.events.commands import ConfirmPlace, MoveApplication, PlaceApplication
from services.events.domain import placing as rules
from services.events.domain.models import Application
from services.events.domain.placing import Floor
from services.events.handlers import Saved
from services.events.handlers.holding import floor_for, lock_application, lock_exhibition, save_places, saved
from services.events.store import applications as store
from services.events.store import exhibitions
from shared.database import Connection
from shared.outbox import Cause


async def _floor(connection: Connection, command: PlaceApplication | MoveApplication) -> tuple[Floor, Application]:
    exhibition, application = await lock_application(connection, command.application_id)
    booths = await exhibitions.list_booths(connection, exhibition.id)
    return Floor(exhibition, booths), application


async def place(connection: Connection, command: PlaceApplication, cause: Cause) -> Saved:
    """Give one who was chosen a place. Raises ``BoothFullError``, ``BoothElsewhereError`` and the like."""
    floor, application = await _floor(connection, command)
    places = rules.place(floor, application, command, cause.now)
    await save_places(connection, places, cause)
    return saved(application, places)


async def place_all(connection: Connection, exhibition_id: UUID, cause: Cause) -> list[Saved]:
    """Give everybody who was chosen and is there a place, as far as places go, and return who got one."""
    exhibition = await lock_exhibition(connection, exhibition_id)
    chosen = await store.load_promised(connection, exhibition.id)
    floor = Floor(exhibition, await exhibitions.list_booths(connection, exhibition.id))
    places = rules.place_all(floor, chosen, cause.now)
    await save_places(connection, places, cause)
    return [Saved(change.after.id, change.after.version) for change in places.changes]


async def move(connection: Connection, command: MoveApplication, cause: Cause) -> Saved:
    """Give one who has a place another one."""
    floor, application = await _floor(connection, command)
    places = rules.move(floor, application, command, cause.now)
    await save_places(connection, places, cause)
    return saved(application, places)


async def confirm(connection: Connection, command: ConfirmPlace, cause: Cause, kelurahan: str | None) -> Saved:
    """Say that they will come. Raises ``ConfirmationLateError`` and ``TransitionRefusedError``."""
    exhibition, application = await lock_application(connection, command.application_id, kelurahan)
    places = rules.confirm(exhibition, application, command, cause.now)
    await save_places(connection, places, cause)
    return saved(application, places)


async def lapse_places(connection: Connection, exhibition_id: UUID, cause: Cause) -> int:
    """End the places of an exhibition that nobody confirmed in time, hand them on, and return how many ended."""
    exhibition = await lock_exhibition(connection, exhibition_id)
    late = await store.load_late_places(connection, exhibition_id, cause.now)
    places = rules.lapse(await floor_for(connection, exhibition, late), late, cause.now)
    await save_places(connection, places, cause)
    return len(late)
