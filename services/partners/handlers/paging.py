"""A page of a stream for an agency, whichever way it takes: what is granted at that moment, and what of the stream passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.partners.commands import Terms
from services.partners.domain.agreements import in_force
from services.partners.domain.labels import stream_of
from services.partners.domain.models import Agreement
from services.partners.domain.refusals import NoAgreementError, StreamRefusedError
from services.partners.domain.showing import contract_of, passes, shown_fields
from services.partners.store import agreements
from services.partners.store import events as store
from services.partners.store.events import Kept
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection


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
    connection: Connection, stream: str, after: int, until: int, granted: Granted, size: int
) -> tuple[list[Kept], int]:
    """Return what passes of the next ``size`` events after a position, and up to where everything was looked at."""
    found = await store.read_events(connection, stream, after, until, granted.types, size)
    kept = [item for item in found if passes(item.event.meta.type, item.label, granted.terms)]
    return kept, found[-1].position if len(found) == size else until


def types_of(terms: Terms, stream: str) -> list[str]:
    """Return the types of a stream of which a text grants something."""
    return [
        grant.type
        for grant in terms.grants
        if (fact := contract_of(grant.type)) is not None
        and stream_of(fact.TOPIC) == stream
        and shown_fields(grant.type, terms)
    ]
