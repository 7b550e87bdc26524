"""What endpoints of several agencies share of an event is its reading, never more than each text grants; and the tail has no hole."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from services.partners.handlers.tail import LENGTH, Tails
from services.partners.handlers.ticking import Ticker
from tests.desk import MANGGAR, PRAPATAN
from tests.partners.bureau import NAMES, OPEN, REGISTERED, Bureau
from tests.partners.receiving import agree_and_register, delivering, make_deliverer, receiving
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
