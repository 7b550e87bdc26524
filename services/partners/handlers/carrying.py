"""Pages carried to one endpoint, of what is live and of what is posted again: noted, posted aggregate by aggregate, judged.

A page stands in the disclosure log before the first of it leaves. Its events go out only while it is fresh: the worker still serves the
endpoint, and the text still counts, as it was seen a moment ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import random
from time import monotonic
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from services.partners.domain.replays import Budget
from services.partners.domain.signing import Signer, signed_headers
from services.partners.domain.webhooks import NEVER_AGAIN, DisabledReason, Standing, after_failure
from services.partners.handlers.measuring import Measures
from services.partners.handlers.paging import passing
from services.partners.handlers.posting import Attempt, Outcome, Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails, read_stored
from services.partners.handlers.texts import Text, Texts
from services.partners.store import deliveries, webhooks
from services.partners.store.deliveries import Held, Place
from services.partners.store.events import Kept
from services.partners.store.webhooks import Try, Wrapped
from shared.database import Pool
from shared.keys import KeyClient
from shared.tracing import Attributes, Kind, active
from shared.tracing.telling import telling

PAGE = 200
"""Events of a page."""
LASTS_SECONDS = 10.0
"""So long a page without names may go on leaving: then what became of it is stored. Whether its text counts is seen each second."""
AT_ONCE = 8
"""Events of different aggregates that one endpoint is posted at a time."""
SIGNED_AT_ONCE = 25
"""Events that are signed one after the other, aggregate by aggregate."""
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
    attempts: list[Attempt] = field(default_factory=list)
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
        self.see(held, seen_at)
        self._signers: tuple[int, list[tuple[Wrapped, Signer]]] | None = None
        self.over = False
        """Nobody may post to it any more, or somebody else does."""

    def see(self, held: Held, seen_at: float) -> None:
        """Take what was seen of the endpoint now."""
        self.held, self._seen_at = held, seen_at
        self._zero = held.now.timestamp() - seen_at

    def now(self) -> datetime:
        """Return the database's time."""
        return self.held.now + timedelta(seconds=monotonic() - self._seen_at)

    def seconds(self) -> float:
        """Return the database's time in seconds since 1970."""
        return self._zero + monotonic()

    async def granted(self, held: Held) -> Text | None:
        """Return the text that was seen to grant. Whether it still does is asked when the page is noted."""
        key = (held.agreement_id, held.revision)
        return (await self.means.texts.load({key})).get(key)

    async def read(self, place: Place, text: Text, target: int) -> tuple[list[Kept] | None, int]:
        """Return what is granted after a place, and how far was looked; ``None``: some of it is not kept any more.

        What all endpoints of this process are at is read once for all of them.
        """
        tails, stream, types = self.means.tails, place.stream, text.types(place.stream)
        if not types:
            return [], target
        near = await tails.read(stream, place.position, target)
        if near is not None:
            return passing([item.kept() for item in near if item.type in types], text.terms, PAGE, target)
        return _passing(await tails.read_behind(stream, types, place.position, target), place, text, PAGE)

    async def read_kept(
        self, place: Place, text: Text, target: int, scanned: int, limit: int
    ) -> tuple[list[Kept] | None, int]:
        """Return the same from the database alone: what the retention takes is not replayed from memory."""
        types = text.types(place.stream)
        if not types:
            return [], target
        found = await read_stored(self.means.pool, place.stream, types, place.position, target, scanned)
        return _passing(found, place, text, limit)

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
        signing = _Signing(page, await self.signing(), self.seconds)
        chains = iter(page.chains)

        async def work() -> None:
            for chain in chains:
                for item in chain:
                    if not self._may_leave(page):
                        return
                    outcome = await self._post_item(page, item, signing.headers(item))
                    if not outcome.taken:
                        page.failures.append(outcome)
                        break
                    page.place.done.add(item.position)
                    page.delivered += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(page.chains))):
                group.create_task(work())

    async def _post_item(self, page: Page, item: Kept, headers: dict[str, str]) -> Outcome:
        """Post one event. It is told under the span of who follows it, but not when it is posted again for a replay."""
        parent, body = item.event.meta.traceparent, page.bodies[item.position]
        if parent is None or page.replay_id is not None or active() is None:  # as mostly: nothing is made for a span
            outcome = await self.means.poster.post(self.held.url, body, headers)
        else:
            outcome = await self._post_told(item, body, headers, parent)
        page.attempts.append(Attempt(item, outcome, self.seconds()))
        return outcome

    async def _post_told(self, item: Kept, body: bytes, headers: dict[str, str], parent: str) -> Outcome:
        """Post under a span, which lets who takes the event go on with the trace."""
        with telling(parent, "POST webhook", Kind.CLIENT, partial(self._described, item)) as told:
            if told.traceparent is not None:
                headers["traceparent"] = told.traceparent
            outcome = await self.means.poster.post(self.held.url, body, headers)
            told.error = outcome.error
            if outcome.status is not None:
                told.attributes["http.response.status_code"] = outcome.status
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
        now, made, moment = self.held, page.held, monotonic()
        counts = now is made or _granted_by(now) == _granted_by(made)
        fresh = not self.over and counts and moment < page.fresh_until and moment < self._seen_at + FRESH_SECONDS
        wanted = page.replay_id is None or page.replay_id == now.replay_id
        return fresh and wanted and not (page.failures and _is_away(page.failures))

    async def signing(self) -> list[Signer]:
        """Return what signs with the secrets that are valid now, the newest first."""
        if self._signers is None or self._signers[0] != self.held.version:
            found = await webhooks.load_secrets(self.means.pool, [self.held.id], self.now())
            self._signers = (self.held.version, [(item, Signer(self.means.box.open(item))) for item in found])
        now = self.now()
        return [signer for item, signer in self._signers[1] if item.expires_at is None or item.expires_at > now]

    async def post(self, message_id: str, body: bytes) -> Outcome:
        """Post one body, signed, and return what came of it."""
        headers = signed_headers(await self.signing(), message_id, self.seconds(), body)
        return await self.means.poster.post(self.held.url, body, headers)

    def fail(self, place: Place, failures: Sequence[Outcome]) -> DisabledReason | None:
        """Let a place wait after failures; return why nothing more is tried, if that is so."""
        if _is_gone(failures):
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


class _Signing:
    """Signs what a page posts, some events at a time: one by one between two posts each costs three times as much.

    The time in a signature is that of its slice, so at most as much older than the post as the page may go on leaving.
    """

    def __init__(self, page: Page, signers: Sequence[Signer], seconds: Callable[[], float]) -> None:
        self._bodies, self._signers, self._seconds = page.bodies, signers, seconds
        self._left = (item for chain in page.chains for item in chain)
        self._signed: dict[int, dict[str, str]] = {}

    def headers(self, item: Kept) -> dict[str, str]:
        """Return the headers of an event of the page, once."""
        while item.position not in self._signed and (some := list(islice(self._left, SIGNED_AT_ONCE))):
            now = self._seconds()
            for other in some:
                body = self._bodies[other.position]
                self._signed[other.position] = signed_headers(self._signers, str(other.event.meta.id), now, body)
        return self._signed.pop(item.position)


def _passing(
    found: tuple[list[Kept], int] | None, place: Place, text: Text, limit: int
) -> tuple[list[Kept] | None, int]:
    return (None, place.position) if found is None else passing(found[0], text.terms, limit, found[1])


def _granted_by(held: Held) -> tuple[int, UUID, int]:
    return held.epoch, held.agreement_id, held.revision


def _is_away(failures: Sequence[Outcome]) -> bool:
    """Tell whether no other aggregate is tried after these failures."""
    return len(failures) >= FAILURES or _is_gone(failures)


def _is_gone(failures: Sequence[Outcome]) -> bool:
    """Tell whether the endpoint wants nothing any more."""
    return any(failure.status == NEVER_AGAIN for failure in failures)


def tries_of(page: Page) -> list[Try]:
    """Return what is kept of the attempts of a page, the newest last."""
    return [
        Try(
            page.place.stream,
            item.position,
            item.event.meta.id,
            item.event.meta.type,
            outcome.status,
            outcome.error,
            outcome.millis,
            datetime.fromtimestamp(seconds, UTC),
        )
        for item, outcome, seconds in page.attempts[-deliveries.RING :]
    ]


def chains_of(kept: Sequence[Kept], done: set[int]) -> list[list[Kept]]:
    """Return what is not delivered yet by aggregate, each in its order, in the order of their first."""
    found: dict[str, list[Kept]] = {}
    for item in kept:
        if item.position not in done:
            found.setdefault(item.event.meta.subject, []).append(item)
    return list(found.values())
