"""Commands on replays, and reading them. Whoever asks for another agency's endpoint is told that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.partners.commands import CancelReplay, StartReplay, Terms
from services.partners.domain import replays as rules
from services.partners.domain.agreements import in_force
from services.partners.domain.cursors import read_cursor, write_cursor
from services.partners.domain.refusals import CursorAheadError, CursorHistoryError, HistoryGoneError, StreamRefusedError
from services.partners.domain.replays import Leg, Rates, Replay, ReplayState, Span, Wanted
from services.partners.domain.showing import types_of
from services.partners.handlers import Saved
from services.partners.handlers.paging import kept_of
from services.partners.handlers.webhooks import of_agency
from services.partners.store import agreements, webhooks
from services.partners.store import events as streams
from services.partners.store import replays as store
from services.partners.store.replays import ReplayPlace
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool
from shared.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class ShownReplay:
    """A replay, and how far it is in each stream."""

    replay: Replay
    places: Sequence[ReplayPlace]

    @property
    def progress(self) -> tuple[int, int]:
        """How many positions are done, and how many there are."""
        return rules.progress([(place.after, place.position, place.upto) for place in self.places])


class Replays:
    """Begins replays. ``cursor_keys`` are those of the feed: a replay may begin after a cursor of it."""

    def __init__(self, cursor_keys: Sequence[bytes], rates: Rates) -> None:
        self._cursor_keys = cursor_keys
        self._rates = rates

    @property
    def rates(self) -> Rates:
        """How fast replays are."""
        return self._rates

    async def start(self, connection: Connection, command: StartReplay, now: datetime) -> Saved:
        """Let a range of what an endpoint has had be posted again, up to where it is now.

        Raises the refusals of ``in_force`` and of cursors, ``NotFoundError``, ``StreamRefusedError``, ``WebhookStateError``,
        ``ReplayRangeError``, ``ReplayRateError``, ``ReplayRunsError``.
        """
        wanted = Wanted(command.since, command.after, command.until, command.streams)
        webhook = of_agency(
            await webhooks.lock_webhook(connection, command.webhook_id), command.webhook_id, command.agency
        )
        agreement = await agreements.agreement_of(connection, command.agency)
        terms = in_force(command.agency, agreement, now, DeliveryWay.WEBHOOK)
        rules.check_beginning(webhook, await store.running_replay(connection, webhook.id))
        rules.check_wanted(wanted)
        rate = rules.rate_of(command.rate, self._rates)
        legs = [
            await self._leg(connection, span, command.agency, wanted)
            for span in await self._spans(connection, command, wanted, terms)
        ]
        replay = Replay(
            command.replay_id,
            webhook.id,
            1,
            ReplayState.BERJALAN,
            None,
            rate,
            wanted.since,
            wanted.until,
            0,
            now,
            None,
        )
        await store.insert_replay(connection, replay, legs)
        return Saved(replay.id, replay.version)

    async def _spans(
        self, connection: Connection, command: StartReplay, wanted: Wanted, terms: Terms
    ) -> Sequence[Span]:
        """Return what there is of the streams that are wanted, each of which must be granted; of all that are, if none is named."""
        names = wanted.streams or tuple(await streams.heads(connection))
        found = await store.load_spans(connection, command.webhook_id, names, wanted.since, wanted.until)
        known = {span.stream for span in found}
        for name in wanted.streams:
            if name not in known:
                raise NotFoundError("Aliran", name)
            if not types_of(terms, name):
                raise StreamRefusedError(name)
        return [span for span in found if types_of(terms, span.stream)]

    async def _leg(self, connection: Connection, span: Span, agency: str, wanted: Wanted) -> Leg:
        """Return what is posted of a stream. A cursor is answered as the feed answers it."""
        if wanted.after is None:
            return rules.leg_of(span, None)
        cursor = read_cursor(self._cursor_keys, agency, span.stream, wanted.after)
        kept = await kept_of(connection, span.stream, cursor, span.history, span.first)
        if kept < cursor.position:
            raise CursorHistoryError(self._cursor(agency, span, kept))
        if cursor.position < span.first - 1:
            raise HistoryGoneError(self._cursor(agency, span, span.first - 1))
        if cursor.position > span.last:
            raise CursorAheadError(self._cursor(agency, span, span.last))
        return rules.leg_of(span, cursor.position)

    def _cursor(self, agency: str, span: Span, position: int) -> str:
        return write_cursor(self._cursor_keys[0], agency, span.stream, position, span.history)


async def cancel(connection: Connection, command: CancelReplay, now: datetime) -> Saved:
    """Post nothing more of a replay. Raises ``NotFoundError``, ``StaleVersionError``, ``ReplayStateError``."""
    of_agency(await webhooks.lock_webhook(connection, command.webhook_id), command.webhook_id, command.agency)
    found = await store.lock_replay(connection, command.webhook_id, command.replay_id)
    if found is None:
        raise NotFoundError("Putar ulang", command.replay_id)
    after = rules.cancel(found, command.expected_version, now)
    await store.end_replay(connection, after.id, after.state)
    return Saved(after.id, after.version)


async def show(pool: Pool, webhook_id: UUID, replay_id: UUID, agency: str | None) -> ShownReplay:
    """Return a replay of an endpoint, else ``NotFoundError``."""
    of_agency(await webhooks.find_webhook(pool, webhook_id), webhook_id, agency)
    found = await store.find_replay(pool, webhook_id, replay_id)
    if found is None:
        raise NotFoundError("Putar ulang", replay_id)
    return (await _shown(pool, [found]))[0]


async def list_replays(
    pool: Pool, webhook_id: UUID, agency: str | None, after: UUID, limit: int
) -> Sequence[ShownReplay]:
    """Return replays of an endpoint after an id, else ``NotFoundError``."""
    of_agency(await webhooks.find_webhook(pool, webhook_id), webhook_id, agency)
    return await _shown(pool, await store.list_replays(pool, webhook_id, after, limit))


async def newest_replays(
    pool: Pool, webhook_id: UUID, agency: str | None, before: UUID, limit: int
) -> Sequence[ShownReplay]:
    """Return replays of an endpoint before an id, the newest first, else ``NotFoundError``."""
    of_agency(await webhooks.find_webhook(pool, webhook_id), webhook_id, agency)
    return await _shown(pool, await store.newest_replays(pool, webhook_id, before, limit))


async def _shown(pool: Pool, found: Sequence[Replay]) -> Sequence[ShownReplay]:
    places = await store.load_places(pool, [replay.id for replay in found])
    return [ShownReplay(replay, places[replay.id]) for replay in found]
