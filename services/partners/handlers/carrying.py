"""Pages carried to one endpoint, of what is live and of what is posted again: noted, posted aggregate by aggregate, judged.

A page stands in the disclosure log before the first of it leaves. Its events go out only while it is fresh: the worker still serves the
endpoint, and the text still counts, as it was seen a moment ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import random
from time import monotonic
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from services.partners.domain.replays import Budget
from services.partners.domain.signing import signed_headers
from services.partners.domain.webhooks import NEVER_AGAIN, DisabledReason, Standing, after_failure
from services.partners.handlers.measuring import Measures
from services.partners.handlers.paging import passing, read_passing
from services.partners.handlers.posting import Outcome, Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.texts import Text, Texts
from services.partners.store import deliveries, webhooks
from services.partners.store import events as store
from services.partners.store.deliveries import Held, Place
from services.partners.store.events import Kept
from services.partners.store.webhooks import Try, Wrapped
from shared.database import Pool
from shared.keys import KeyClient
from shared.tracing import Attributes, Kind
from shared.tracing.telling import telling

PAGE = 100
"""Events of a page."""
SCANNED = 200
"""Events that are looked at for one."""
LASTS_SECONDS = 10.0
"""So long a page without names may go on leaving: then what became of it is stored. Whether its text counts is seen each second."""
AT_ONCE = 8
"""Events of different aggregates that one endpoint is posted at a time."""
FAILURES = 3
"""After so many in a page no other aggregate is tried: the endpoint is away."""
FRESH_SECONDS = 2.5
"""So long a page with names may go on leaving after it was made; and a worker that heard nothing of the database posts nothing."""

Write = Callable[[int, int, tuple[int, ...]], Awaitable[None]]
"""Stores up to where a page goes that is on its way from now on, how many events it has, and the positions whose names it withholds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What all endpoints of a process share."""

    pool: Pool
    keys: KeyClient
    poster: Poster
    box: SecretBox
    budget: Budget
    texts: Texts
    tails: Tails
    measures: Measures = field(default_factory=Measures)
    chance: Callable[[], float] = random


@dataclass(slots=True)
class Page:
    """What is to be posted of a stream."""

    place: Place
    upto: int
    chains: list[list[Kept]]
    """The events of each aggregate that are not delivered yet, in order."""
    bodies: dict[int, bytes]
    held: Held
    """The endpoint as it was seen when the page was made: under which text, and which epoch."""
    fresh_until: float
    replay_id: UUID | None = None
    tries: list[Try] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)
    delivered: int = 0

    def move(self) -> None:
        """Move the place over what was delivered; after a success it waits for no earlier failure."""
        place = self.place
        left = [item.position for chain in self.chains for item in chain if item.position not in place.done]
        place.position = min(left) - 1 if left else self.upto
        place.done = {position for position in place.done if position > place.position}
        if self.delivered:
            place.tries, place.failing_since, place.due_at = 0, None, None


class Carrier:
    """Carries pages to one endpoint as long as it is held."""

    def __init__(self, means: Means, held: Held, seen_at: float) -> None:
        self.means = means
        self.held, self._seen_at = held, seen_at
        self._secrets: tuple[int, list[tuple[Wrapped, bytes]]] | None = None
        self.over = False
        """Nobody may post to it any more, or somebody else does."""

    def see(self, held: Held, seen_at: float) -> None:
        """Take what was seen of the endpoint now."""
        self.held, self._seen_at = held, seen_at

    def now(self) -> datetime:
        """Return the database's time."""
        return self.held.now + timedelta(seconds=monotonic() - self._seen_at)

    async def granted(self, held: Held) -> Text | None:
        """Return the text that was seen to grant. Whether it still does is asked when the page is noted."""
        key = (held.agreement_id, held.revision)
        return (await self.means.texts.load({key})).get(key)

    async def read(self, place: Place, text: Text, target: int) -> tuple[list[Kept] | None, int]:
        """Return what is granted after a place, and how far was looked; ``None``: some of it is not kept any more.

        What all endpoints of this process are at is read once for all of them.
        """
        types = text.types(place.stream)
        near = await self.means.tails.read(place.stream, place.position, target) if types else None
        if near is not None:
            return passing([item.kept() for item in near if item.type in types], text.terms, PAGE, target)
        return await self.read_kept(place, text, target, SCANNED, PAGE)

    async def read_kept(
        self, place: Place, text: Text, target: int, scanned: int, limit: int
    ) -> tuple[list[Kept] | None, int]:
        """Return the same from the database alone: what the retention takes is not replayed from memory."""
        pool, types = self.means.pool, text.types(place.stream)
        if not types:
            return [], target
        kept, upto = await read_passing(pool, place.stream, place.position, target, text.terms, types, scanned, limit)
        # Looked at afterwards: what was deleted before the reading has moved the beginning of the stream before it too.
        stream = await store.find_stream(pool, place.stream, None)
        if stream is None or place.position < stream.first - 1:
            return None, place.position
        return kept, upto

    async def note(
        self, held: Held, place: Place, upto: int, count: int, withheld: tuple[int, ...], write: Write
    ) -> bool:
        """Write a page into the disclosure log, with its place; ``False``: the text does not count any more.

        What is told there already, in the same form, is not told again.
        """
        same = (place.noted_agreement, place.noted_revision) == (held.agreement_id, held.revision)
        told = {position for position in place.noted_withheld if place.position < position <= upto}
        if same and upto <= place.noted_upto and told == set(withheld):
            return await deliveries.text_counts(self.means.pool, held)
        await write(upto, count, withheld)
        place.noted_agreement, place.noted_revision = held.agreement_id, held.revision
        place.noted_upto, place.noted_withheld = upto, withheld
        return True

    async def post_page(self, page: Page) -> None:
        """Post a page: aggregates side by side, so many at a time, each in its order."""
        secrets = await self.signing()
        chains = iter(page.chains)

        async def work() -> None:
            for chain in chains:
                for item in chain:
                    if not self._may_leave(page):
                        return
                    outcome = await self._post_item(page, item, secrets)
                    if not outcome.taken:
                        page.failures.append(outcome)
                        break
                    page.place.done.add(item.position)
                    page.delivered += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(page.chains))):
                group.create_task(work())

    async def _post_item(self, page: Page, item: Kept, secrets: Sequence[bytes]) -> Outcome:
        """Post one event. It is told under the span of who follows it, but not when it is posted again for a replay."""
        meta = item.event.meta
        parent = None if page.replay_id else meta.traceparent
        with telling(parent, "POST webhook", Kind.CLIENT, partial(self._described, item)) as told:
            outcome = await self.post(str(meta.id), page.bodies[item.position], secrets, told.traceparent)
            told.error = outcome.error
            if outcome.status is not None:
                told.attributes["http.response.status_code"] = outcome.status
        page.tries.append(self.try_of(outcome, meta.id, meta.type, page.place.stream, item.position))
        return outcome

    def _described(self, item: Kept) -> Attributes:
        """Return what the span of a post says. Of the address the host alone: the rest may hold a secret of the agency."""
        return {
            "http.request.method": "POST",
            "server.address": urlsplit(self.held.url).hostname or "",
            "messaging.message.id": str(item.event.meta.id),
            "cloudevents.event_type": item.event.meta.type,
            "naikkelas.agency": self.held.agency,
            "naikkelas.webhook.id": str(self.held.id),
        }

    def _may_leave(self, page: Page) -> bool:
        now, made = self.held, page.held
        counts = (now.epoch, now.agreement_id, now.revision) == (made.epoch, made.agreement_id, made.revision)
        fresh = not self.over and counts and monotonic() < min(page.fresh_until, self._seen_at + FRESH_SECONDS)
        wanted = page.replay_id is None or page.replay_id == self.held.replay_id
        away = len(page.failures) >= FAILURES or any(failure.status == NEVER_AGAIN for failure in page.failures)
        return fresh and wanted and not away

    async def signing(self) -> list[bytes]:
        """Return the secrets that are valid now, the newest first."""
        if self._secrets is None or self._secrets[0] != self.held.version:
            found = await webhooks.load_secrets(self.means.pool, [self.held.id], self.now())
            self._secrets = (self.held.version, [(item, self.means.box.open(item)) for item in found])
        now = self.now()
        return [plain for item, plain in self._secrets[1] if item.expires_at is None or item.expires_at > now]

    async def post(
        self, message_id: str, body: bytes, secrets: Sequence[bytes], traceparent: str | None = None
    ) -> Outcome:
        """Post one body, signed, and return what came of it; ``traceparent`` lets who takes it go on with the trace."""
        headers = signed_headers(secrets, message_id, self.now(), body)
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return await self.means.poster.post(self.held.url, body, headers)

    def try_of(self, outcome: Outcome, event_id: UUID, type_name: str, stream: str | None, position: int | None) -> Try:
        """Return what is told of posting an event once; without a stream it was a test."""
        return Try(stream, position, event_id, type_name, outcome.status, outcome.error, outcome.millis, self.now())

    def fail(self, place: Place, failures: Sequence[Outcome]) -> DisabledReason | None:
        """Let a place wait after failures; return why nothing more is tried, if that is so."""
        if any(failure.status == NEVER_AGAIN for failure in failures):
            return DisabledReason.DIJAWAB_410
        asked = max((failure.asked for failure in failures if failure.asked), default=None)
        failed = after_failure(Standing(place.tries, place.failing_since), self.now(), asked, self.means.chance())
        place.tries, place.failing_since = failed.standing.tries, failed.standing.failing_since
        if failed.due_at is None:
            return DisabledReason.GAGAL_TIGA_HARI
        place.due_at = failed.due_at
        log.info(
            "webhook_waits", webhook=str(self.held.id), stream=place.stream, error=failures[0].error, tries=place.tries
        )
        return None

    def ended(self, reason: DisabledReason) -> None:
        """Post nothing more: it was disabled."""
        self.over = True
        log.warning("webhook_disabled", webhook=str(self.held.id), agency=self.held.agency, reason=reason.value)


def chains_of(kept: Sequence[Kept], done: set[int]) -> list[list[Kept]]:
    """Return what is not delivered yet by aggregate, each in its order, in the order of their first."""
    found: dict[str, list[Kept]] = {}
    for item in kept:
        if item.position not in done:
            found.setdefault(item.event.meta.subject, []).append(item)
    return list(found.values())
