"""The replay of one endpoint: a slice now and then, between what is live, never beside it (docs/decisions/0037).

A slice is read, noted in the disclosure log and posted as a page of what is live is, in the form that the agreement gives now, and each event of
it carries the replay's id. How far it is, is stored in the transaction that stores what became of the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic
from uuid import UUID

import orjson
import structlog

from services.partners.commands import Terms
from services.partners.domain.replays import MARK, STEP_SECONDS, ReplayState, StopReason, slice_of
from services.partners.domain.webhooks import DisabledReason
from services.partners.handlers.carrying import Carrier, Page, chains_of
from services.partners.handlers.paging import shape
from services.partners.handlers.tail import SCANNED
from services.partners.store import deliveries, disclosures, replays
from services.partners.store.deliveries import Held, NotOursError
from services.partners.store.events import Kept
from services.partners.store.replays import ReplayPlace
from shared.contracts.partnership import DeliveryWay

SLICE_SECONDS = 1.0
"""After so long no event of a slice begins to leave: what is live waits."""
LONG_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Replaying:
    """Posts the replay of an endpoint that goes on, if one does."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._replay_id: UUID | None = None
        self._ended: UUID | None = None
        """One that is over, as far as is known here; the next look at the endpoint says so too."""
        self._rate = 1
        self._places: list[ReplayPlace] = []
        self._ready_at = 0.0
        self._barren = False
        """Whether nothing was granted of what was looked at last."""

    def forget(self) -> None:
        """Read the places anew: what was stored of them last is not known."""
        if self._replay_id is not None:
            self._carrier.means.budget.leave(self._replay_id)
        self._replay_id, self._places = None, []

    async def turn(self) -> bool:
        """Post a slice if one is due; return whether anything was done. Raises as ``Serving.turn`` does."""
        replay_id, budget = await self._load(), self._carrier.means.budget
        if replay_id is None or self._carrier.over or monotonic() < self._ready_at:
            return False
        left = [place for place in self._places if not place.over]
        if not left:
            await self._end(ReplayState.SELESAI)
            return True
        now = self._carrier.now()
        due = [place for place in left if place.due_at is None or place.due_at <= now]
        if not due:
            budget.leave(replay_id)
            return False
        budget.join(replay_id)
        begun, pace = monotonic(), budget.pace(self._rate)
        posted = await self._serve(due[0], slice_of(pace))
        # So many events a second; and where nothing was posted, others go on first too.
        self._ready_at = begun + (posted / pace if posted else STEP_SECONDS / 2)
        return posted > 0

    def next_due(self) -> float:
        """Return in how many seconds to look again; at most a minute."""
        if self._replay_id is None:
            return LONG_SECONDS
        now, left = self._carrier.now(), [place for place in self._places if not place.over]
        waits = [
            0.0 if place.due_at is None else (place.due_at - now).total_seconds() for place in left or self._places
        ]
        return max(min([LONG_SECONDS, *waits]), self._ready_at - monotonic())

    async def _load(self) -> UUID | None:
        """Read the replay that goes on, if it is another one, and return its id; ``None``: none does."""
        replay_id = self._carrier.held.replay_id
        if replay_id is None or replay_id == self._ended:
            self.forget()
            return None
        if replay_id != self._replay_id:
            self.forget()
            pool = self._carrier.means.pool
            rate = await replays.load_rate(pool, replay_id)
            if rate is None:
                self._ended = replay_id
                return None
            self._places = (await replays.load_places(pool, [replay_id]))[replay_id]
            self._replay_id, self._rate, self._barren = replay_id, rate, False
        return replay_id

    async def _serve(self, place: ReplayPlace, limit: int) -> int:
        """Post the next slice of a stream and return how many events were tried."""
        made_at, carrier, replay_id = monotonic(), self._carrier, self._replay_id
        held = carrier.held
        text = await carrier.granted(held)
        if text is None or replay_id is None:
            return 0
        target = place.noted_upto if place.noted_upto > place.position else place.upto
        # After a slice in which nothing was granted more is looked at for the next.
        scanned = SCANNED if self._barren else min(SCANNED, 2 * limit)
        kept, upto = await carrier.read_kept(place, text, target, scanned, limit)
        if kept is None:
            await self._end(ReplayState.DIHENTIKAN, StopReason.RIWAYAT_DIHAPUS)
            return 0
        self._barren = not kept
        page = Page(place, upto, chains_of(kept, place.done), {}, held, made_at + SLICE_SECONDS, replay_id)
        if page.chains:
            withheld = await self._shape(page, kept, text.terms)
            write = partial(self._note, held, replay_id, place)
            if not await carrier.note(held, place, upto, len(page.bodies), withheld, write):
                return 0
            await carrier.post_page(page)
        await self._settle(page, place)
        return len(page.attempts)

    async def _shape(self, page: Page, kept: Sequence[Kept], terms: Terms) -> tuple[int, ...]:
        """Give a slice the form that the agreement gives now, marked; return the positions whose names are withheld."""
        means = self._carrier.means
        shown, withheld = await shape(means.pool, means.keys, terms, kept)
        mark = {MARK: str(page.replay_id)}
        page.bodies = {position: orjson.dumps(event | mark) for position, event in shown.items()}
        return withheld

    async def _note(
        self, held: Held, replay_id: UUID, place: ReplayPlace, upto: int, count: int, withheld: tuple[int, ...]
    ) -> None:
        """Write a slice into the disclosure log, with its place. Raises ``NotOursError``."""
        text = (held.agreement_id, held.revision)
        page = disclosures.Page(
            held.agency, *text, DeliveryWay.WEBHOOK, place.stream, place.position, upto, count, withheld, held.id
        )
        async with deliveries.brief(self._carrier.means.pool) as connection:
            await replays.note_page(connection, upto, withheld, held=held, replay_id=replay_id, place=place)
            if not await disclosures.insert_page(connection, page):
                raise NotOursError(f"endpoint {held.id}: its text has ceased to count")

    async def _settle(self, page: Page, place: ReplayPlace) -> None:
        """Store what became of a slice, and with it how far the replay is."""
        page.move()
        carrier, held = self._carrier, self._carrier.held
        reason = carrier.fail(place, page.failures) if page.failures else None
        if page.attempts:
            place.error = page.failures[0].error if page.failures else None
        if page.replay_id is None:
            return
        async with deliveries.brief(carrier.means.pool) as connection:
            await deliveries.lock_served(connection, held, 0)
            await replays.save_place(connection, held, page.replay_id, place)
            await replays.count_replayed(connection, page.replay_id, page.delivered)
            if reason is DisabledReason.DIJAWAB_410:
                await deliveries.disable(connection, held, reason)
        if reason is DisabledReason.DIJAWAB_410:
            carrier.ended(reason)
        elif reason is not None:
            await self._end(ReplayState.DIHENTIKAN, StopReason.GAGAL_TIGA_HARI)

    async def _end(self, state: ReplayState, reason: StopReason | None = None) -> None:
        """End the replay, with where it is in each stream."""
        replay_id, held = self._replay_id, self._carrier.held
        if replay_id is None:
            return
        async with deliveries.brief(self._carrier.means.pool) as connection:
            await deliveries.lock_served(connection, held, 0)
            await replays.end_replay(connection, replay_id, state, reason)
        log.info("replay_ended", replay=str(replay_id), webhook=str(held.id), state=state.value, reason=reason)
        self._ended = replay_id
        self.forget()
