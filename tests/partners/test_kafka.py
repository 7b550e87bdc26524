"""The way ``kafka`` on a real broker and a real PostgreSQL: what lands in an agency's topic, and what stops it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from json import loads
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from ops.kafka_admin.client import client_config
from services.partners.handlers.ticking import Ticker
from services.partners.handlers.writing import AgencyPublisher
from shared.relay.publishing import BrokerAwayError, Wave
from shared.trail import read_newest
from shared.trail.keeping import NEWEST
from tests.desk import MANGGAR, PRAPATAN, rule_of
from tests.partners.agency_topics import an_agency, read_topic, writer_of, writing
from tests.partners.bureau import NAMES, OPEN, OWNER, REGISTERED, VERIFIED, Bureau
from tests.stack.servers import Kafka

STOPS_SECONDS = 5.0


def ids(events: Sequence[Any]) -> list[str]:
    """Return the ids of events."""
    return [event.get_id() for event in events]


def first_coming(events: Sequence[Any]) -> dict[str, list[int]]:
    """Return the sequences of each aggregate, each event once, in the order of its first coming."""
    seen: set[str] = set()
    found: dict[str, list[int]] = {}
    for event in events:
        if event.get_id() not in seen:
            seen.add(event.get_id())
            found.setdefault(event.get_subject(), []).append(int(event.get_extension("sequence")))
    return found


async def until_written(bureau: Bureau, agency: str, stream: str = "business") -> None:
    """Wait until an agency's position is at the end of a stream."""
    query = (
        "SELECT s.last = p.position FROM stream s JOIN kafka_position p ON p.stream = s.name"
        " WHERE p.agency = $1 AND s.name = $2"
    )
    async with asyncio.timeout(30):
        while not await bureau.pool.fetchval(query, agency, stream):
            await asyncio.sleep(0.02)


async def test_an_agency_finds_what_its_agreement_grants_in_its_topic(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"], kelurahan=[MANGGAR])
        business_id, other = await bureau.businesses(2)
        await bureau.businesses(1, kelurahan=PRAPATAN)
        await bureau.hear(bureau.story.verified(business_id), bureau.story.verified(other))
        async with writing(writer_of(kafka, bureau.pool)):
            found = await read_topic(kafka, access, 4, more=True)
            await until_written(bureau, agency)
        assert sorted(event.get_type() for event in found) == [REGISTERED, REGISTERED, VERIFIED, VERIFIED]
        assert first_coming(found) == {str(business_id): [1, 2], str(other): [1, 2]}
        registered = next(event for event in found if event.get_type() == REGISTERED)
        assert set(registered.get_data()) == {"business_id", "kelurahan", "sector", "kelas"}
        required = {"id", "source", "type", "specversion", "time", "subject", "datacontenttype"}
        assert set(registered.get_attributes()) - required == {"partitionkey", "sequence"}
        query = "SELECT way, stream, sum(events)::int AS events FROM disclosure GROUP BY 1, 2"
        assert [tuple(row) for row in await bureau.pool.fetch(query)] == [("kafka", "business", 4)]


async def test_names_do_not_go_into_a_topic_and_the_log_says_so(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(NAMES, agency=agency, ways=["kafka", "feed"], legal_basis="kewajiban_hukum")
        (business_id,) = await bureau.businesses(1)
        async with writing(writer_of(kafka, bureau.pool)):
            found = await read_topic(kafka, access, 2)
            await until_written(bureau, agency, "owner")
        assert {event.get_type(): "personal" in event.get_data() for event in found} == {
            OWNER: False,
            REGISTERED: False,
        }
        owner_id = next(event.get_subject() for event in found if event.get_type() == OWNER)
        answer = await bureau.operator().get(f"/disclosures/owners/{owner_id}")
        given = {item["event"]["type"]: item["event"]["fields"] for item in answer.json()["items"]}
        assert given == {OWNER: ["owner_id"], REGISTERED: ["business_id", "kelurahan", "owner_ids"]}
        (registered,) = await bureau.read_all(agency=agency)  # the feed is where names are
        assert registered.get_subject() == str(business_id)
        assert registered.get_data()["personal"] == {"name": "Warung"}


async def test_without_the_way_kafka_nothing_is_written(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as (agency, access), an_agency(kafka) as (other, control):
        await bureau.agree(agency=agency, ways=["feed", "webhook"])
        await bureau.agree(agency=other, ways=["kafka"])
        await bureau.businesses(3)
        async with writing(writer_of(kafka, bureau.pool)):
            assert len(await read_topic(kafka, control, 3)) == 3
            await until_written(bureau, other)
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(written_in, kafka, access.topic) == 0


def written_in(kafka: Kafka, topic: str) -> int:
    """Return how many records a topic holds, as the operator sees it."""
    consumer = Consumer(client_config(kafka.credentials()) | {"group.id": "unused"})
    try:
        partitions = consumer.list_topics(topic, timeout=15).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=15) for number in partitions]
        return sum(high - low for low, high in ends)
    finally:
        consumer.close()


@pytest.mark.parametrize("deed", ["suspension", "end"])
async def test_a_stop_of_the_agreement_stops_the_topic(bureau: Bureau, kafka: Kafka, deed: str) -> None:
    with an_agency(kafka) as (agency, access):
        agreement_id = await bureau.agree(agency=agency, ways=["kafka"])
        business_id, *_ = await bureau.businesses(3)
        async with writing(writer_of(kafka, bureau.pool)):
            await until_written(bureau, agency)
            await bureau.do_with(agreement_id, deed, {"cause": "permintaan_instansi"})
            stopped = monotonic()
            while monotonic() - stopped < STOPS_SECONDS:
                await bureau.hear(bureau.story.verified(business_id))
                await asyncio.sleep(0.1)
            assert len(await read_topic(kafka, access, 3, more=True)) == 3
            if deed == "suspension":
                await bureau.do_with(agreement_id, "resumption")
                await until_written(bureau, agency)
                found = await read_topic(kafka, access, 4, more=True)
                sequences = first_coming(found)[str(business_id)]
                last = await bureau.pool.fetchval("SELECT max(sequence) FROM event WHERE subject = $1", business_id)
                assert sequences == list(range(1, last + 1))


class Dying(AgencyPublisher):
    """Publishes, and dies before it hears of it, every second time."""

    died = 0

    async def send(self, waves: Sequence[Wave]) -> None:
        """Send, and raise although all is in."""
        await super().send(waves)
        self.died += 1
        if self.died % 2:
            raise BrokerAwayError("died after publishing")


async def test_what_dies_after_publishing_publishes_again_with_the_same_ids_in_order(
    bureau: Bureau, kafka: Kafka
) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"])
        subjects = await bureau.businesses(5)
        publisher = Dying(kafka.credentials("partners"), "dying")
        async with writing(writer_of(kafka, bureau.pool, publisher)):
            for _ in range(6):
                await bureau.hear(*(bureau.story.verified(subject) for subject in subjects))
                await until_written(bureau, agency)
        found = await read_topic(kafka, access, 35, more=True)
        assert publisher.died > 1
        assert len(found) > 35
        assert first_coming(found) == {str(subject): list(range(1, 8)) for subject in subjects}


@pytest.mark.slow
async def test_writers_side_by_side_killed_at_any_moment_lose_nothing_and_reorder_nothing(
    bureau: Bureau, kafka: Kafka
) -> None:
    chance, rounds = random.Random(20_261_127), 100
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"])
        subjects = await bureau.businesses(20)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(killed_again_and_again(bureau, kafka, chance))
            for _ in range(rounds):
                await bureau.hear(*(bureau.story.verified(subject) for subject in subjects))
            task.cancel()
        async with writing(writer_of(kafka, bureau.pool), writer_of(kafka, bureau.pool)):
            await until_written(bureau, agency)
        found = await read_topic(kafka, access, 20 * (rounds + 1), more=True)
        assert first_coming(found) == {str(subject): list(range(1, rounds + 2)) for subject in subjects}
        given = await bureau.pool.fetchval("SELECT sum(events)::int FROM disclosure")
        assert given >= len(found), "whatever was written stands in the disclosure log"


async def killed_again_and_again(bureau: Bureau, kafka: Kafka, chance: random.Random) -> None:
    """Let two writers run, and cut them off at any moment."""
    while True:
        publishers = [AgencyPublisher(kafka.credentials("partners"), f"killed-{number}") for number in range(2)]
        writers = [writer_of(kafka, bureau.pool, publisher) for publisher in publishers]
        starting = asyncio.gather(*(publisher.start() for publisher in publishers))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:  # the end of the test: what has begun to connect is closed as it should be
            await starting
            await asyncio.gather(*(publisher.stop() for publisher in publishers))
            raise
        tasks = [asyncio.create_task(writer.run(asyncio.Event())) for writer in writers]
        try:
            await asyncio.wait(tasks, timeout=chance.uniform(0.02, 0.4))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_an_agency_without_a_topic_waits_and_holds_nobody_up(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency="aaa-tanpa-topik", ways=["kafka"])
        await bureau.agree(agency=agency, ways=["kafka"])
        await bureau.businesses(2)
        async with writing(writer_of(kafka, bureau.pool)):
            assert len(await read_topic(kafka, access, 2)) == 2
        assert await bureau.pool.fetchval("SELECT count(*) FROM disclosure WHERE agency LIKE 'aaa%'") == 0


async def test_a_topic_that_falls_behind_the_retention_stops_until_somebody_says_go_on(
    bureau: Bureau, kafka: Kafka
) -> None:
    with an_agency(kafka) as (agency, access):
        agreement_id = await bureau.agree({REGISTERED: OPEN[REGISTERED]}, agency=agency, ways=["kafka"])
        (first,) = await bureau.businesses(1)
        async with writing(writer_of(kafka, bureau.pool)):
            await until_written(bureau, agency)
        await bureau.businesses(3)
        later = datetime.now(UTC) + timedelta(seconds=1)
        await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
        await bureau.businesses(1)
        caller = bureau.agency(agency)
        async with writing(writer_of(kafka, bureau.pool)):
            async with asyncio.timeout(20):
                while (lane := await the_lane(bureau, agency))["state"] != "berhenti":
                    await asyncio.sleep(0.05)
            assert (lane["reason"], lane["position"], lane["first"]) == ("riwayat_dihapus", 1, 5)
            assert [event.get_subject() for event in await read_topic(kafka, access, 1, more=True)] == [str(first)]
            path = f"/lanes/{lane['id']}/resumption"
            refused = await caller.post(path, {}, lane["version"])
            assert (rule_of(refused), refused.json()["positions"]) == ((410, "riwayat-jalur-dihapus"), 3)
            assert rule_of(await bureau.agency("dinas-lain").post(path, {"skip_lost": True}, lane["version"]))[0] == 404
            resumed = await caller.post(path, {"skip_lost": True}, lane["version"])
            assert (resumed.status_code, resumed.json()["version"]) == (200, lane["version"] + 1)
            await until_written(bureau, agency)
            assert len(await read_topic(kafka, access, 2, more=True)) == 2
            anew = await bureau.operator().post(f"/lanes/{lane['id']}/refill", version=lane["version"] + 1)
            assert anew.status_code == 200
            await until_written(bureau, agency)
            assert len(await read_topic(kafka, access, 3, more=True)) == 3  # the one that is kept, once more
        # What the agency did itself is no deed of the office.
        deeds = [(it.actor, it.deed, it.thing, loads(it.details)) for it in await read_newest(bureau.pool, NEWEST, 10)]
        details = {"agency": agency, "stream": "business", "before": lane["last"], "after": 4}
        assert deeds == [("operator-a", "refill_lane", f"lane/{lane['id']}", details)]
        again = await caller.post(path, {"skip_lost": True}, lane["version"] + 2)
        assert rule_of(again) == (409, "keadaan-jalur")
        await bureau.do_with(agreement_id, "end", {"cause": "permintaan_instansi"})


async def the_lane(bureau: Bureau, agency: str, stream: str = "business") -> Any:
    """Return a lane as its agency is shown it, by the list and by its own page."""
    items = (await bureau.agency(agency).get("/lanes")).raise_for_status().json()["items"]
    (found,) = (item for item in items if item["stream"] == stream)
    one = (await bureau.agency(agency).get(f"/lanes/{found['id']}")).raise_for_status()
    assert (one.json()["id"], one.headers["ETag"]) == (found["id"], f'"{one.json()["version"]}"')
    return one.json()


async def test_an_agency_that_comes_later_finds_everything_that_is_kept(bureau: Bureau, kafka: Kafka) -> None:
    before: list[UUID] = await bureau.businesses(1_200)
    with an_agency(kafka) as (agency, access):
        await bureau.agree({REGISTERED: OPEN[REGISTERED]}, agency=agency, ways=["kafka"])
        async with writing(writer_of(kafka, bureau.pool)):
            found = await read_topic(kafka, access, len(before))
        assert {event.get_subject() for event in found} == {str(subject) for subject in before}
        assert len(set(ids(found))) == len(before)


class Counting(AgencyPublisher):
    """Counts how often each topic was tried."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(kafka.credentials("partners"), f"counting-{uuid4().hex[:8]}")
        self.tried: Counter[str] = Counter()

    async def send(self, waves: Sequence[Wave]) -> None:
        """Send, and count."""
        self.tried.update({topic for wave in waves for topic, _ in wave})
        await super().send(waves)


def take(kafka: Kafka, topic: str, size: int = 8 * 1024 * 1024) -> None:
    """Let a topic take what has so many bytes, and nothing that has more."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    kafka.admin.incremental_alter_configs([change])[change].result(15)


async def told_of(bureau: Bureau, agency: str) -> list[tuple[int, int, int]]:
    """Return the pages that the disclosure log has of an agency."""
    query = "SELECT after_position, upto_position, events FROM disclosure WHERE agency = $1 ORDER BY id"
    return [tuple(row) for row in await bureau.pool.fetch(query, agency)]


async def test_a_topic_that_takes_nothing_holds_no_other_up_and_is_told_of_once(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as one, an_agency(kafka) as another:
        (stuck, stuck_access), (agency, access) = sorted((one, another))
        take(kafka, stuck_access.topic, 1)
        for code in (stuck, agency):
            await bureau.agree({REGISTERED: OPEN[REGISTERED]}, agency=code, ways=["kafka"])
        await bureau.businesses(2)
        publisher = Counting(kafka)
        async with writing(writer_of(kafka, bureau.pool, publisher)):
            assert len(await read_topic(kafka, access, 2)) == 2
            await bureau.businesses(3)
            await until_written(bureau, agency)
            async with asyncio.timeout(60):
                while publisher.tried[stuck_access.topic] < 3:
                    await asyncio.sleep(0.05)
            assert await told_of(bureau, stuck) == [(0, 2, 2)]
            take(kafka, stuck_access.topic)
            await until_written(bureau, stuck)
        assert await told_of(bureau, stuck) == [(0, 2, 2), (2, 5, 3)]
        assert len(set(ids(await read_topic(kafka, stuck_access, 5, more=True)))) == 5


class Holding(AgencyPublisher):
    """Takes nothing; ``meanwhile`` is done while a page is made ready."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(kafka.credentials("partners"), "holding")
        self.sent = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def prepare(self, rows: Sequence[Any]) -> list[Wave]:
        """Make nothing ready."""
        if self.meanwhile is not None:
            await self.meanwhile()
        return []

    async def send(self, waves: Sequence[Wave]) -> None:
        """Refuse."""
        self.sent += 1
        raise BrokerAwayError("not now")


async def test_a_page_that_was_told_and_did_not_leave_does_not_leave_once_its_text_is_suspended(
    bureau: Bureau, kafka: Kafka
) -> None:
    agreement_id = await bureau.agree(agency="uji-tahan", ways=["kafka"])
    await bureau.businesses(2)
    publisher = Holding(kafka)
    writer = writer_of(kafka, bureau.pool, publisher)
    giver = writer._givers[0]
    (lane,) = [lane for lane in await giver.lanes() if lane.stream == "business"]
    for _ in range(2):
        with pytest.raises(BrokerAwayError):
            await writer._write(giver, lane)
    publisher.meanwhile = lambda: bureau.do_with(agreement_id, "suspension", {"cause": "permintaan_instansi"})
    assert await writer._write(giver, lane) is None
    assert publisher.sent == 2
    assert await told_of(bureau, "uji-tahan") == [(0, 2, 2)]
