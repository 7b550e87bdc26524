"""One endpoint served: page by page of each stream, each aggregate in its order, several aggregates at a time.

What was not delivered is found again at its position. Pages of what is live and slices of a replay take turns and are never on the wire
at the same time: so no event that is posted again can be overtaken by a live one of its aggregate, or overtake it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from time import monotonic
from uuid import UUID

import orjson
import structlog

from services.partners.commands import Terms
from services.partners.domain.webhooks import DisabledReason
from services.partners.handlers import SOURCE
from services.partners.handlers.carrying import FRESH_SECONDS, LASTS_SECONDS, Carrier, Means, Page, chains_of, tries_of
from services.partners.handlers.paging import open_forms, shape, wanting_names
from services.partners.handlers.replaying import Replaying
from services.partners.store import deliveries
from services.partners.store.deliveries import Held, Place
from services.partners.store.events import Kept
from services.partners.store.webhooks import Try
from shared.envelope import format_time

SHORTEST_SECONDS = 0.02
LAZY_SECONDS = 2.0
"""How often it is stored that nothing was to deliver."""
TEST_TYPE = "id.go.balikpapan.umkm.webhook.tested.v1"

log = structlog.get_logger(__name__)


def _identity(held: Held) -> tuple[int, int, UUID, int]:
    return held.epoch, held.version, held.agreement_id, held.revision


class Serving:
    """Serves one endpoint as long as it is held."""

    def __init__(self, means: Means, held: Held, seen_at: float) -> None:
        self._means = means
        self._carrier = Carrier(means, held, seen_at)
        self._replaying = Replaying(self._carrier)
        self._places: dict[str, Place] = {}
        self._passed: set[str] = set()
        """Streams of which it is not stored yet that something was passed over."""
        self._stored_at = float("-inf")
        self._tested: UUID | None = None
        self._changed = False
        """Whether the endpoint was changed, or taken anew, since its places were read."""
        self.wake = asyncio.Event()

    @property
    def held(self) -> Held:
        """Return the endpoint as it was seen last."""
        return self._carrier.held

    @property
    def over(self) -> bool:
        """Tell whether nobody may post to it any more, or somebody else does."""
        return self._carrier.over

    def let_go(self) -> None:
        """Post nothing more."""
        self._carrier.over = True
        self.wake.set()

    def see(self, held: Held, seen_at: float) -> None:
        """Take what was seen of the endpoint now, and look what is to do.

        Under another epoch, and when somebody changed it, its places are read anew: whoever resumes waits for no earlier failure.
        Under another text too: what the one before did not grant may have been passed over after it had ceased to count.
        """
        self._changed = self._changed or _identity(held) != _identity(self.held)
        self._carrier.see(held, seen_at)
        self.wake.set()

    def forget(self) -> None:
        """Read the places anew: what was stored of them last is not known."""
        self._places, self._passed = {}, set()
        self._replaying.forget()

    def now(self) -> datetime:
        """Return the database's time."""
        return self._carrier.now()

    async def turn(self, heads: dict[str, int]) -> bool:
        """Do once what is to do; return whether anything was. Raises ``NotOursError``, ``KeysAwayError``, errors of the database."""
        if self._changed:
            self._changed = False
            self.forget()
        await self._store_passed()
        if not self._places:
            self._places = await deliveries.load_places(self._means.pool, self.held.id)
        moved = await self._test() if self.held.test_id not in {None, self._tested} else False
        for place in self._places.values():
            due = place.due_at is None or place.due_at <= self.now()
            if not self.over and due and heads.get(place.stream, 0) > place.position:
                moved = await self._serve(place, heads[place.stream]) or moved
        return await self._replaying.turn() or moved

    def next_due(self) -> float:
        """Return in how many seconds to look again, at most a minute: when something that failed is due, never at once."""
        now = self.now()
        waits = [(place.due_at - now).total_seconds() for place in self._places.values() if place.due_at]
        waits = [wait for wait in waits if wait > 0]
        return max(SHORTEST_SECONDS, min([60.0, self._replaying.next_due(), *waits]))

    async def _serve(self, place: Place, head: int) -> bool:
        made_at, held, carrier, before = monotonic(), self.held, self._carrier, place.position
        text = await carrier.granted(held)
        if text is None:
            return False
        target = place.noted_upto if place.noted_upto > place.position else head
        kept, upto = await carrier.read(place, text, target)
        if kept is None:
            await self._disable(DisabledReason.RIWAYAT_DIHAPUS)
            return False
        if not kept:
            self._pass_over(place, upto)
            return True
        bodies, withheld, lasts = await self._shape(text.terms, kept)
        write = partial(deliveries.note_page, self._means.pool, held, place)
        if not await carrier.note(held, place, upto, len(bodies), withheld, write):
            return False
        page = Page(place, upto, chains_of(kept, place.done), bodies, held, made_at + lasts)
        await carrier.post_page(page)
        await self._settle(page)
        return page.delivered > 0 or place.position > before

    async def _shape(self, terms: Terms, kept: Sequence[Kept]) -> tuple[dict[int, bytes], tuple[int, ...], float]:
        """Return what is posted of events, by position; those without their names; and for how long it may leave.

        Names are asked for anew after ``FRESH_SECONDS``. Without any, the page leaves while its text is seen to count.
        """
        if not wanting_names(terms, kept):
            return open_forms(terms, kept), (), LASTS_SECONDS
        shown, withheld = await shape(self._means.pool, self._means.keys, terms, kept)
        return {position: orjson.dumps(event) for position, event in shown.items()}, withheld, FRESH_SECONDS

    def _pass_over(self, place: Place, upto: int) -> None:
        """Move over what is not granted. It is stored now and then only, while the text counts: finding it again costs little."""
        place.position, place.done = upto, {position for position in place.done if position > upto}
        self._passed.add(place.stream)

    async def _store_passed(self) -> None:
        if not self._passed or monotonic() - self._stored_at < LAZY_SECONDS:
            return
        passed, self._passed, self._stored_at = self._passed, set(), monotonic()
        if not await deliveries.text_counts(self._means.pool, self.held):
            self.forget()
            return
        async with deliveries.brief(self._means.pool) as connection:
            await deliveries.lock_served(connection, self.held, 0)
            for stream in sorted(passed):
                await deliveries.save_place(connection, self.held, self._places[stream])

    async def _settle(self, page: Page) -> None:
        """Store what became of a page, under the epoch in which it was made."""
        page.move()
        reason = self._carrier.fail(page.place, page.failures) if page.failures else None
        tries, count = tries_of(page), len(page.attempts)
        if reason is None:
            await deliveries.settle(self._means.pool, page.held, page.place, tries, count)
        else:
            async with deliveries.brief(self._means.pool) as connection:
                await deliveries.settle(connection, page.held, page.place, tries, count)
                await deliveries.disable(connection, page.held, reason)
        self._means.measures.posted(page.attempts)
        if reason is not None:
            self._carrier.ended(reason)

    async def _disable(self, reason: DisabledReason) -> None:
        async with deliveries.brief(self._means.pool) as connection:
            await deliveries.disable(connection, self.held, reason)
        self._carrier.ended(reason)

    async def _test(self) -> bool:
        """Post a test, once, whatever comes of it."""
        held, test_id, carrier = self.held, self.held.test_id, self._carrier
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
        outcome = await carrier.post(str(test_id), orjson.dumps(event))
        tried = Try(None, None, test_id, TEST_TYPE, outcome.status, outcome.error, outcome.millis, self.now())
        async with deliveries.brief(self._means.pool) as connection:
            before = await deliveries.lock_served(connection, held, 1)
            await deliveries.end_test(connection, held)
            await deliveries.save_tries(connection, held, before, [tried])
        self._tested = test_id
        return True
