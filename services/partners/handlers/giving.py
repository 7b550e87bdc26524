"""Whose topics are written, with what, and who is told of it before: agencies' under their agreements, public ones for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from services.partners.commands import Terms
from services.partners.domain.lanes import EVERYONE
from services.partners.domain.public import PUBLIC_STREAMS, PUBLIC_TERMS, public_form
from services.partners.domain.refusals import RefusalError
from services.partners.domain.showing import show, types_of, wants_personal
from services.partners.handlers.paging import Granted, granted_of
from services.partners.handlers.texts import Texts
from services.partners.store import disclosures, positions
from services.partners.store.events import Kept
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool
from shared.topology import agency_topic


@dataclass(frozen=True, slots=True)
class TopicLane:
    """A stream on its way into a topic."""

    agency: str
    """Whose topic it is; ``EVERYONE``: a public one."""
    stream: str
    topic: str


@dataclass(frozen=True, slots=True)
class Page:
    """What goes into a topic at once: of a stream, what passes after one position up to another."""

    after: int
    upto: int
    kept: list[Kept]


@dataclass(frozen=True, slots=True)
class Given:
    """What of a lane may be written now, in which form, and what is told before it is."""

    terms: Terms
    types: list[str]
    form: Callable[[Kept], dict[str, Any] | None]
    tell: Callable[[Page, int], Awaitable[bool]]
    """Called with a page and how many events it holds; ``False``: it may not leave any more."""
    counts: Callable[[], Awaitable[bool]]
    """Asked instead where the page was told already: whether it may still leave."""
    text: tuple[UUID, int] | None = None
    """The agreement and the revision by which it is given; ``None``: nobody agreed on it."""


class Giver(Protocol):
    """Says which lanes something waits for, and what of one may be written."""

    async def lanes(self) -> Sequence[TopicLane]:
        """Return the lanes for which something waits that may be written."""

    async def given(self, connection: Connection, lane: TopicLane, now: datetime) -> Given | None:
        """Return what may be written into a lane, as this snapshot has it; ``None``: nothing."""


class AgencyGiver:
    """Gives agencies what their agreements grant by Kafka; each page stands in the disclosure log before it leaves."""

    def __init__(self, pool: Pool, texts: Texts) -> None:
        self._pool = pool
        self._texts = texts

    async def lanes(self) -> Sequence[TopicLane]:
        """Return the lanes that wait for something granted."""
        waiting = await positions.waiting_lanes(self._pool)
        texts = await self._texts.load({(lane.id, lane.revision) for lane in waiting})
        granted = [lane for lane in waiting if texts[lane.id, lane.revision].types(lane.stream)]
        return [TopicLane(lane.agency, lane.stream, agency_topic(lane.agency).name) for lane in granted]

    async def given(self, connection: Connection, lane: TopicLane, now: datetime) -> Given | None:
        """Return what the agreement grants that counts now."""
        try:
            granted = await granted_of(connection, lane.agency, lane.stream, now, DeliveryWay.KAFKA)
        except RefusalError:
            return None
        text = granted.agreement.id, granted.agreement.revision
        return Given(
            granted.terms,
            granted.types,
            partial(_shown, granted.terms),
            partial(self._note, lane, granted),
            partial(disclosures.text_counts, self._pool, *text),
            text,
        )

    async def _note(self, lane: TopicLane, granted: Granted, page: Page, events: int) -> bool:
        """Note a page in the disclosure log: all personal parts are withheld, whatever the text grants."""
        noted = disclosures.Page(
            lane.agency,
            granted.agreement.id,
            granted.agreement.revision,
            DeliveryWay.KAFKA,
            lane.stream,
            page.after,
            page.upto,
            events,
            tuple(item.position for item in page.kept if wants_personal(item.event.meta.type, granted.terms)),
        )
        return await disclosures.insert_page(self._pool, noted)


class PublicGiver:
    """Gives everybody what is public. There is no agreement and nobody's data, so the disclosure log has nothing of it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lanes(self) -> Sequence[TopicLane]:
        """Return the lanes that wait for anything."""
        waiting = await positions.waiting_public(self._pool, list(PUBLIC_STREAMS))
        return [TopicLane(EVERYONE, stream, PUBLIC_STREAMS[stream]) for stream in waiting]

    async def given(self, _connection: Connection, lane: TopicLane, _now: datetime) -> Given | None:
        """Return what is public of a stream."""
        return Given(PUBLIC_TERMS, types_of(PUBLIC_TERMS, lane.stream), _public, _tell_nobody, _always)


def _shown(terms: Terms, item: Kept) -> dict[str, Any] | None:
    return show(item.event, item.label, terms)


def _public(item: Kept) -> dict[str, Any] | None:
    return public_form(item.event)


async def _tell_nobody(_page: Page, _events: int) -> bool:
    return True


async def _always() -> bool:
    return True
