"""Commands on applications: apply, give up, refuse; and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.events.commands import Apply, RejectApplication, WithdrawApplication
from services.events.domain import applying as rules
from services.events.domain import placing
from services.events.domain.models import LEAVABLE, Application, History, Places
from services.events.handlers import Saved, publish
from services.events.handlers.curating import trainings_since
from services.events.handlers.holding import (
    floor_for,
    hold_applicant,
    lock_application,
    save_places,
    saved,
    share_exhibition,
    visible,
)
from services.events.store import applications as store
from services.events.store import exhibitions
from services.events.store.applications import Scored
from shared.contracts.exhibitions import ApplicationCause, ApplicationState
from shared.database import Connection, Pool
from shared.outbox import Cause
from shared.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class Shown:
    """One application with what a curator looks at."""

    application: Application
    history: History
    scored: list[Scored]


async def apply(connection: Connection, command: Apply, cause: Cause, kelurahan: str | None) -> Saved:
    """Apply with a business, which is held: so there is one live application, however many ask at once.

    Raises ``AlreadyAppliedError``, ``ApplicationsClosedError``, ``UnknownBusinessError`` and the like.
    """
    applicant = await hold_applicant(
        connection, command.owner_id, command.business_id, command.exhibition_id, kelurahan
    )
    exhibition = await share_exhibition(connection, command.exhibition_id)
    change = rules.apply(exhibition, command, applicant, cause.now)
    await publish(connection, [change], cause, store.new_application(change.after, cause.actor))
    return Saved(change.after.id, change.after.version)


async def withdraw(connection: Connection, command: WithdrawApplication, cause: Cause, kelurahan: str | None) -> Saved:
    """Give an application up; its place goes to the next in reserve. Said twice, the second changes nothing."""
    exhibition, application = await lock_application(connection, command.application_id, kelurahan)
    floor = await floor_for(connection, exhibition, [application])
    places = placing.withdraw(floor, application, command.expected_version, command.cause, cause.now)
    await save_places(connection, places, cause)
    return saved(application, places)


async def reject(connection: Connection, command: RejectApplication, cause: Cause) -> Saved:
    """Refuse somebody to whom no place was given."""
    exhibition, application = await lock_application(connection, command.application_id)
    places = Places((), (rules.reject(exhibition, application, command),))
    await save_places(connection, places, cause)
    return saved(application, places)


async def release_erased(connection: Connection, erased: Mapping[UUID, Cause]) -> None:
    """Give up what owners who were erased have open: nobody can be told of a place that is kept for them."""
    for found in await store.live_applications_of(connection, erased):
        exhibition, application = await lock_application(connection, found.id)
        if application.state in LEAVABLE:
            floor = await floor_for(connection, exhibition, [application])
            cause = erased[application.owner_id]
            places = placing.give_up(floor, [application], ApplicationCause.PEMILIK_DIHAPUS, cause.now)
            await save_places(connection, places, cause)


async def show_application(pool: Pool, application_id: UUID, kelurahan: str | None) -> Shown:
    """Return an application that a caller of ``kelurahan`` may see, else ``NotFoundError``."""
    application = visible(await store.find_application(pool, application_id), application_id, kelurahan)
    exhibition = await exhibitions.find_exhibition(pool, application.exhibition_id)
    if exhibition is None:
        raise NotFoundError("Pameran", application.exhibition_id)
    history = await store.history_of(
        pool, exhibition.id, application.business_id, trainings_since(exhibition), exhibition.starts_on
    )
    if history is None:
        raise NotFoundError("Usaha", application.business_id)
    return Shown(application, history, await store.list_scores(pool, application_id))


async def list_applications(
    pool: Pool, exhibition_id: UUID, after: UUID, state: ApplicationState | None, kelurahan: str | None, limit: int
) -> list[Application]:
    """Return applications of an exhibition after an id."""
    return await store.list_applications(pool, exhibition_id, after, state, kelurahan, limit)
