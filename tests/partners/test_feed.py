"""The feed on a real PostgreSQL: what agencies get, where they go on, and when it stops."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.partners.domain.cursors import write_cursor
from services.partners.handlers.ticking import Ticker
from shared.contracts.registry import BusinessClass, Consents, OwnerConsentChanged
from shared.database import create_pool
from shared.envelope import Event
from tests.desk import MANGGAR, PRAPATAN, Caller, Member, rule_of
from tests.partners.bureau import AGENCY, COMPLETED, CURSOR_KEYS, NAMES, OPEN, REGISTERED, VERIFIED, Bureau

STOPS_SECONDS = 5.0


def ids(events: list[Any]) -> list[str]:
    """Return the ids of events."""
    return [event.get_id() for event in events]


async def test_an_agency_gets_what_its_agreement_grants_in_order_and_goes_on_from_its_cursor(bureau: Bureau) -> None:
    await bureau.agree()
    business_id, other = await bureau.businesses(2)
    await bureau.hear(bureau.story.verified(business_id), bureau.story.verified(other))
    first, answer = await bureau.read(limit=3)
    assert [event.get_type() for event in first] == [REGISTERED, REGISTERED, VERIFIED]
    assert answer.headers["Feed-Lag-Events"] == "1"
    assert first[0].get_data() == {
        "business_id": str(business_id),
        "kelurahan": MANGGAR,
        "sector": "tidak_diketahui",
        "kelas": {"kelas": "mikro", "basis": None, "year": None, "source": "petugas", "as_of": "2026-11-25"},
    }
    assert (first[2].get_subject(), first[2].get_extension("sequence")) == (str(business_id), "2")
    rest, answer = await bureau.read(after=answer.headers["Feed-Next"])
    assert [event.get_subject() for event in rest] == [str(other)]
    again, answer = await bureau.read(after=answer.headers["Feed-Next"])
    assert (again, answer.headers["Feed-Lag-Events"]) == ([], "0")


async def test_what_comes_twice_is_read_once(bureau: Bureau) -> None:
    await bureau.agree()
    owner = bureau.story.owner()
    business = bureau.business(owner.fact.aggregate_id)
    for _ in range(2):
        await bureau.hear(owner, business)
    assert ids(await bureau.read_all()) == [str(business.meta.id)]


async def test_a_filter_looks_at_the_place_of_the_business_also_for_facts_that_carry_none(bureau: Bureau) -> None:
    await bureau.agree(kelurahan=[MANGGAR])
    (inside,), (outside,) = await bureau.businesses(1), await bureau.businesses(1, kelurahan=PRAPATAN)
    passed = [bureau.completed(Member(uuid4(), business_id)) for business_id in (outside, inside)]
    await bureau.hear(*passed)
    assert [event.get_subject() for event in await bureau.read_all()] == [str(inside)]
    assert ids(await bureau.read_all("enrolment")) == [str(passed[1].meta.id)]


async def test_facts_of_a_business_that_nobody_has_told_of_wait_for_it_in_order(bureau: Bureau) -> None:
    await bureau.agree({COMPLETED: OPEN[COMPLETED]}, classes=["kecil"])
    owner = bureau.story.owner()
    business = bureau.business(owner.fact.aggregate_id, kelas=BusinessClass.KECIL)
    early = [bureau.completed(Member(uuid4(), business.fact.aggregate_id)) for _ in range(3)]
    await bureau.hear(early[0], early[1])
    assert await bureau.read_all("enrolment") == []
    assert await bureau.pool.fetchval("SELECT count(*) FROM waiting_event") == 2
    await bureau.hear(early[2], owner, business)
    assert ids(await bureau.read_all("enrolment")) == [str(event.meta.id) for event in early]
    assert await bureau.pool.fetchval("SELECT count(*) FROM waiting_event") == 0


async def test_names_are_opened_for_whom_the_agreement_grants_them_until_the_owner_is_erased(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    owner = bureau.story.owner(name="Siti Aminah")
    await bureau.hear(owner)
    assert [event.get_data()["personal"] for event in await bureau.read_all("owner")] == [{"name": "Siti Aminah"}]
    await bureau.hear(bureau.story.erased(owner.fact.aggregate_id))
    assert ["personal" in event.get_data() for event in await bureau.read_all("owner")] == [False]
    withheld = await bureau.pool.fetch("SELECT withheld FROM disclosure ORDER BY id")
    assert [list(row["withheld"]) for row in withheld] == [[], [1]]


async def test_by_consent_names_are_opened_with_it_only(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="persetujuan")
    owner = bureau.story.owner()
    owner_id = owner.fact.aggregate_id
    await bureau.hear(owner)
    seen = []
    for given in (False, True, False):
        fact = OwnerConsentChanged(owner_id=owner_id, consents=Consents(data_sharing=given), language="id")
        await bureau.hear(bureau.story.event(fact))
        seen.append("personal" in (await bureau.read_all("owner"))[0].get_data())
    assert seen == [False, True, False]


async def test_without_the_registry_no_names_and_no_page_without_them(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    await bureau.hear(bureau.story.owner())
    bureau.keys.away = True
    assert (await bureau.agency().get("/feed/owner")).status_code == 503
    assert await bureau.pool.fetchval("SELECT count(*) FROM disclosure") == 0


async def test_whoever_waits_gets_an_event_when_it_comes(bureau: Bureau) -> None:
    await bureau.agree()
    waiting = asyncio.create_task(bureau.read(wait=20))
    await _sleeps(bureau, 1)
    begun = monotonic()
    business_id = (await bureau.businesses(1))[0]
    events, _ = await waiting
    assert [event.get_subject() for event in events] == [str(business_id)]
    assert monotonic() - begun < 5


async def _sleeps(bureau: Bureau, count: int) -> None:
    """Wait until so many wait for events."""
    async with asyncio.timeout(10):
        while bureau.app.state.watch.waiting < count:
            await asyncio.sleep(0.02)


async def test_whoever_waits_in_vain_gets_an_empty_page(bureau: Bureau) -> None:
    await bureau.agree()
    events, answer = await bureau.read(wait=0.2)
    assert (events, answer.headers["Feed-Lag-Seconds"]) == ([], "0.000")


@pytest.mark.parametrize("deed", ["suspension", "end"])
async def test_a_suspension_and_an_end_stop_it_at_once_also_for_those_who_wait(bureau: Bureau, deed: str) -> None:
    agreement = await bureau.agree()
    waiting = asyncio.create_task(bureau.agency().client.get("/feed/business", params={"wait": 30}))
    await _sleeps(bureau, 1)
    begun = monotonic()
    await bureau.do_with(agreement, deed, {"cause": "dugaan_pelanggaran"})
    assert rule_of(await waiting) == (403, "tanpa-perjanjian")
    assert monotonic() - begun < STOPS_SECONDS
    assert rule_of(await bureau.agency().get("/feed/business")) == (403, "tanpa-perjanjian")


async def test_an_expiry_stops_it_without_anybody_doing_anything(bureau: Bureau) -> None:
    expires = datetime.now(UTC) + timedelta(seconds=3)
    await bureau.agree(expires_at=expires.isoformat())
    answer = await bureau.agency().client.get("/feed/business", params={"wait": 30})
    assert rule_of(answer) == (403, "tanpa-perjanjian")
    assert answer.json()["state"] == "kedaluwarsa"
    assert datetime.now(UTC) - expires < timedelta(seconds=STOPS_SECONDS)


async def test_an_agreement_that_ends_while_names_are_fetched_gives_nothing_more(bureau: Bureau) -> None:
    agreement = await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    await bureau.hear(bureau.story.owner())
    asked, ended = asyncio.Event(), asyncio.Event()

    async def slow(owner_ids: Any) -> Any:
        asked.set()
        await ended.wait()
        return {owner_id: bureau.keys.key(owner_id) for owner_id in owner_ids}

    bureau.app.state.feed._keys.fetch = slow
    reading = asyncio.create_task(bureau.agency().get("/feed/owner"))
    await asked.wait()
    await bureau.do_with(agreement, "end", {"cause": "tujuan_selesai"})
    ended.set()
    assert rule_of(await reading) == (403, "tanpa-perjanjian")
    assert await bureau.pool.fetchval("SELECT count(*) FROM disclosure") == 0


async def refused(caller: Caller, stream: str = "business", **params: Any) -> tuple[int, str]:
    """Return how the feed refuses."""
    return rule_of(await caller.client.get(f"/feed/{stream}", params=params))


@pytest.mark.security(line="S21")
async def test_foreign_tampered_and_early_cursors_have_their_answers(bureau: Bureau) -> None:
    await bureau.agree()
    await bureau.agree(agency="bank", title="Bank Daerah")
    await bureau.businesses(2)
    _, answer = await bureau.read()
    cursor, agency = answer.headers["Feed-Next"], bureau.agency()
    assert await refused(bureau.agency("bank"), after=cursor) == (403, "kursor-instansi-lain")
    assert await refused(agency, "enrolment", after=cursor) == (400, "kursor-aliran-lain")
    assert await refused(agency, after=cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")) == (
        400,
        "kursor-tidak-sah",
    )
    assert await refused(agency, after="3") == (400, "kursor-tidak-sah")
    ahead = write_cursor(CURSOR_KEYS.splitlines()[1].encode(), AGENCY, "business", 99)
    assert await refused(agency, after=ahead) == (409, "kursor-mendahului")
    assert await refused(agency, "mentor") == (403, "aliran-tidak-diperjanjikan")
    assert await refused(agency, "asing") == (404, "tidak-ditemukan")
    assert await refused(bureau.agency(None)) == (403, "tanpa-perjanjian")
    assert await refused(bureau.agency("lain")) == (403, "tanpa-perjanjian")


@pytest.mark.security(line="S21")
async def test_what_is_not_kept_any_more_is_gone_with_the_cursor_of_what_is(bureau: Bureau) -> None:
    await bureau.agree()
    await bureau.businesses(2)
    _, answer = await bureau.read(limit=1)
    old = answer.headers["Feed-Next"]
    later = datetime.now(UTC)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    kept = (await bureau.businesses(1))[0]
    answer = await bureau.agency().client.get("/feed/business", params={"after": old})
    assert rule_of(answer) == (410, "riwayat-sudah-dihapus")
    events, _ = await bureau.read(after=answer.json()["first"])
    assert [event.get_subject() for event in events] == [str(kept)]
    assert [event.get_subject() for event in await bureau.read_all()] == [str(kept)]
    assert await bureau.pool.fetchval("SELECT count(*) FROM event WHERE stream = 'business'") == 3


async def test_a_range_of_time_is_read_whole_and_then_complete(bureau: Bureau) -> None:
    await bureau.agree()
    await bureau.businesses(1)
    since = datetime.now(UTC)
    inside = await bureau.businesses(2)
    until = datetime.now(UTC)
    await bureau.businesses(1)
    span = {"since": since.isoformat(), "until": until.isoformat()}
    events, answer = await bureau.read(limit=1, **span)
    assert answer.headers["Feed-Complete"] == "false"
    more, answer = await bureau.read(after=answer.headers["Feed-Next"], until=until.isoformat(), wait=20)
    assert [event.get_subject() for event in events + more] == [str(business_id) for business_id in inside]
    rest, answer = await bureau.read(after=answer.headers["Feed-Next"], until=until.isoformat(), wait=20)
    assert (rest, answer.headers["Feed-Complete"]) == ([], "true")


async def test_pages_miss_nothing_while_many_record_at_once(bureau: Bureau) -> None:
    """Eight record at the same time what three agencies read; a position that is seen has all before it."""
    recorders, batches, size = 8, 4, 12
    agencies = ("satu", "dua", "tiga")
    for agency in agencies:
        await bureau.agree(agency=agency)
    told: list[list[Event]] = []
    for _ in range(recorders * batches):
        owner = bureau.story.owner()
        told.append([owner, *(bureau.business(owner.fact.aggregate_id) for _ in range(size))])
    expected = {str(event.meta.id) for batch in told for event in batch[1:]}

    async with await create_pool(bureau.database.dsn, min_size=0, max_size=recorders + 6) as pool:
        bureau.pool = pool

        async def recorder(number: int) -> None:
            for batch in told[number::recorders]:
                await bureau.hear(*batch)

        done = asyncio.Event()

        async def reader(agency: str) -> list[str]:
            found: list[str] = []
            cursor: dict[str, str] = {}
            while True:
                over = done.is_set()
                events, answer = await bureau.read(agency=agency, limit=20, wait=0.2, **cursor)
                found += ids(events)
                cursor = {"after": answer.headers["Feed-Next"]}
                if over and not events:
                    return found

        async def record_all() -> None:
            await asyncio.gather(*(recorder(number) for number in range(recorders)))
            done.set()

        *read, _ = await asyncio.gather(*(reader(agency) for agency in agencies), record_all())
    for found in read:
        assert (len(found), set(found)) == (len(expected), expected)
    assert read[0] == read[1] == read[2]


async def test_of_a_narrow_filter_a_page_looks_at_many_and_tells_where_it_is(bureau: Bureau) -> None:
    await bureau.agree(kelurahan=[MANGGAR])
    owner = bureau.story.owner()
    others = [bureau.business(owner.fact.aggregate_id, kelurahan=PRAPATAN) for _ in range(1_100)]
    last = bureau.business(owner.fact.aggregate_id)
    await bureau.hear(owner, *others, last)
    events, answer = await bureau.read(limit=5, wait=5)
    assert (ids(events), answer.headers["Feed-Lag-Events"]) == ([str(last.meta.id)], "0")


async def test_nothing_personal_stands_in_the_store_or_in_the_log(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    await bureau.hear(bureau.story.owner(name="Siti Aminah"))
    assert "Siti Aminah" in json.dumps([event.get_data() for event in await bureau.read_all("owner")])
    for table in ("event", "event_body", "disclosure", "waiting_event", "outbox"):
        rows = await bureau.pool.fetch(f"SELECT t::text FROM {table} t")
        assert not any("Siti" in row[0] for row in rows), table


async def test_a_verified_business_is_told_to_whom_only_that_is_granted(bureau: Bureau) -> None:
    await bureau.agree({VERIFIED: ["business_id"]})
    business_id: UUID = (await bureau.businesses(1))[0]
    await bureau.hear(bureau.story.verified(business_id))
    assert [event.get_data() for event in await bureau.read_all()] == [{"business_id": str(business_id)}]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:00:00-08:00"])
async def test_a_time_whose_day_elsewhere_has_no_year_is_refused(bureau: Bureau, moment: str) -> None:
    await bureau.agree()
    for name in ("since", "until"):
        answer = await bureau.agency().client.get("/feed/business", params={name: moment})
        assert rule_of(answer) == (422, "isi-tidak-sah")
    told = {"since": moment, "until": "2026-12-01T00:00:00+08:00"}
    assert rule_of(await bureau.operator().client.get("/disclosures", params=told)) == (422, "isi-tidak-sah")
