"""A page of a stream for an agency, whichever way it takes: what is granted at that moment, and what of the stream passes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.partners.commands import Terms
from services.partners.domain.agreements import in_force
from services.partners.domain.cursors import Cursor
from services.partners.domain.models import Agreement
from services.partners.domain.refusals import NoAgreementError, StreamRefusedError
from services.partners.domain.showing import filters_of, passes, show, shown_fields, types_of, wants_personal
from services.partners.handlers.opening import open_parts
from services.partners.store import agreements
from services.partners.store import events as store
from services.partners.store.events import Kept
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool
from shared.keys import KeyClient

MOST_FORMS = 8
"""Of an event so many are remembered."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an agency may have of a stream now."""

    agreement: Agreement
    terms: Terms
    types: list[str]
    """Types of the stream of which something is granted; never none."""


async def granted_of(connection: Connection, agency: str, stream: str, now: datetime, way: DeliveryWay) -> Granted:
    """Return what an agency may have of a stream by a way. Raises the refusals of ``in_force``, and ``StreamRefusedError``."""
    agreement = await agreements.agreement_of(connection, agency)
    terms = in_force(agency, agreement, now, way)
    if agreement is None:  # in_force has refused that
        raise NoAgreementError(agency, None)
    types = types_of(terms, stream)
    if not types:
        raise StreamRefusedError(stream)
    return Granted(agreement, terms, types)


async def read_passing(
    source: Connection | Pool,
    stream: str,
    after: int,
    until: int,
    terms: Terms,
    types: list[str],
    size: int,
    limit: int,
) -> tuple[list[Kept], int]:
    """Return what passes a text of the next ``size`` events of its ``types`` after a position, ``limit`` at most.

    And the position up to which everything was looked at.
    """
    found, upto = await read_types(source, stream, after, until, types, size)
    return passing(found, terms, limit, upto)


async def read_types(
    source: Connection | Pool, stream: str, after: int, until: int, types: Collection[str], size: int
) -> tuple[list[Kept], int]:
    """Return the next ``size`` events of some types after a position, and the position up to which that is all of them."""
    found = await store.read_events(source, stream, after, until, types, size)
    return found, found[-1].position if len(found) == size else until


def passing(found: Sequence[Kept], terms: Terms, limit: int, upto: int) -> tuple[list[Kept], int]:
    """Return what passes a text of what was found up to a position, ``limit`` at most; and up to where it was looked at."""
    if filters_of(terms):
        kept = [item for item in found if passes(item.event.meta.type, item.label, terms)]
    else:
        granted = {name for name in {item.event.meta.type for item in found} if shown_fields(name, terms)}
        kept = [item for item in found if item.event.meta.type in granted]
    return (kept[:limit], kept[limit - 1].position) if len(kept) > limit else (kept, upto)


async def shape(
    pool: Pool, keys: KeyClient, terms: Terms, kept: Sequence[Kept]
) -> tuple[dict[int, dict[str, Any]], tuple[int, ...]]:
    """Return what an agency sees of events, by position, and the positions whose personal part is granted but withheld.

    Raises ``KeysAwayError``.
    """
    opened, withheld = await open_parts(pool, keys, terms, kept)
    shown = {item.position: show(item.event, item.label, terms, opened.get(item.position)) for item in kept}
    return {position: event for position, event in shown.items() if event is not None}, withheld


def wanting_names(terms: Terms, kept: Sequence[Kept]) -> bool:
    """Tell whether the sealed part of any of these events is granted: such a page is made anew each time."""
    return any(wants_personal(type_name, terms) for type_name in {item.event.meta.type for item in kept})


def open_forms(terms: Terms, kept: Sequence[Kept]) -> dict[int, bytes]:
    """Return what is posted of events that pass a text and of whose sealed parts nothing is granted, by position.

    Agencies that see the same fields of an event see the same bytes, so they are made once.
    """
    fields = {name: shown_fields(name, terms) for name in {item.event.meta.type for item in kept}}
    return {item.position: _form(terms, item, fields[item.event.meta.type]) for item in kept}


def _form(terms: Terms, item: Kept, fields: frozenset[str]) -> bytes:
    found = item.forms.get(fields)
    if found is None:
        found = orjson.dumps(show(item.event, item.label, terms))
        if len(item.forms) < MOST_FORMS:
            item.forms[fields] = found
    return found


async def kept_of(connection: Connection, stream: str, cursor: Cursor, history: int, first: int) -> int:
    """Return how far what a cursor tells of is what the store holds: its position, or where its history left the one that goes on.

    Of a history that this store knows nothing of nothing can be said, so it is read again from ``first``, the first that is kept: an event
    that comes twice is told by its id, and one that never comes by nothing.
    """
    if cursor.history == history:
        return cursor.position
    shared = await store.shared_with_history(connection, stream, cursor.history)
    return min(cursor.position, first - 1 if shared is None else shared)
