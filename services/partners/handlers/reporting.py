"""Who was given what: for an owner who asks, and after a breach. Told from ranges, texts and labels, which are kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.partners.commands import Terms
from services.partners.domain.showing import PERSONAL_PREFIX, passes, shown_fields
from services.partners.store import agreements, disclosures
from services.partners.store.disclosures import Given, Traced
from shared.database import Pool
from shared.refusals import NotFoundError

MOST_EVENTS = 5_000
"""So many events are read for one answer, and what the page holds that goes beyond it: each takes a kilobyte or two until it is sent."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An event that an agency was given, with the names of the fields that it was given of it."""

    event: Traced
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event of an owner in the hands of an agency."""

    agency: str
    title: str
    agreement_id: UUID
    revision: int
    purpose: str
    way: str
    given_at: datetime
    disclosed: Disclosed


@dataclass(frozen=True, slots=True)
class Breach:
    """A page that an agency was given, with what it held."""

    given: Given
    title: str
    disclosed: tuple[Disclosed, ...]


@dataclass(frozen=True, slots=True)
class Breaches:
    """Pages that agencies were given, and whether more come after them."""

    pages: Sequence[Breach]
    more: bool


class _Texts:
    """Texts of agreements by revision, each agreement read once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._found: dict[UUID, dict[int, Terms]] = {}

    async def of(self, agreement_id: UUID, revision: int) -> Terms:
        """Return a text. Raises ``NotFoundError``, which the log's own constraints rule out."""
        if agreement_id not in self._found:
            texts = await agreements.load_texts(self._pool, agreement_id)
            self._found[agreement_id] = {text.revision: text.terms for text in texts}
        try:
            return self._found[agreement_id][revision]
        except KeyError:
            raise NotFoundError("Naskah perjanjian", f"{agreement_id}/{revision}") from None


def disclosed(event: Traced, terms: Terms, *, withheld: bool) -> Disclosed | None:
    """Return what a text gave of an event, ``None`` if it did not pass; ``withheld``: its personal part was not given."""
    if not passes(event.type, event.label, terms):
        return None
    fields = sorted(shown_fields(event.type, terms))
    return Disclosed(event, tuple(name for name in fields if not (withheld and name.startswith(PERSONAL_PREFIX))))


async def report_owner(pool: Pool, owner_id: UUID) -> list[Receipt]:
    """Return every event that speaks of an owner and was given to an agency, in the order of giving."""
    texts, found = _Texts(pool), list[Receipt]()
    for trace in await disclosures.traces_of_owner(pool, owner_id):
        terms = await texts.of(trace.agreement_id, trace.revision)
        item = disclosed(trace.event, terms, withheld=trace.withheld)
        if item is not None:
            found.append(
                Receipt(
                    trace.agency,
                    terms.title,
                    trace.agreement_id,
                    trace.revision,
                    terms.purpose,
                    trace.way,
                    trace.given_at,
                    item,
                )
            )
    return found


async def report_between(pool: Pool, since: datetime, until: datetime, after: int, limit: int) -> Breaches:
    """Return pages that agencies were given from one instant until another, after a page's id: so many, or fewer where they hold much."""
    texts, found, read = _Texts(pool), list[Breach](), 0
    pages = await disclosures.pages_between(pool, since, until, after, limit + 1)
    for given in pages[:limit]:
        if read >= MOST_EVENTS:
            break
        page = given.page
        terms = await texts.of(page.agreement_id, page.revision)
        events = await disclosures.events_in(pool, page, [grant.type for grant in terms.grants])
        read += len(events)
        items = [disclosed(event, terms, withheld=event.position in page.withheld) for event in events]
        found.append(Breach(given, terms.title, tuple(item for item in items if item is not None)))
    return Breaches(found, more=len(found) < len(pages))
