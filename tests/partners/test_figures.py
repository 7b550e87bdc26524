"""What the partner service tells Prometheus agrees with what agencies were given, on real PostgreSQL, HTTP and Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from services.partners.handlers.measuring import MOST_AGENCIES, Measures, deliveries_look, lag_figures
from services.partners.handlers.texts import Texts
from services.partners.store.lags import Lag
from shared.metrics import Metrics
from shared.metrics.exposition import read_samples
from tests.metrics.reading import figures as by_labels
from tests.metrics.reading import read
from tests.partners.agency_topics import an_agency, read_topic, writer_of, writing
from tests.partners.bureau import REGISTERED, Bureau
from tests.partners.receiving import agree_and_register, delivering, make_deliverer, receiving
from tests.partners.test_webhook_delivery import caught_up, failing, told
from tests.stack.servers import Kafka

TRIED, SECONDS = "naikkelas_deliveries_total", "naikkelas_delivery_duration_seconds_count"
LAG, AGE, STATES = "naikkelas_delivery_lag_events", "naikkelas_delivery_lag_seconds", "naikkelas_delivery_endpoints"
Found = dict[tuple[str, ...], float]


def looking(bureau: Bureau) -> Metrics:
    """Return the figures of a worker, with the look at who is behind."""
    metrics = Metrics()
    metrics.look("deliveries", deliveries_look(bureau.pool, Texts(bureau.pool)))
    return metrics


async def until(metrics: Metrics, holds: Callable[[Found], bool]) -> Found:
    """Wait until the figures are such, and return them."""
    async with asyncio.timeout(20):
        while not holds(found := await read(metrics)):
            await asyncio.sleep(0.05)
    return found


async def test_tries_of_webhooks_are_counted_by_what_came_of_them(bureau: Bureau) -> None:
    metrics = looking(bureau)
    async with receiving() as receiver, delivering(make_deliverer(bureau, measures=Measures(metrics))):
        assert {key[2]: value for key, value in (await read(metrics)).items() if key[0] == TRIED} == {
            "delivered": 0, "refused": 0, "unanswered": 0,
        }  # fmt: skip
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(500, 2)
        await told(bureau, 10)
        await receiver.until(30)
        await caught_up(endpoint)
        found = await until(metrics, lambda found: found[TRIED, "webhook", "delivered"] == 30)
    statuses = Counter(item.status for item in receiver.posted)
    assert statuses == {200: 30, 500: 2}
    assert (found[TRIED, "webhook", "refused"], found[TRIED, "webhook", "unanswered"]) == (2, 0)
    assert found[SECONDS, "webhook"] == 30
    assert found[STATES, "webhook", "aktif"] == 1
    assert (LAG, "webhook", "dpmptsp") not in found


async def test_who_is_behind_is_told_by_name_and_for_how_long(bureau: Bureau) -> None:
    metrics = looking(bureau)
    await agree_and_register(bureau, "http://127.0.0.1:1/", grants={REGISTERED: ["business_id"]})
    _, other = await agree_and_register(bureau, "http://127.0.0.1:1/", agency="dinas-lain")
    await other.do("pause")
    await told(bureau, 4, 2)
    async with delivering(make_deliverer(bureau, measures=Measures(metrics))):
        found = await until(metrics, lambda found: found[TRIED, "webhook", "unanswered"] >= 1)
    # Owners are not granted: nobody waits for those, though the place in their stream is behind as well.
    assert found[LAG, "webhook", "dpmptsp"] == 8
    assert 0 < found[AGE, "webhook", "dpmptsp"] < 60
    assert found[STATES, "webhook", "dijeda"] == 1
    assert (LAG, "webhook", "dinas-lain") not in found


async def test_pages_of_the_feed_are_counted_where_it_is_read(bureau: Bureau) -> None:
    await bureau.agree()
    await bureau.businesses(3)
    await bureau.read()
    await bureau.read(since="2090-01-01T00:00:00Z")
    answer = await bureau.operator().client.get("/metrics")
    found = by_labels(read_samples(answer.text))
    assert (found["naikkelas_feed_pages_total", "given"], found["naikkelas_feed_pages_total", "empty"]) == (1, 1)
    assert found[TRIED, "feed", "delivered"] == 3
    waiting = asyncio.create_task(bureau.read(since="2090-01-01T00:00:00Z", wait=20))
    async with asyncio.timeout(10):
        while found["naikkelas_feed_waiting",] != 1:
            found = by_labels(read_samples((await bureau.operator().client.get("/metrics")).text))
    waiting.cancel()


async def test_pages_in_a_topic_are_counted_when_the_place_has_moved(bureau: Bureau, kafka: Kafka) -> None:
    metrics = looking(bureau)
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"])
        await bureau.businesses(5)
        assert (await read(metrics))[LAG, "kafka", agency] == 5
        async with writing(writer_of(kafka, bureau.pool, measures=Measures(metrics))):
            await read_topic(kafka, access, 5)
            found = await until(metrics, lambda found: found.get((TRIED, "kafka", "delivered")) == 5)
    assert found[SECONDS, "kafka"] == 5
    assert (LAG, "kafka", agency) not in found


def test_no_more_agencies_are_told_by_name_than_are_meant() -> None:
    more = 7
    found = [
        Lag(way="kafka", agency=f"dinas-{number}", stream=stream, events=2, seconds=float(number))
        for number in range(MOST_AGENCIES + more)
        for stream in ("business", "owner")
    ]
    told = {(metric.name, *labels): value for metric, labels, value in lag_figures(found)}
    assert len(told) == 2 * (MOST_AGENCIES + 1)
    assert (told[LAG, "kafka", "other"], told[AGE, "kafka", "other"]) == (4 * more, more - 1)
    assert told[LAG, "kafka", f"dinas-{MOST_AGENCIES}"] == 4
