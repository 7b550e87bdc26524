"""Commands on exhibitions and booths, and reading them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.events.commands import CancelExhibition, ChangeCapacity, OpenBooth, OpenExhibition
from services.events.domain import exhibitions as rules
from services.events.domain import placing
from services.events.domain.models import OVER, Booth, Changed, Exhibition, S
from services.events.domain.placing import Floor
from services.events.handlers import Saved, publish
from services.events.handlers.holding import lock_exhibition, save_places
from services.events.store import applications
from services.events.store import exhibitions as store
from shared.contracts.exhibitions import ApplicationCause, BoothKind
from shared.database import Connection, Pool
from shared.outbox import Cause
from shared.refusals import NotFoundError
from shared.registry_copy.partner_table import share_partner

WHOLE_RESERVE = 100_000


async def open_exhibition(connection: Connection, command: OpenExhibition, cause: Cause) -> Saved:
    """Store a new exhibition. Raises what the rules refuse."""
    partner = await share_partner(connection, command.partner_id)
    change = rules.open_exhibition(command, cause.actor, partner)
    await publish(connection, [change], cause, store.new_exhibition(change.after))
    return Saved(change.after.id, change.after.version)


async def _publish(connection: Connection, change: Changed[Exhibition], cause: Cause) -> None:
    await publish(connection, [change], cause, store.saved_exhibition(change.after))


async def _fill(connection: Connection, exhibition: Exhibition, kind: BoothKind, cause: Cause) -> None:
    """Choose from the reserve of a kind, if there are places for more."""
    if not exhibition.curated:
        return
    booths = await store.list_booths(connection, exhibition.id)
    floor = Floor(exhibition, booths, (), await applications.count_promised(connection, exhibition.id))
    spare = max(0, placing.spare(floor, kind, cause.now))
    reserve = await applications.load_reserve(connection, exhibition.id, kind, spare)
    await save_places(connection, placing.fill(replace(floor, reserve=tuple(reserve)), cause.now), cause)


async def open_booth(connection: Connection, command: OpenBooth, cause: Cause) -> Saved:
    """Store a new booth; after the curation its places go to the reserve."""
    exhibition = await lock_exhibition(connection, command.exhibition_id)
    number = len(await store.list_booths(connection, exhibition.id)) + 1
    change, booth = rules.open_booth(exhibition, command, number, cause.now)
    await store.insert_booth(connection, booth)
    await _publish(connection, change, cause)
    await _fill(connection, change.after, booth.kind, cause)
    return Saved(booth.id, booth.version)


async def change_capacity(connection: Connection, command: ChangeCapacity, cause: Cause) -> Saved:
    """Set a booth's capacity; new places go to the reserve. Raises ``CapacityBelowPlacedError`` and the like."""
    found = await store.find_booth(connection, command.booth_id)
    if found is None:
        raise NotFoundError("Stan", command.booth_id)
    exhibition = await lock_exhibition(connection, found.exhibition_id)
    booths = await store.list_booths(connection, exhibition.id)
    promised = (await applications.count_promised(connection, exhibition.id)).get(found.kind, 0)
    change, after = rules.change_capacity(exhibition, booths, command, promised, cause.now)
    if change.facts:
        await store.save_booths(connection, [after])
        await _publish(connection, change, cause)
        await _fill(connection, change.after, after.kind, cause)
    return Saved(after.id, after.version)


async def cancel_exhibition(connection: Connection, command: CancelExhibition, cause: Cause) -> Saved:
    """Do not hold an exhibition: every application of it is closed by a fact of its own."""
    exhibition = await lock_exhibition(connection, command.exhibition_id)
    change = rules.cancel(exhibition, command.expected_version, cause.now)
    await _publish(connection, change, cause)
    live = await applications.load_in_state(connection, exhibition.id, set(S) - OVER)
    floor = Floor(change.after, await store.list_booths(connection, exhibition.id))
    await save_places(connection, placing.give_up(floor, live, ApplicationCause.PAMERAN_DIBATALKAN, cause.now), cause)
    return Saved(exhibition.id, change.after.version)


async def list_exhibitions(pool: Pool, after: UUID, limit: int) -> list[Exhibition]:
    """Return exhibitions after an id."""
    return await store.list_exhibitions(pool, after, limit)


async def show_exhibition(pool: Pool, exhibition_id: UUID) -> tuple[Exhibition, tuple[Booth, ...]]:
    """Return an exhibition with its booths, else ``NotFoundError``."""
    exhibition = await store.find_exhibition(pool, exhibition_id)
    if exhibition is None:
        raise NotFoundError("Pameran", exhibition_id)
    return exhibition, await store.list_booths(pool, exhibition_id)


async def find_booth(pool: Pool, booth_id: UUID) -> Booth:
    """Return one booth, else ``NotFoundError``."""
    booth = await store.find_booth(pool, booth_id)
    if booth is None:
        raise NotFoundError("Stan", booth_id)
    return booth
