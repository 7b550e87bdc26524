"""Assessments, changes of class, readiness for export, and workers over time."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from services.registry.domain.models import Business
from services.registry.store import SQL
from shared.contracts.progress import Aspect, BusinessAssessed, BusinessExportReadinessRecorded
from shared.contracts.registry import BusinessClassChanged, Workers
from shared.database import Pool, Queries, load_queries
from shared.outbox import Change


@cache
def queries() -> Queries:
    """Return the named statements about how far businesses have come."""
    return load_queries(SQL / "queries_progress.sql")


def new_assessment(fact: BusinessAssessed, sequence: int) -> Change:
    """Return what stores an assessment."""
    scores = {score.aspect: score.score for score in fact.scores}
    levels = [scores[aspect] for aspect in Aspect]
    return Change(
        queries().insert_assessment,
        (
            fact.assessment_id,
            fact.business_id,
            sequence,
            fact.method,
            fact.method_version,
            *levels,
            fact.assessor,
            fact.assessed_on,
        ),
    )


def new_class_change(
    change_id: UUID, fact: BusinessClassChanged, sequence: int, kelurahan: str, rise: int, actor: str
) -> Change:
    """Return what stores a change of class; ``rise`` is how many classes up."""
    current = fact.current
    return Change(
        queries().insert_class_change,
        (
            change_id,
            fact.business_id,
            sequence,
            kelurahan,
            fact.previous.kelas,
            current.kelas,
            rise,
            current.basis,
            current.year,
            current.source,
            [str(one) for one in fact.evidence],
            list(fact.flags),
            current.as_of,
            actor,
        ),
    )


def new_export_readiness(
    readiness_id: UUID, fact: BusinessExportReadinessRecorded, sequence: int, actor: str
) -> Change:
    """Return what stores the checklist as it was gone through."""
    items = json.dumps({item.code: item.met for item in fact.items})
    return Change(
        queries().insert_export_readiness,
        (readiness_id, fact.business_id, sequence, fact.checklist_version, items, fact.ready, fact.as_of, actor),
    )


def kept_workers(business: Business, workers: Workers, as_of: date) -> Change:
    """Return what keeps a count that is not the newest of its business."""
    counts = (workers.paid_men, workers.paid_women, workers.unpaid_men, workers.unpaid_women)
    return Change(queries().keep_workers, (business.id, as_of, *counts))


async def assessments(pool: Pool, business_id: UUID, after: int, limit: int) -> list[dict[str, Any]]:
    """Return assessments of a business after one of its versions."""
    rows = await pool.fetch(queries().assessments_of_business, business_id, after, limit)
    return [{**row, "scores": {aspect: row[aspect] for aspect in Aspect}} for row in rows]


async def class_changes(pool: Pool, business_id: UUID, after: int, limit: int) -> list[dict[str, Any]]:
    """Return changes of class of a business after one of its versions."""
    rows = await pool.fetch(queries().class_changes_of_business, business_id, after, limit)
    return [dict(row) for row in rows]


async def class_rises(
    pool: Pool, after: UUID, kelurahan: str | None, since: date | None, until: date | None, limit: int
) -> list[dict[str, Any]]:
    """Return who moved up a class, after an id, in its order."""
    rows = await pool.fetch(queries().class_rises, after, kelurahan, since, until, limit)
    return [dict(row) for row in rows]


async def export_readiness(pool: Pool, business_id: UUID, after: int, limit: int) -> list[dict[str, Any]]:
    """Return checklists of a business after one of its versions."""
    rows = await pool.fetch(queries().export_readiness_of_business, business_id, after, limit)
    return [{**row, "items": json.loads(row["items"])} for row in rows]


async def workers(pool: Pool, business_id: UUID, before: date, limit: int) -> list[dict[str, Any]]:
    """Return the counts of a business before a day, newest first."""
    return [dict(row) for row in await pool.fetch(queries().workers_of_business, business_id, before, limit)]
