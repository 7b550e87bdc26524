"""What every deed on places does: hold the exhibition, take the head of the reserve, store what moved with its facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from services.events.domain.models import CHOSEN, Applicant, Application, Exhibition, Places
from services.events.domain.placing import Floor
from services.events.domain.refusals import UnknownBusinessError
from services.events.handlers import Saved, publish
from services.events.store import applications, exhibitions
from shared.database import Connection
from shared.outbox import Cause
from shared.refusals import NotFoundError


async def lock_exhibition(connection: Connection, exhibition_id: UUID) -> Exhibition:
    """Return an exhibition, locked. Raises ``NotFoundError``."""
    exhibition = await exhibitions.lock_exhibition(connection, exhibition_id)
    if exhibition is None:
        raise NotFoundError("Pameran", exhibition_id)
    return exhibition


async def share_exhibition(connection: Connection, exhibition_id: UUID) -> Exhibition:
    """Return an exhibition of which nobody moves a place meanwhile. Raises ``NotFoundError``."""
    exhibition = await exhibitions.share_exhibition(connection, exhibition_id)
    if exhibition is None:
        raise NotFoundError("Pameran", exhibition_id)
    return exhibition


async def hold_applicant(
    connection: Connection, owner_id: UUID, business_id: UUID, exhibition_id: UUID, kelurahan: str | None
) -> Applicant:
    """Hold owner and business, and return what the rules look at. Raises ``UnknownBusinessError``."""
    erased = await applications.share_owner(connection, owner_id)
    if erased is None:
        raise UnknownBusinessError("Pemilik", owner_id)
    applicant = await applications.lock_applicant(connection, business_id, exhibition_id, erased=erased)
    if applicant is None or (kelurahan is not None and applicant.kelurahan != kelurahan):
        raise UnknownBusinessError("Usaha", business_id)
    return applicant


def visible(application: Application | None, application_id: UUID, kelurahan: str | None) -> Application:
    """Return the application. Raises ``NotFoundError`` also for one of another kelurahan."""
    if application is None or (kelurahan is not None and application.kelurahan != kelurahan):
        raise NotFoundError("Pendaftaran", application_id)
    return application


async def lock_application(
    connection: Connection, application_id: UUID, kelurahan: str | None = None
) -> tuple[Exhibition, Application]:
    """Return an application with its exhibition; both are locked."""
    found = visible(await applications.find_application(connection, application_id), application_id, kelurahan)
    exhibition = await lock_exhibition(connection, found.exhibition_id)
    again = await applications.lock_applications(connection, exhibition.id, [application_id])
    return exhibition, visible(again.get(application_id), application_id, kelurahan)


async def floor_for(connection: Connection, exhibition: Exhibition, leavers: Iterable[Application]) -> Floor:
    """Return the booths of a held exhibition, and of the reserve as many as may be needed when some leave."""
    leaving = list(leavers)
    freed = Counter(application.kind for application in leaving if application.state in CHOSEN)
    reserve: list[Application] = []
    promised = await applications.count_promised(connection, exhibition.id) if freed else {}
    for kind, count in freed.items():
        # Some of those who leave may stand in the reserve themselves.
        reserve += await applications.load_reserve(connection, exhibition.id, kind, count + len(leaving))
    return Floor(exhibition, await exhibitions.list_booths(connection, exhibition.id), tuple(reserve), promised)


async def save_places(connection: Connection, places: Places, cause: Cause) -> None:
    """Store booths and applications that a deed moved, and their facts in order."""
    await exhibitions.save_booths(connection, places.booths)
    await applications.save_applications(connection, [change.after for change in places.changes])
    await publish(connection, places.changes, cause)


def saved(application: Application, places: Places) -> Saved:
    """Return what a deed came to for one application."""
    found = next((change.after for change in places.changes if change.after.id == application.id), application)
    return Saved(found.id, found.version)
