"""One endpoint served: page by page of each stream, each aggregate in its order, several aggregates at a time.

A page stands in the disclosure log before the first of it leaves. Its events go out only while it is fresh: the worker still serves the
endpoint, and the text still counts, as it was seen a moment ago. What was not delivered is found again at its position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
import structlog

from services.partners.commands import Terms
from services.partners.domain.signing import signed_headers
from services.partners.domain.webhooks import NEVER_AGAIN, DisabledReason, Standing, after_failure
from services.partners.handlers import SOURCE
from services.partners.handlers.paging import read_passing, shape, types_of
from services.partners.handlers.posting import Outcome, Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.store import agreements, deliveries, disclosures, webhooks
from services.partners.store import events as store
from services.partners.store.deliveries import Held, NotOursError, Place
from services.partners.store.events import Kept
from services.partners.store.webhooks import Try, Wrapped
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool
from shared.envelope import format_time
from shared.keys import KeyClient

PAGE = 100
SCANNED = 200
AT_ONCE = 8
"""Events of different aggregates that one endpoint is posted at a time."""
FAILURES = 3
"""After so many in a page no other aggregate is tried: the endpoint is away."""
FRESH_SECONDS = 2.5
"""So long a page may go on leaving after it was made; and a worker that heard nothing of the database posts nothing."""
SHORTEST_SECONDS = 0.02
LAZY_SECONDS = 2.0
"""How often it is stored that nothing was to deliver."""
TEST_TYPE = "id.go.balikpapan.umkm.webhook.tested.v1"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What all endpoints of a process share."""

    pool: Pool
    keys: KeyClient
    poster: Poster
    box: SecretBox
    chance: Callable[[], float] = random


@dataclass(slots=True)
class _Page:
    """What is to be posted of a stream."""

    place: Place
    upto: int
    chains: list[list[Kept]]
    """The events of each aggregate that are not delivered yet, in order."""
    shown: dict[int, dict[str, Any]]
    fresh_until: float
    tries: list[Try] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)
    stopped: bool = False
    delivered: int = 0


class Serving:
    """Serves one endpoint as long as it is held."""

    def __init__(self, means: Means, held: Held, seen_at: float) -> None:
        self._means = means
        self._held, self._seen_at = held, seen_at
        self._terms: tuple[tuple[UUID, int], Terms] | None = None
        self._secrets: tuple[int, list[tuple[Wrapped, bytes]]] | None = None
        self._places: dict[str, Place] = {}
        self._passed: set[str] = set()
        """Streams of which it is not stored yet that something was passed over."""
        self._stored_at = float("-inf")
        self._tested: UUID | None = None
        self.wake = asyncio.Event()
        self.over = False
        """Nobody may post to it any more, or somebody else does."""

    @property
    def held(self) -> Held:
        """Return the endpoint as it was seen last."""
        return self._held

    def see(self, held: Held, seen_at: float) -> None:
        """Take what was seen of the endpoint now, and look what is to do. Under another epoch its places are read anew."""
        if held.epoch != self._held.epoch:
            self.forget()
        self._held, self._seen_at = held, seen_at
        self.wake.set()

    def forget(self) -> None:
        """Read the places anew: what was stored of them last is not known."""
        self._places, self._passed = {}, set()

    def now(self) -> datetime:
        """Return the database's time."""
        return self._held.now + timedelta(seconds=monotonic() - self._seen_at)

    async def turn(self, heads: dict[str, int]) -> bool:
        """Do once what is to do; return whether anything was. Raises ``NotOursError``, ``KeysAwayError``, errors of the database."""
        if not self._places:
            self._places = await deliveries.load_places(self._means.pool, self._held.id)
        moved = await self._test() if self._held.test_id not in {None, self._tested} else False
        await self._store_passed()
        for place in self._places.values():
            due = place.due_at is None or place.due_at <= self.now()
            if not self.over and due and heads.get(place.stream, 0) > place.position:
                moved = await self._serve(place, heads[place.stream]) or moved
        return moved

    def next_due(self) -> float:
        """Return in how many seconds to look again, at most a minute: when something that failed is due, never at once."""
        now = self.now()
        waits = [(place.due_at - now).total_seconds() for place in self._places.values() if place.due_at]
        return min([60.0, *(max(wait, SHORTEST_SECONDS) for wait in waits if wait > 0)])

    async def _serve(self, place: Place, head: int) -> bool:
        made_at = monotonic()
        terms = await self._granted()
        if terms is None:
            return False
        target = place.noted_upto if place.noted_upto > place.position else head
        kept, upto = await self._read(place, terms, target)
        if kept is None:
            await self._disable(DisabledReason.RIWAYAT_DIHAPUS)
            return False
        if not kept:
            self._pass_over(place, upto)
            return True
        shown, withheld = await shape(self._means.pool, self._means.keys, terms, kept)
        if not await self._note(place, upto, len(shown), withheld):
            return False
        page = _Page(place, upto, _chains(kept, place.done), shown, made_at + FRESH_SECONDS)
        await self._post_page(page)
        await self._settle(page)
        return page.delivered > 0

    async def _granted(self) -> Terms | None:
        """Return the text that grants; ``None``: another one does since a moment."""
        key = (self._held.agreement_id, self._held.revision)
        if self._terms is None or self._terms[0] != key:
            agreement = await agreements.find_agreement(self._means.pool, key[0])
            if agreement is None or agreement.terms is None or agreement.revision != key[1]:
                return None
            self._terms = (key, agreement.terms)
        return self._terms[1]

    async def _read(self, place: Place, terms: Terms, target: int) -> tuple[list[Kept] | None, int]:
        """Return what is granted after a place, and how far was looked; ``None``: some of it is not kept any more."""
        types = types_of(terms, place.stream)
        kept, upto = await read_passing(
            self._means.pool, place.stream, place.position, target, terms, types, SCANNED, PAGE
        )
        # Looked at afterwards: what was deleted before the reading has moved the beginning of the stream before it too.
        stream = await store.find_stream(self._means.pool, place.stream, None)
        if stream is None or place.position < stream.first - 1:
            return None, place.position
        return kept, upto

    def _pass_over(self, place: Place, upto: int) -> None:
        """Move over what is not granted. It is stored now and then only: finding it again costs little."""
        place.position, place.done = upto, set()
        self._passed.add(place.stream)

    async def _store_passed(self) -> None:
        if not self._passed or monotonic() - self._stored_at < LAZY_SECONDS:
            return
        passed, self._passed, self._stored_at = self._passed, set(), monotonic()
        async with deliveries.brief(self._means.pool) as connection:
            await deliveries.lock_served(connection, self._held, 0)
            for stream in sorted(passed):
                await deliveries.save_place(connection, self._held, self._places[stream])

    async def _note(self, place: Place, upto: int, count: int, withheld: tuple[int, ...]) -> bool:
        """Write a page into the disclosure log, with its place; ``False``: the text does not count any more.

        What is told there already, in the same form, is not told again.
        """
        held = self._held
        same = (place.noted_agreement, place.noted_revision) == (held.agreement_id, held.revision)
        told = {position for position in place.noted_withheld if place.position < position <= upto}
        if same and upto <= place.noted_upto and told == set(withheld):
            return await deliveries.text_counts(self._means.pool, held)
        text = (held.agreement_id, held.revision)
        page = disclosures.Page(
            held.agency, *text, DeliveryWay.WEBHOOK, place.stream, place.position, upto, count, withheld
        )
        async with deliveries.brief(self._means.pool) as connection:
            await deliveries.note_page(connection, held, place, upto, withheld)
            if not await disclosures.insert_page(connection, page):
                raise NotOursError(f"endpoint {held.id}: its text has ceased to count")
        place.noted_agreement, place.noted_revision = text
        place.noted_upto, place.noted_withheld = upto, withheld
        return True

    async def _post_page(self, page: _Page) -> None:
        """Post a page: aggregates side by side, so many at a time, each in its order."""
        secrets = await self._signing()
        chains = iter(page.chains)

        async def work() -> None:
            for chain in chains:
                for item in chain:
                    if not self._may_leave(page):
                        return
                    event_id = item.event.meta.id
                    outcome = await self._post(str(event_id), orjson.dumps(page.shown[item.position]), secrets)
                    page.tries.append(
                        self._try(outcome, event_id, item.event.meta.type, page.place.stream, item.position)
                    )
                    if not outcome.taken:
                        page.failures.append(outcome)
                        break
                    page.place.done.add(item.position)
                    page.delivered += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(page.chains))):
                group.create_task(work())

    def _may_leave(self, page: _Page) -> bool:
        fresh = not self.over and monotonic() < min(page.fresh_until, self._seen_at + FRESH_SECONDS)
        page.stopped = page.stopped or not fresh
        away = len(page.failures) >= FAILURES or any(failure.status == NEVER_AGAIN for failure in page.failures)
        return fresh and not away

    async def _signing(self) -> list[bytes]:
        """Return the secrets that are valid now, the newest first."""
        if self._secrets is None or self._secrets[0] != self._held.version:
            found = await webhooks.load_secrets(self._means.pool, [self._held.id], self.now())
            self._secrets = (self._held.version, [(item, self._means.box.open(item)) for item in found])
        now = self.now()
        return [plain for item, plain in self._secrets[1] if item.expires_at is None or item.expires_at > now]

    async def _post(self, message_id: str, body: bytes, secrets: Sequence[bytes]) -> Outcome:
        return await self._means.poster.post(
            self._held.url, body, signed_headers(secrets, message_id, self.now(), body)
        )

    def _try(self, outcome: Outcome, event_id: UUID, type_name: str, stream: str | None, position: int | None) -> Try:
        return Try(stream, position, event_id, type_name, outcome.status, outcome.error, outcome.millis, self.now())

    async def _settle(self, page: _Page) -> None:
        """Store what became of a page."""
        place, reason = page.place, None
        left = [item.position for chain in page.chains for item in chain if item.position not in place.done]
        place.position = min(left) - 1 if left else page.upto
        place.done = {position for position in place.done if position > place.position}
        if page.delivered:
            place.tries, place.failing_since, place.due_at = 0, None, None
        if page.failures:
            reason = self._fail(place, page.failures)
        async with deliveries.brief(self._means.pool) as connection:
            before = await deliveries.lock_served(connection, self._held, len(page.tries))
            await deliveries.save_place(connection, self._held, place)
            await deliveries.save_tries(connection, self._held, before, page.tries)
            if reason is not None:
                await deliveries.disable(connection, self._held, reason)
        if reason is not None:
            self._ended(reason)

    def _fail(self, place: Place, failures: Sequence[Outcome]) -> DisabledReason | None:
        """Let a place wait after failures; return why the endpoint is disabled, if it is."""
        if any(failure.status == NEVER_AGAIN for failure in failures):
            return DisabledReason.DIJAWAB_410
        asked = max((failure.asked for failure in failures if failure.asked), default=None)
        failed = after_failure(Standing(place.tries, place.failing_since), self.now(), asked, self._means.chance())
        place.tries, place.failing_since = failed.standing.tries, failed.standing.failing_since
        if failed.due_at is None:
            return DisabledReason.GAGAL_TIGA_HARI
        place.due_at = failed.due_at
        log.info(
            "webhook_waits", webhook=str(self._held.id), stream=place.stream, error=failures[0].error, tries=place.tries
        )
        return None

    async def _disable(self, reason: DisabledReason) -> None:
        async with deliveries.brief(self._means.pool) as connection:
            await deliveries.disable(connection, self._held, reason)
        self._ended(reason)

    def _ended(self, reason: DisabledReason) -> None:
        self.over = True
        log.warning("webhook_disabled", webhook=str(self._held.id), agency=self._held.agency, reason=reason.value)

    async def _test(self) -> bool:
        """Post a test, once, whatever comes of it."""
        held, test_id = self._held, self._held.test_id
        if test_id is None or not await deliveries.text_counts(self._means.pool, held):
            return False
        event = {
            "specversion": "1.0",
            "id": str(test_id),
            "source": SOURCE,
            "type": TEST_TYPE,
            "subject": str(held.id),
            "time": format_time(self.now()),
            "datacontenttype": "application/json",
            "data": {"webhook_id": str(held.id)},
        }
        outcome = await self._post(str(test_id), orjson.dumps(event), await self._signing())
        async with deliveries.brief(self._means.pool) as connection:
            before = await deliveries.lock_served(connection, held, 1)
            await deliveries.end_test(connection, held)
            await deliveries.save_tries(connection, held, before, [self._try(outcome, test_id, TEST_TYPE, None, None)])
        self._tested = test_id
        return True


def _chains(kept: Sequence[Kept], done: set[int]) -> list[list[Kept]]:
    """Return what is not delivered yet by aggregate, each in its order, in the order of their first."""
    found: dict[str, list[Kept]] = {}
    for item in kept:
        if item.position not in done:
            found.setdefault(item.event.meta.subject, []).append(item)
    return list(found.values())
