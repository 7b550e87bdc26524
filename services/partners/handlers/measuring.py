"""What the ways to agencies count: once for each page, after what became of it is stored; and what is looked at when somebody reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from services.partners.domain.lanes import LaneState
from services.partners.domain.public import PUBLIC_STREAMS
from services.partners.domain.webhooks import WebhookState
from services.partners.handlers.posting import Attempt, Outcome
from services.partners.handlers.texts import Texts
from services.partners.store import lags
from services.partners.store.lags import Lag
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool
from shared.metrics import Look, Metrics, catalogue
from shared.metrics.holding import OTHER, Figure

DELIVERED, REFUSED, UNANSWERED = "delivered", "refused", "unanswered"
GIVEN, EMPTY = "given", "empty"
MOST_AGENCIES = 100
"""Of each way so many are told by name, those that are behind for longest; the others together."""
WEBHOOK_STATES = [state.value for state in WebhookState if state is not WebhookState.DIHAPUS]
LANE_STATES = [state.value for state in LaneState]
WEBHOOK, KAFKA, FEED = DeliveryWay.WEBHOOK.value, DeliveryWay.KAFKA.value, DeliveryWay.FEED.value


class Measures:
    """The figures of a process. Those that alerts look at begin with 0, so that the first of them is seen to rise."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = Metrics() if metrics is None else metrics
        for outcome in (DELIVERED, REFUSED, UNANSWERED):
            self._metrics.add(catalogue.DELIVERIES, 0, WEBHOOK, outcome)

    def posted(self, attempts: Sequence[Attempt]) -> None:
        """Count what came of posting a page."""
        outcomes = Counter(_outcome(outcome) for _, outcome, _ in attempts)
        self._metrics.add_each(catalogue.DELIVERIES, outcomes.items(), WEBHOOK)
        delays = [at - item.recorded_at.timestamp() for item, outcome, at in attempts if outcome.taken]
        self._metrics.observe_each(catalogue.DELIVERY_SECONDS, delays, WEBHOOK)

    def written(self, recorded: Iterable[datetime], now: datetime) -> None:
        """Count a page that is in a topic, event by event when it was recorded."""
        delays = [(now - moment).total_seconds() for moment in recorded]
        self._metrics.add(catalogue.DELIVERIES, len(delays), KAFKA, DELIVERED)
        self._metrics.observe_each(catalogue.DELIVERY_SECONDS, delays, KAFKA)

    def given(self, events: int) -> None:
        """Count a page of the feed."""
        self._metrics.add(catalogue.FEED_PAGES, 1, GIVEN if events else EMPTY)
        self._metrics.add(catalogue.DELIVERIES, events, FEED, DELIVERED)


def _outcome(item: Outcome) -> str:
    if item.taken:
        return DELIVERED
    return UNANSWERED if item.status is None else REFUSED


def deliveries_look(pool: Pool, texts: Texts) -> Look:
    """Return the look at endpoints by state, and at agencies that are behind."""

    async def look() -> list[Figure]:
        webhooks = dict.fromkeys(WEBHOOK_STATES, 0) | await lags.endpoint_states(pool)
        lanes = dict.fromkeys(LANE_STATES, 0) | await lags.lane_states(pool)
        figures: list[Figure] = [
            (catalogue.ENDPOINTS, (way, state), count)
            for way, states in ((WEBHOOK, webhooks), (KAFKA, lanes))
            for state, count in states.items()
        ]
        found = await lags.behind(pool)
        known = await texts.load({(item.id, item.revision) for item in found})
        granted = [item for item in found if known[item.id, item.revision].types(item.stream)]
        return [*figures, *lag_figures([*granted, *await lags.public_behind(pool, list(PUBLIC_STREAMS))])]

    return look


def lag_figures(found: Iterable[Lag]) -> list[Figure]:
    """Return how far agencies are behind: by name those that are for longest, the others together."""
    events, seconds = defaultdict[tuple[str, str], int](int), defaultdict[tuple[str, str], float](float)
    for item in found:
        lane = item.way, item.agency
        events[lane] += item.events
        seconds[lane] = max(seconds[lane], item.seconds)
    told: list[Figure] = []
    for way in (WEBHOOK, KAFKA):
        lanes = sorted((lane for lane in events if lane[0] == way), key=lambda lane: -seconds[lane])
        named, rest = lanes[:MOST_AGENCIES], lanes[MOST_AGENCIES:]
        for lane in named:
            told += [(catalogue.DELIVERY_LAG, lane, events[lane]), (catalogue.DELIVERY_AGE, lane, seconds[lane])]
        if rest:
            told.append((catalogue.DELIVERY_LAG, (way, OTHER), sum(events[lane] for lane in rest)))
            told.append((catalogue.DELIVERY_AGE, (way, OTHER), seconds[rest[0]]))
    return told
