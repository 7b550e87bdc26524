"""What endpoints of several agencies share of an event is its reading, never more than each text grants; and the tail has no hole."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from time import time

import pytest

from services.partners.handlers.carrying import SIGNED_AT_ONCE
from services.partners.handlers.tail import LENGTH, SCANNED, Tails
from services.partners.handlers.ticking import Ticker
from tests.desk import MANGGAR, PRAPATAN
from tests.kernel.locks import until_waiting
from tests.partners.bureau import NAMES, OPEN, REGISTERED, VERIFIED, Bureau
from tests.partners.receiving import agree_and_register, delivering, in_order, make_deliverer, receiving
from tests.partners.test_webhook_delivery import told

FEW = {REGISTERED: ["business_id", "sector"]}


async def test_agencies_get_each_what_its_own_text_grants_of_events_that_are_read_once(bureau: Bureau) -> None:
    async with AsyncExitStack() as stack:
        alike, same, fewer, elsewhere, named = [await stack.enter_async_context(receiving()) for _ in range(5)]
        await agree_and_register(bureau, alike.url, agency="dinas-a")
        await agree_and_register(bureau, same.url, agency="dinas-b")
        await agree_and_register(bureau, fewer.url, agency="dinas-c", grants=FEW)
        await agree_and_register(bureau, elsewhere.url, agency="dinas-d", kelurahan=[PRAPATAN])
        await agree_and_register(bureau, named.url, agency="dinas-e", grants=NAMES, legal_basis="kewajiban_hukum")
        await bureau.businesses(4, kelurahan=MANGGAR)
        (there,) = await bureau.businesses(1, kelurahan=PRAPATAN)
        await stack.enter_async_context(delivering(make_deliverer(bureau)))
        bodies = [{item.id: item.body for item in await receiver.until(5)} for receiver in (alike, same)]
        assert bodies[0] == bodies[1]
        assert {frozenset(item.event().get_data()) for item in await fewer.until(5)} == {frozenset(FEW[REGISTERED])}
        (one,) = await elsewhere.until(1)
        assert (one.event().get_subject(), set(one.event().get_data())) == (str(there), set(OPEN[REGISTERED]))
        seen = [item.event() for item in await named.until(7)]
        assert all(event.get_data()["personal"]["name"] for event in seen)
    assert not any(b"personal" in body for body in bodies[0].values())


async def test_the_tail_reads_an_event_once_and_says_so_where_it_has_not_all(bureau: Bureau) -> None:
    businesses = await told(bureau, 3, 2)
    tails = Tails(bureau.pool)
    all_of_it, end = await asyncio.gather(tails.read("business", 0, 6), tails.read("business", 4, 6))
    assert all_of_it is not None
    assert end == all_of_it[4:]
    assert [item.position for item in all_of_it] == [1, 2, 3, 4, 5, 6]
    assert all_of_it[0].kept() is all_of_it[0].kept()
    assert {item.kept().event.meta.subject for item in all_of_it} == {str(key) for key in businesses}
    assert await tails.read("business", 0, LENGTH + 1) is None
    later = datetime.now(UTC) + timedelta(seconds=1)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    assert await Tails(bureau.pool).read("business", 0, 6) is None
    await told(bureau, 1, 1)
    (last,) = await Tails(bureau.pool).read("business", 6, 7) or ()
    assert last.position == 7


async def test_the_tail_holds_no_more_than_its_length_and_begins_anew_beyond_a_gap(bureau: Bureau) -> None:
    await bureau.businesses(LENGTH + 20)
    tails = Tails(bureau.pool)
    assert len(await tails.read("business", 0, LENGTH) or ()) == LENGTH
    assert len(await tails.read("business", LENGTH, LENGTH + 20) or ()) == 20
    assert await tails.read("business", 0, LENGTH) is None  # its beginning was let go
    assert [item.position for item in await tails.read("business", 20, 22) or ()] == [21, 22]
    ahead = Tails(bureau.pool)
    assert len(await ahead.read("business", 0, 5) or ()) == 5
    assert [item.position for item in await ahead.read("business", 400, 402) or ()] == [401, 402]


async def test_endpoints_that_catch_up_together_read_once_and_each_goes_on_where_its_own_page_ended(
    bureau: Bureau,
) -> None:
    await bureau.businesses(2 * SCANNED + 30)
    tails, end, types = Tails(bureau.pool), 2 * SCANNED + 30, [REGISTERED]
    one, other = await asyncio.gather(*(tails.read_behind("business", types, 0, end) for _ in range(2)))
    assert one is not None
    assert other is not None
    assert ([item.position for item in one[0]], one[1]) == (list(range(1, SCANNED + 1)), SCANNED)
    assert all(mine is theirs for mine, theirs in zip(one[0], other[0], strict=True))
    # What it lacks is joined from the next reading.
    middle = await tails.read_behind("business", types, 150, end) or ([], 0)
    assert middle[0][:50] == one[0][150:]
    assert ([item.position for item in middle[0]], middle[1]) == (list(range(151, 2 * SCANNED + 1)), 2 * SCANNED)
    rest = await tails.read_behind("business", types, SCANNED, end) or ([], 0)
    assert all(mine is theirs for mine, theirs in zip(rest[0], middle[0][50:], strict=True))
    early = await tails.read_behind("business", types, 10, 20) or ([], 0)
    assert ([item.position for item in early[0]], early[1]) == (list(range(11, 21)), 20)
    last = await tails.read_behind("business", types, 2 * SCANNED, end) or ([], 0)
    assert ([item.position for item in last[0]], last[1]) == (list(range(2 * SCANNED + 1, end + 1)), end)
    assert await tails.read_behind("business", [VERIFIED], 0, end) == ([], end)
    assert await tails.read_behind("owner", types, 0, 10) == ([], 10)


async def test_who_looks_for_more_than_the_first_reader_wanted_is_not_held_at_its_end(bureau: Bureau) -> None:
    await bureau.businesses(30)
    tails = Tails(bureau.pool)
    first = await tails.read_behind("business", [REGISTERED], 0, 4) or ([], 0)
    assert ([item.position for item in first[0]], first[1]) == ([1, 2, 3, 4], 4)
    more = await tails.read_behind("business", [REGISTERED], 0, 30) or ([], 0)
    assert ([item.position for item in more[0]], more[1]) == (list(range(1, 31)), 30)


async def test_who_looks_far_behind_keeps_nobody_waiting_at_the_end(bureau: Bureau) -> None:
    await bureau.businesses(6)
    tails = Tails(bureau.pool)
    async with bureau.pool.acquire() as connection, connection.transaction():
        # The reading behind waits for it, that of the tail has it already.
        await connection.execute("LOCK TABLE event_body")
        async with asyncio.timeout(20):
            behind = asyncio.create_task(tails.read_behind("business", [REGISTERED], 0, 6))
            await until_waiting(bureau.pool)
            other = asyncio.create_task(tails.read("business", 5, 5))
            assert await other == []
            assert not behind.done()
    assert [item.position for item in (await behind or ([], 0))[0]] == [1, 2, 3, 4, 5, 6]


async def test_what_was_read_behind_the_tail_is_forgotten_soon_and_tells_of_the_retention(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bureau.businesses(6)
    tails, kept = Tails(bureau.pool), Tails(bureau.pool)
    found = await kept.read_behind("business", [REGISTERED], 0, 6)
    later = datetime.now(UTC) + timedelta(seconds=1)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    assert await tails.read_behind("business", [REGISTERED], 0, 6) is None
    assert await kept.read_behind("business", [REGISTERED], 0, 6) == found
    monkeypatch.setattr("services.partners.handlers.tail.SPAN_SECONDS", -1.0)
    assert await kept.read_behind("business", [REGISTERED], 0, 6) is None


async def test_every_event_of_a_long_page_is_signed_for_itself_at_the_time_of_its_posting(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        businesses = await told(bureau, 2 * SIGNED_AT_ONCE, 2)
        begun = int(time())
        async with delivering(make_deliverer(bureau)):
            posted = await receiver.until(4 * SIGNED_AT_ONCE)
    assert all(item.signed_by(endpoint.secret) for item in posted)
    assert {item.id for item in posted} == {item.event().get_id() for item in posted}
    assert len({item.id for item in posted}) == 2 * len(businesses)
    assert in_order(posted)
    assert all(begun - 1 <= int(item.headers["webhook-timestamp"]) <= time() + 1 for item in posted)
