"""The disclosure log: a row for each page that an agency was given, and what it held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.partners.domain.models import Label
from services.partners.store import queries
from services.partners.store.events import label_of
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Page:
    """A page that an agency was given: what of a range of a stream passes a text."""

    agency: str
    agreement_id: UUID
    revision: int
    way: DeliveryWay
    stream: str
    after: int
    upto: int
    events: int
    withheld: tuple[int, ...]
    """Positions of events whose personal part was granted, but not given: erased, or no consent."""
    endpoint: UUID | None = None
    """To which endpoint it was posted; ``None``: not by webhook."""


@dataclass(frozen=True, slots=True)
class Given:
    """A page as the log has it."""

    id: int
    given_at: datetime
    page: Page


@dataclass(frozen=True, slots=True)
class Traced:
    """What is kept of an event for ever."""

    stream: str
    position: int
    event_id: UUID
    type: str
    subject: UUID
    label: Label


@dataclass(frozen=True, slots=True)
class OwnerTrace:
    """An event that speaks of an owner, and a page whose range holds it."""

    agency: str
    agreement_id: UUID
    revision: int
    way: str
    given_at: datetime
    withheld: bool
    event: Traced


async def insert_page(connection: Connection | Pool, page: Page) -> bool:
    """Write that a page is given; ``False``: its text does not count any more, and it must not be."""
    found = await connection.fetchval(
        queries().insert_disclosure,
        page.agency,
        page.agreement_id,
        page.revision,
        page.way.value,
        page.stream,
        page.after,
        page.upto,
        page.events,
        list(page.withheld),
        page.endpoint,
    )
    return found is not None


async def text_counts(connection: Connection | Pool, agreement_id: UUID, revision: int) -> bool:
    """Tell whether a text counts now: a page of it may be given."""
    return bool(await connection.fetchval(queries().text_counts, agreement_id, revision))


def _given(row: asyncpg.Record) -> Given:
    page = Page(
        row["agency"],
        row["agreement_id"],
        row["revision"],
        DeliveryWay(row["way"]),
        row["stream"],
        row["after_position"],
        row["upto_position"],
        row["events"],
        tuple(row["withheld"]),
    )
    return Given(row["id"], row["given_at"], page)


async def pages_between(pool: Pool, since: datetime, until: datetime, after: int, limit: int) -> list[Given]:
    """Return the pages given from one instant until another, after an id."""
    return [_given(row) for row in await pool.fetch(queries().disclosures_between, since, until, after, limit)]


def _traced(row: asyncpg.Record, stream: str) -> Traced:
    return Traced(stream, row["position"], row["event_id"], row["type"], row["subject"], label_of(row))


async def events_in(pool: Pool, page: Page, types: Collection[str]) -> Sequence[Traced]:
    """Return the events of some types in a page's range, whether or not they passed."""
    rows = await pool.fetch(queries().labels_between, page.stream, page.after, page.upto, list(types))
    return [_traced(row, page.stream) for row in rows]


async def traces_of_owner(pool: Pool, owner_id: UUID) -> list[OwnerTrace]:
    """Return every event that speaks of an owner with every page whose range holds it, whether or not it passed."""
    return [
        OwnerTrace(
            row["agency"],
            row["agreement_id"],
            row["revision"],
            row["way"],
            row["given_at"],
            row["position"] in row["withheld"],
            _traced(row, row["stream"]),
        )
        for row in await pool.fetch(queries().disclosures_of_owner, owner_id)
    ]
