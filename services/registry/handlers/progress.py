"""Commands on how far a business has come, and reading it: each with the row that its history keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.commands import ChangeBusinessClass, RecordWorkers
from services.registry.commands.progress import AssessBusiness, RecordExportReadiness
from services.registry.domain import businesses as business_rules
from services.registry.domain import progress as rules
from services.registry.domain.mentoring_refusals import NotTheMentorError
from services.registry.domain.models import Business, BusinessChange
from services.registry.handlers import Saved
from services.registry.handlers.businesses import act_on_business, find_business, load_business
from services.registry.reference.classes import rise_between
from services.registry.store import mentoring as mentoring_store
from services.registry.store import progress as store
from shared.contracts.progress import BusinessAssessed, BusinessExportReadinessRecorded
from shared.contracts.registry import BusinessClassChanged
from shared.database import Connection, Pool
from shared.identifiers import new_id
from shared.outbox import Cause, Change, day_of
from shared.sealing import KeyRing


async def _check_mentor(connection: Connection, business_id: UUID, account: str | None) -> None:
    """Raise ``NotTheMentorError`` unless the account is that of the business's mentor of now; none: the city's office."""
    if account is None:
        return
    await load_business(connection, business_id, None)  # locked, so that it is not handed over in between
    if await mentoring_store.account_of_mentor(connection, business_id) != account:
        raise NotTheMentorError


async def assess_business(
    connection: Connection, ring: KeyRing, command: AssessBusiness, account: str | None, cause: Cause
) -> Saved:
    """Record an assessment, by the city's office or (``account``) the mentor. Raises ``ScoresError`` and the like."""
    await _check_mentor(connection, command.business_id, account)

    def rows(_: Business, change: BusinessChange) -> Sequence[Change]:
        fact = BusinessAssessed.model_validate(change.drafts[0].fields)
        return [store.new_assessment(fact, change.after.version)]

    return await act_on_business(
        connection, ring, command, lambda b: rules.assess(b, command, cause.actor), cause, None, rows
    )


async def record_export_readiness(
    connection: Connection, ring: KeyRing, command: RecordExportReadiness, account: str | None, cause: Cause
) -> Saved:
    """Record the checklist for export, by the city's office or (``account``) the mentor. Raises ``UnknownItemError`` …"""
    await _check_mentor(connection, command.business_id, account)

    def rows(_: Business, change: BusinessChange) -> Sequence[Change]:
        fact = BusinessExportReadinessRecorded.model_validate(change.drafts[0].fields)
        return [store.new_export_readiness(command.readiness_id, fact, change.after.version, cause.actor)]

    return await act_on_business(
        connection, ring, command, lambda b: rules.record_export_readiness(b, command), cause, None, rows
    )


async def change_class(connection: Connection, ring: KeyRing, command: ChangeBusinessClass, cause: Cause) -> Saved:
    """Record a class. Raises ``EvidenceMissingError`` for a rise without any, and as every deed on a business."""

    def rows(before: Business, change: BusinessChange) -> Sequence[Change]:
        fact = BusinessClassChanged.model_validate(change.drafts[0].fields)
        rise = rise_between(fact.previous.kelas, fact.current.kelas)
        kelurahan, version = before.profile.kelurahan, change.after.version
        return [store.new_class_change(new_id(), fact, version, kelurahan, rise, cause.actor)]

    day = day_of(cause)
    return await act_on_business(
        connection, ring, command, lambda b: business_rules.change_class(b, command, day), cause, None, rows
    )


async def record_workers(
    connection: Connection, ring: KeyRing, command: RecordWorkers, cause: Cause, kelurahan: str | None
) -> Saved:
    """Record a count of workers; whichever of the two is not the newest any more is kept for the history."""

    def rows(before: Business, change: BusinessChange) -> Sequence[Change]:
        if change.after.workers_as_of != command.as_of:
            return [store.kept_workers(before, command.workers, command.as_of)]
        if before.workers is None or before.workers_as_of is None:
            return []
        return [store.kept_workers(before, before.workers, before.workers_as_of)]

    return await act_on_business(
        connection, ring, command, lambda b: business_rules.record_workers(b, command), cause, kelurahan, rows
    )


async def list_assessments(
    pool: Pool, business_id: UUID, kelurahan: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return assessments after a version of the business. Raises ``BusinessNotFoundError``."""
    await find_business(pool, business_id, kelurahan)
    return await store.assessments(pool, business_id, after, limit)


async def list_class_changes(
    pool: Pool, business_id: UUID, kelurahan: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return changes of class after a version of the business. Raises ``BusinessNotFoundError``."""
    await find_business(pool, business_id, kelurahan)
    return await store.class_changes(pool, business_id, after, limit)


async def list_class_rises(
    pool: Pool, after: UUID, kelurahan: str | None, since: date | None, until: date | None, limit: int
) -> list[dict[str, Any]]:
    """Return who moved up a class, after an id."""
    return await store.class_rises(pool, after, kelurahan, since, until, limit)


async def list_export_readiness(
    pool: Pool, business_id: UUID, kelurahan: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return checklists for export after a version of the business. Raises ``BusinessNotFoundError``."""
    await find_business(pool, business_id, kelurahan)
    return await store.export_readiness(pool, business_id, after, limit)


async def list_workers(
    pool: Pool, business_id: UUID, kelurahan: str | None, before: date, limit: int
) -> list[dict[str, Any]]:
    """Return counts of workers before a day, newest first. Raises ``BusinessNotFoundError``."""
    await find_business(pool, business_id, kelurahan)
    return await store.workers(pool, business_id, before, limit)
