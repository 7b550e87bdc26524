"""Erasure at agencies: who is told, by which way, how often, what stands for officers. Real PostgreSQL, HTTP and Kafka."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.partners.domain.erasures import AGAIN, CHASE, LAST_LOOK, NO_WAY, NOTICE_TYPE
from services.partners.handlers.posting import Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.telling import Teller
from services.partners.handlers.writing import AgencyPublisher
from shared.auth import Role
from shared.broker import KafkaSettings
from tests.desk import CLIENTS, MANGGAR, PRAPATAN, crowded, rule_of
from tests.partners.agency_topics import an_agency, read_topic, writer_of, writing
from tests.partners.bureau import AGENCY, NAMES, OPEN, OWNER, REGISTERED, VERIFIED, WEBHOOK_KEYS, Bureau
from tests.partners.receiving import Posted, Receiver, agree_and_register, receiving, register
from tests.stack.servers import Kafka

NOWHERE = KafkaSettings("127.0.0.1:1", "partners", "x")


@dataclass
class Worker:
    """Who tells, at a time that the test sets."""

    bureau: Bureau
    kafka: KafkaSettings
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def look(self, later: timedelta = timedelta(0)) -> int:
        """Look once, so much later than the last time, but never before now."""
        self.now = max(self.now + later, datetime.now(UTC))
        teller = Teller(
            self.bureau.pool,
            Poster(self.bureau.app.state.webhook_networks, 2.0),
            SecretBox(WEBHOOK_KEYS.splitlines()),
            AgencyPublisher(self.kafka, f"test-{uuid4().hex[:8]}"),
            1.0,
            lambda: self.now,
        )
        try:
            return await teller.tick()
        finally:
            await teller._poster.close()
            await teller._publisher.stop()


@dataclass(frozen=True)
class Person:
    """An owner with one business."""

    owner_id: UUID
    business_id: UUID

    @property
    def subjects(self) -> list[dict[str, str]]:
        """What an agency knows of them that reads both streams."""
        return [{"stream": "business", "id": str(self.business_id)}, {"stream": "owner", "id": str(self.owner_id)}]


async def person(bureau: Bureau, **business: Any) -> Person:
    """Let the registry tell of an owner with a business."""
    owner = bureau.story.owner()
    told = bureau.business(owner.fact.aggregate_id, **business)
    await bureau.hear(owner, told)
    return Person(owner.fact.aggregate_id, told.fact.aggregate_id)


async def erase(bureau: Bureau, *people: Person) -> None:
    """Let the registry tell that owners are erased."""
    await bureau.hear(*(bureau.story.erased(each.owner_id) for each in people))


async def notices(bureau: Bureau, **params: Any) -> list[Any]:
    """Return the notices as the operator is shown them."""
    answer = await bureau.operator().client.get("/erasures", params=params)
    found: list[Any] = answer.raise_for_status().json()["items"]
    return found


async def the_notice(bureau: Bureau) -> Any:
    """Return the only notice there is."""
    (found,) = await notices(bureau)
    return found


@asynccontextmanager
async def an_endpoint(bureau: Bureau, **changes: Any) -> AsyncIterator[tuple[str, Any, Receiver]]:
    """Give an agreement with names by webhook and feed, its endpoint, and who receives."""
    async with receiving() as receiver:
        told = {"grants": NAMES, "legal_basis": "kewajiban_hukum"} | changes
        agreement, endpoint = await agree_and_register(bureau, receiver.url, **told)
        yield agreement, endpoint, receiver


async def test_an_agency_that_was_given_data_is_told_ids_alone_by_its_webhook_and_acknowledges(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (_, endpoint, receiver):
        siti = await person(bureau)
        await bureau.read_all("owner")
        await bureau.read_all()
        await erase(bureau, siti)
        assert await worker.look() == 1
        (posted,) = receiver.posted
        assert posted.signed_by(endpoint.secret)
        event, notice = posted.event(), await the_notice(bureau)
        assert (event.get_id(), event.get_type(), event.get_subject()) == (
            notice["id"],
            NOTICE_TYPE,
            str(siti.owner_id),
        )
        data = event.get_data()
        assert (data["owner_id"], data["subjects"]) == (str(siti.owner_id), siti.subjects)
        assert set(data) == {"owner_id", "subjects", "due"}
        assert (notice["state"], notice["told_ways"], notice["tells"]) == ("tersampaikan", ["webhook"], 1)
        path = f"/erasures/{notice['id']}/acknowledgement"
        done = await bureau.agency().post(path, {"outcome": "dihapus"})
        assert (done.status_code, done.json()["state"]) == (200, "dikonfirmasi")
        assert await worker.look(CHASE * 2) == 0
        assert len(receiver.posted) == 1
        shown = await the_notice(bureau)
        assert (shown["outcome"], shown["acknowledged_by"], shown["overdue"]) == ("dihapus", f"program-{AGENCY}", False)


async def test_only_those_are_told_who_were_given_something_of_that_owner(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    for agency, places in (("satu", [MANGGAR]), ("dua", [PRAPATAN]), ("tiga", [MANGGAR])):
        await bureau.agree(agency=agency, kelurahan=places)
    siti, budi = await person(bureau), await person(bureau, kelurahan=PRAPATAN)
    await bureau.read_all(agency="satu")
    await bureau.read_all(agency="dua")  # "tiga" was granted it and never read
    await erase(bureau, siti)
    await worker.look()
    assert [(item["agency"], item["owner_id"]) for item in await notices(bureau)] == [("satu", str(siti.owner_id))]
    await erase(bureau, budi)
    await worker.look()
    assert [item["agency"] for item in await notices(bureau, owner_id=str(budi.owner_id))] == ["dua"]


async def test_whoever_holds_anything_of_an_owner_is_told_and_of_exactly_that(bureau: Bureau) -> None:
    dice = random.Random(42)
    forms: list[Any] = [OPEN, NAMES, {VERIFIED: ["business_id"]}, {OWNER: ["owner_id"]}]
    agencies = [f"instansi-{number}" for number in range(8)]
    for agency in agencies:
        places = dice.choice([[], [MANGGAR], [PRAPATAN]])
        await bureau.agree(dice.choice(forms), agency=agency, legal_basis="kewajiban_hukum", kelurahan=places)
    people = [await person(bureau, kelurahan=dice.choice([MANGGAR, PRAPATAN])) for _ in range(10)]
    holds: dict[tuple[str, str], set[tuple[str, str]]] = {}
    owner_of = {str(key): str(each.owner_id) for each in people for key in (each.owner_id, each.business_id)}
    for agency in agencies:
        for stream in ("owner", "business"):
            answer = await bureau.agency(agency).client.get(f"/feed/{stream}", params={"limit": dice.randint(1, 8)})
            for event in answer.json() if answer.status_code == 200 else ():
                holds.setdefault((agency, owner_of[event["subject"]]), set()).add((stream, event["subject"]))
    await erase(bureau, *people)
    await Worker(bureau, NOWHERE).look()
    found = {
        (item["agency"], item["owner_id"]): {(subject["stream"], subject["id"]) for subject in item["subjects"]}
        for item in await notices(bureau, limit=200)
    }
    assert len(holds) > 10
    assert found == holds


async def test_neither_filter_nor_grant_of_today_keeps_a_notice_back(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (agreement, _, receiver):
        siti = await person(bureau)
        await bureau.read_all()
        terms = (await bureau.operator().get(f"/agreements/{agreement}")).json()["terms"]
        narrow = {"grants": [{"type": VERIFIED, "fields": ["business_id"]}], "kelurahan": [PRAPATAN]}
        version = await bureau.version(agreement)
        (await bureau.operator().put(f"/agreements/{agreement}/draft", terms | narrow, version)).raise_for_status()
        await bureau.sign_twice(agreement)
        await erase(bureau, siti)
        await worker.look()
        (posted,) = receiver.posted
        assert posted.event().get_data()["subjects"] == siti.subjects[:1]


async def test_who_reads_by_itself_is_told_in_the_feed_and_finds_it_by_its_own_token(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    agreement = await bureau.agree({REGISTERED: ["business_id"]})
    siti = await person(bureau)
    _, before = await bureau.read()
    await erase(bureau, siti)
    await worker.look()
    assert (await the_notice(bureau))["obstacle"] == "menunggu_dibaca"
    _, after = await bureau.read()
    assert (before.headers["Feed-Erasures"], after.headers["Feed-Erasures"]) == ("0", "1")
    # A duty outlives the agreement: it is read and acknowledged also when nothing is granted any more.
    await bureau.do_with(agreement, "end", {"cause": "tujuan_selesai"})
    (item,) = (await bureau.agency().get("/erasures?open=true")).raise_for_status().json()["items"]
    assert (item["state"], item["told_ways"]) == ("tersampaikan", ["feed"])
    done = await bureau.agency().post(f"/erasures/{item['id']}/acknowledgement", {"outcome": "tidak_disimpan"})
    assert done.status_code == 200
    assert (await bureau.agency().get("/erasures?open=true")).json()["items"] == []


@pytest.mark.parametrize("deed", ["suspension", "end"])
async def test_without_an_agreement_nothing_is_sent_and_an_officer_finds_it_and_tells_by_letter(
    bureau: Bureau, deed: str
) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (agreement, _, receiver):
        siti = await person(bureau)
        await bureau.read_all()
        await bureau.do_with(agreement, deed, {"cause": "tujuan_selesai"})
        await erase(bureau, siti)
        await worker.look()
        assert receiver.posted == []
        notice = await the_notice(bureau)
        assert (notice["state"], notice["obstacle"], notice["by_hand"]) == ("perlu_petugas", "tanpa_perjanjian", True)
        officer = bureau.caller(Role.PETUGAS_DINAS, subject="kepala-bidang")
        told = await officer.post(f"/erasures/{notice['id']}/letter", {"letter": "Surat 12/DKUMKMP/2026"})
        assert (told.json()["state"], told.json()["told_ways"]) == ("tersampaikan", ["surat"])
        assert told.json()["letter_by"] == "kepala-bidang"
        path = f"/erasures/{notice['id']}/acknowledgement"
        assert rule_of(await officer.post(path, {"outcome": "dihapus"})) == (422, "rujukan-tidak-ada")
        done = await officer.post(path, {"outcome": "dihapus", "reference": "Surat 7/DPMPTSP/2026"})
        assert (done.status_code, done.json()["acknowledged_by"]) == (200, "kepala-bidang")


async def test_when_the_agreement_goes_on_the_machine_tells_what_waited(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (agreement, _, receiver):
        siti = await person(bureau)
        await bureau.read_all()
        await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
        await erase(bureau, siti)
        await worker.look()
        await bureau.do_with(agreement, "resumption")
        assert (await worker.look(timedelta(minutes=1)), receiver.posted) == (0, [])
        await worker.look(NO_WAY)
        assert (len(receiver.posted), (await the_notice(bureau))["by_hand"]) == (1, False)


async def test_who_does_not_acknowledge_is_told_again_each_day_and_listed_as_late_once_it_is(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (_, _, receiver):
        siti = await person(bureau)
        await bureau.read_all()
        await erase(bureau, siti)
        with capture_logs() as logs:
            for _ in range(5):
                await worker.look()
                await worker.look(CHASE - timedelta(seconds=1))
                await worker.look(timedelta(seconds=1))
        late = [line for line in logs if line["event"] == "erasure_unacknowledged"]
        assert len(late) == 1
        assert len({item.id for item in receiver.posted}) == 1
        # Found and told at once, and then each day.
        assert len(receiver.posted) == (await the_notice(bureau))["tells"] == 6
        assert await notices(bureau, overdue=True) == []  # by the clock of the route it is not late yet
        await bureau.pool.execute("UPDATE erasure_notice SET due_at = now() - interval '1 second'")
        (found,) = await notices(bureau, overdue=True)
        assert (found["overdue"], found["state"]) == (True, "tersampaikan")


async def test_an_endpoint_that_fails_is_tried_again_and_the_others_are_not_told_twice(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    async with an_endpoint(bureau) as (_, _, first), receiving() as second:
        await register(bureau, second.url)
        siti = await person(bureau)
        await bureau.read_all()
        await erase(bureau, siti)

        async def busy(_: Posted) -> web.Response:
            return web.Response(status=503)

        second.answer = busy
        await worker.look()
        notice = await the_notice(bureau)
        assert (notice["state"], notice["obstacle"], notice["tells"]) == ("tersampaikan", "webhook_gagal", 1)
        second.answer = None
        assert await worker.look(timedelta(minutes=1)) == 0
        await worker.look(AGAIN)
        assert (len(first.taken), len(second.taken)) == (1, 1)
        assert (await the_notice(bureau))["obstacle"] is None


async def test_a_page_that_was_on_its_way_when_the_owner_was_erased_is_found_afterwards(bureau: Bureau) -> None:
    worker = Worker(bureau, NOWHERE)
    await bureau.agree(NAMES, agency="satu", legal_basis="kewajiban_hukum")
    siti = await person(bureau)
    await erase(bureau, siti)
    await worker.look()
    assert await notices(bureau) == []
    await bureau.read_all(agency="satu")  # as if it had been opened before
    await worker.look(LAST_LOOK)
    assert [item["agency"] for item in await notices(bureau)] == ["satu"]
    assert await bureau.pool.fetchval("SELECT count(*) FROM erasure WHERE look_at IS NOT NULL") == 0


async def test_what_is_read_of_an_erased_owner_later_makes_no_notice(bureau: Bureau) -> None:
    await bureau.agree(NAMES, agency="satu", legal_basis="kewajiban_hukum")
    siti = await person(bureau)
    await erase(bureau, siti)
    await bureau.pool.execute("UPDATE erasure SET recorded_at = recorded_at - interval '1 hour'")
    await bureau.read_all(agency="satu")
    await Worker(bureau, NOWHERE).look(LAST_LOOK)
    assert await notices(bureau) == []


async def test_it_lands_in_the_agencys_topic_too_once_a_day(bureau: Bureau, kafka: Kafka) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"])
        siti = await person(bureau)
        async with writing(writer_of(kafka, bureau.pool)):
            await read_topic(kafka, access, 1)
            async with asyncio.timeout(30):
                while not await bureau.pool.fetchval("SELECT count(*) FROM kafka_position WHERE position > 0"):
                    await asyncio.sleep(0.05)
        await erase(bureau, siti)
        worker = Worker(bureau, kafka.credentials("partners"))
        await worker.look()
        await worker.look(timedelta(hours=1))
        found = [event for event in await read_topic(kafka, access, 2, more=True) if event.get_type() == NOTICE_TYPE]
        assert [event.get_data()["owner_id"] for event in found] == [str(siti.owner_id)]
        assert (await the_notice(bureau))["told_ways"] == ["kafka"]


async def test_a_broker_that_is_away_is_waited_for(bureau: Bureau) -> None:
    await bureau.agree(ways=["kafka", "feed"])
    siti = await person(bureau)
    await bureau.read_all()
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    notice = await the_notice(bureau)
    assert (notice["state"], notice["obstacle"]) == ("menunggu", "kafka_gagal")


async def test_an_agency_sees_and_acknowledges_its_own_alone(bureau: Bureau) -> None:
    for agency in ("satu", "dua"):
        await bureau.agree(agency=agency)
    siti = await person(bureau)
    await bureau.read_all(agency="satu")
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    notice = await the_notice(bureau)
    path = f"/erasures/{notice['id']}/acknowledgement"
    assert (await bureau.agency("dua").get("/erasures?agency=satu")).json()["items"] == []
    assert rule_of(await bureau.agency("dua").post(path, {"outcome": "dihapus"})) == (404, "tidak-ditemukan")
    assert rule_of(await bureau.agency(None).get("/erasures")) == (403, "tanpa-perjanjian")
    letter = await bureau.agency("satu").post(f"/erasures/{notice['id']}/letter", {"letter": "Surat 1"})
    assert rule_of(letter) == (403, "tidak-berhak")
    assert rule_of(await bureau.caller(Role.PENDAMPING).get("/erasures")) == (403, "tidak-berhak")


async def test_the_first_answer_counts_and_who_had_to_keep_it_may_erase_later(bureau: Bureau) -> None:
    await bureau.agree()
    siti = await person(bureau)
    await bureau.read_all()
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    path, agency = f"/erasures/{(await the_notice(bureau))['id']}/acknowledgement", bureau.agency()
    assert rule_of(await agency.post(path, {"outcome": "wajib_disimpan"})) == (422, "rujukan-tidak-ada")
    personal = {"outcome": "wajib_disimpan", "reference": "milik siti@umkm.example"}
    assert rule_of(await agency.post(path, personal)) == (422, "isi-tidak-sah")
    law = {"outcome": "wajib_disimpan", "reference": "UU 8/2010 pasal 21"}
    assert (await agency.post(path, law)).json()["reference"] == "UU 8/2010 pasal 21"
    assert (await agency.post(path, {"outcome": "dihapus"})).json()["outcome"] == "dihapus"
    assert rule_of(await agency.post(path, law)) == (409, "pemberitahuan-sudah-dijawab")


async def test_of_two_hundred_who_answer_at_once_one_answer_counts(bureau: Bureau) -> None:
    await bureau.agree()
    siti = await person(bureau)
    await bureau.read_all()
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    path = f"/erasures/{(await the_notice(bureau))['id']}/acknowledgement"
    async with crowded(bureau):
        outcomes = ["dihapus" if number % 2 else "tidak_disimpan" for number in range(CLIENTS)]
        answers = await asyncio.gather(*(bureau.agency().post(path, {"outcome": each}) for each in outcomes))
    assert sorted({item.status_code for item in answers}) == [200, 409]
    assert len({item.json()["acknowledged_at"] for item in answers if item.status_code == 200}) == 1
    assert sum(item.status_code == 200 for item in answers) == CLIENTS // 2


async def test_several_workers_tell_each_notice_once(bureau: Bureau) -> None:
    async with an_endpoint(bureau) as (_, _, receiver):
        people = [await person(bureau) for _ in range(12)]
        await bureau.read_all("owner")
        await erase(bureau, *people)
        await asyncio.gather(*(Worker(bureau, NOWHERE).look() for _ in range(6)))
        assert len(receiver.posted) == len({item.id for item in receiver.posted}) == 12
