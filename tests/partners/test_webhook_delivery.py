"""Webhooks on real PostgreSQL and real HTTP: what arrives, in which order, what is tried again, when it stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.partners.handlers.ticking import Ticker
from tests.desk import rule_of
from tests.partners.bureau import NAMES, REGISTERED, Bureau, agreement_form
from tests.partners.receiving import (
    ANSWER_SECONDS,
    WAYS,
    Endpoint,
    Posted,
    Receiver,
    agree_and_register,
    delivering,
    in_order,
    make_deliverer,
    receiving,
    register,
    until,
)

STOPS_SECONDS = 5.0


async def told(bureau: Bureau, count: int, each: int = 3) -> list[UUID]:
    """Let the registry tell of so many businesses, each with so many facts."""
    businesses = await bureau.businesses(count)
    for _ in range(each - 1):
        await bureau.hear(*(bureau.story.verified(business_id) for business_id in businesses))
    return businesses


async def caught_up(endpoint: Endpoint, stream: str = "business") -> None:
    """Wait until nothing is left to deliver, as its agency is shown it."""
    async with asyncio.timeout(20):
        while (lag := await endpoint.lag(stream))["position"] < lag["last"]:
            await asyncio.sleep(0.05)


async def noted(bureau: Bureau) -> int:
    """Return how many events the disclosure log says were given."""
    return int(await bureau.pool.fetchval("SELECT coalesce(sum(events), 0) FROM disclosure WHERE way = 'webhook'"))


def failing(status: int, times: int, **headers: str) -> Any:
    """Return an answer that refuses so many times."""
    left = [times]

    async def answer(_: Posted) -> web.Response:
        left[0] -= 1
        return web.Response(status=status if left[0] >= 0 else 200, headers=headers if left[0] >= 0 else {})

    return answer


@pytest.mark.security(line="S7")
async def test_events_arrive_signed_in_the_form_of_the_agreement_in_order_and_noted(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        async with delivering(make_deliverer(bureau)):
            businesses = await told(bureau, 20)
            posted = await receiver.until(60)
            await caught_up(endpoint)
    assert all(item.signed_by(endpoint.secret) for item in posted)
    assert in_order(posted)
    assert Counter(item.event().get_subject() for item in posted) == {str(key): 3 for key in businesses}
    first = posted[0]
    assert (first.id, first.headers["content-type"]) == (first.event().get_id(), "application/cloudevents+json")
    registered = [item.event() for item in posted if item.event().get_type() == REGISTERED]
    assert set(registered[0].get_data()) == {"business_id", "kelurahan", "sector", "kelas"}
    assert len({item.id for item in posted}) == len(posted) == await noted(bureau)
    last = (await endpoint.shown())["deliveries"]
    assert (len(last), {item["status"] for item in last}) == (50, {200})


async def test_what_was_there_before_is_not_posted_unless_wanted(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        await bureau.agree(**WAYS)
        await told(bureau, 1, 1)
        await register(bureau, receiver.url, start="sekarang")
        (late,) = await told(bureau, 1, 1)
        assert [item.event().get_subject() for item in await receiver.until(1)] == [str(late)]


async def test_what_failed_comes_again_under_the_same_id_and_in_order(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(500, 4)
        await told(bureau, 10)
        async with delivering(make_deliverer(bureau)):
            await receiver.until(30)
            await caught_up(endpoint)
    assert len({item.id for item in receiver.posted}) == len(receiver.taken) == 30
    assert in_order(receiver.taken)
    # A failure is repeated on the wire; the log tells once what was on its way.
    assert len(receiver.posted) > 30
    assert await noted(bureau) == 30


async def test_an_aggregate_that_is_refused_delays_its_own_events_only(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        businesses = await told(bureau, 10)
        refused, open_again = str(businesses[3]), asyncio.Event()

        async def answer(item: Posted) -> web.Response:
            stays = item.event().get_subject() == refused and not open_again.is_set()
            return web.Response(status=500 if stays else 200)

        receiver.answer = answer
        async with delivering(make_deliverer(bureau)):
            await receiver.until(27)
            assert len({item.id for item in receiver.posted if item.status == 500}) == 1
            open_again.set()
            await receiver.until(30)
            await caught_up(endpoint)
    assert in_order(receiver.taken)
    assert Counter(Counter(item.id for item in receiver.taken).values()) == {1: 30}


async def test_retry_after_is_waited_for(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(503, 1, **{"Retry-After": "600"})
        async with delivering(make_deliverer(bureau)):
            await told(bureau, 1, 1)
            await until(lambda: len(receiver.posted) == 1)
            async with asyncio.timeout(10):
                while (lag := await endpoint.lag())["due_at"] is None:
                    await asyncio.sleep(0.02)
        wait = datetime.fromisoformat(lag["due_at"]) - datetime.now(UTC)
        assert timedelta(seconds=570) < wait <= timedelta(seconds=601)
        await endpoint.do("pause")
        await endpoint.do("resumption", {})
        async with delivering(make_deliverer(bureau)):
            await receiver.until(1)  # whoever resumes waits for nothing


async def test_410_disables_and_whoever_resumes_goes_on_where_it_stopped(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(410, 1)
        async with delivering(make_deliverer(bureau)):
            await told(bureau, 1)
            async with asyncio.timeout(10):
                while (await endpoint.shown())["state"] == "aktif":
                    await asyncio.sleep(0.02)
            assert (await endpoint.shown())["reason"] == "dijawab_410"
            await told(bureau, 1)
            await endpoint.do("resumption", {})
            await receiver.until(6)
    assert in_order(receiver.taken)
    assert len({item.id for item in receiver.taken}) == 6


async def test_three_days_without_success_disable_it_and_nothing_is_lost(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(500, 1)
        await told(bureau, 1)
        await bureau.pool.execute("UPDATE webhook_position SET tries = 80, failing_since = now() - interval '73 hours'")
        async with delivering(make_deliverer(bureau)):
            async with asyncio.timeout(10):
                while (await endpoint.shown())["state"] == "aktif":
                    await asyncio.sleep(0.02)
            assert (await endpoint.shown())["reason"] == "gagal_tiga_hari"
            await endpoint.do("resumption", {})
            await receiver.until(3)
    assert in_order(receiver.taken)


async def test_what_the_retention_took_is_never_skipped_without_saying_so(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 1)
        later = datetime.now(UTC) + timedelta(seconds=1)
        await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
        await told(bureau, 1)
        async with delivering(make_deliverer(bureau)):
            async with asyncio.timeout(10):
                while (await endpoint.shown())["reason"] != "riwayat_dihapus":
                    await asyncio.sleep(0.02)
            assert receiver.posted == []
            version = (await endpoint.shown())["version"]
            refused = await bureau.agency().post(f"/webhooks/{endpoint.id}/resumption", {}, version)
            # Something of "owner" is gone too, of which nothing is granted.
            assert (rule_of(refused), refused.json()["streams"]) == ((410, "riwayat-webhook-dihapus"), ["business"])
            await endpoint.do("resumption", {"skip_lost": True})
            await receiver.until(3)


async def test_a_pause_stops_it_and_nothing_is_lost(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 1, 1)
        await receiver.until(1)
        await endpoint.do("pause")
        begun, before = monotonic(), len(receiver.posted)
        await stopped(bureau, receiver)
        before = len(receiver.posted)
        assert monotonic() - begun < STOPS_SECONDS
        await told(bureau, 2)
        await endpoint.do("resumption", {})
        await receiver.until(before + 6)
        await caught_up(endpoint)
    assert in_order(receiver.taken)


async def stopped(bureau: Bureau, receiver: Receiver) -> None:
    """Wait until events that are told are not posted any more."""
    async with asyncio.timeout(STOPS_SECONDS):
        while True:
            before = len(receiver.posted)
            await told(bureau, 1, 1)
            begun = monotonic()
            while len(receiver.posted) == before and monotonic() - begun < 0.7:
                await asyncio.sleep(0.02)
            if len(receiver.posted) == before:
                return


@pytest.mark.parametrize("deed", ["suspension", "end"])
async def test_a_suspension_and_an_end_stop_it_within_five_seconds_also_inside_of_a_page(
    bureau: Bureau, deed: str
) -> None:
    async with receiving() as receiver:

        async def slowly(_: Posted) -> web.Response:
            begun = monotonic()
            while monotonic() - begun < 0.1:
                await asyncio.sleep(0.02)
            return web.Response()

        agreement, _ = await agree_and_register(bureau, receiver.url)
        receiver.answer = slowly
        await told(bureau, 240, 1)
        await told(bureau, 200, 1)
        async with delivering(make_deliverer(bureau)):
            await receiver.until(10)
            await bureau.do_with(agreement, deed, {"cause": "dugaan_pelanggaran"})
            begun = monotonic()
            async with asyncio.timeout(STOPS_SECONDS):
                await silence(receiver)
            assert len(receiver.posted) < 440
            assert max(item.at for item in receiver.posted) - begun < STOPS_SECONDS


async def silence(receiver: Receiver, seconds: float = 1.0) -> None:
    """Wait until nothing was posted for so long."""
    while not receiver.posted or monotonic() - receiver.posted[-1].at < seconds:
        await asyncio.sleep(0.02)


async def test_an_expiry_stops_it_without_anybody_doing_anything(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        expires = datetime.now(UTC) + timedelta(seconds=3)
        await agree_and_register(bureau, receiver.url, expires_at=expires.isoformat())
        await told(bureau, 1, 1)
        await receiver.until(1)
        async with asyncio.timeout(3 + STOPS_SECONDS):
            while datetime.now(UTC) < expires:
                await asyncio.sleep(0.05)
        await stopped(bureau, receiver)
        assert datetime.now(UTC) - expires < timedelta(seconds=STOPS_SECONDS)


async def test_an_amendment_counts_for_what_is_posted_after_it(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        agreement, _ = await agree_and_register(bureau, receiver.url)
        await told(bureau, 1, 1)
        await receiver.until(1)
        form = agreement_form({REGISTERED: ["business_id", "sector"]}, **WAYS)
        del form["agency"]
        await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
        await bureau.sign_twice(agreement)
        await told(bureau, 1, 1)
        await receiver.until(2)
        assert set(receiver.posted[-1].event().get_data()) == {"business_id", "sector"}
        revisions = await bureau.pool.fetch("SELECT revision FROM disclosure ORDER BY id")
        assert [row["revision"] for row in revisions] == [1, 2]


async def test_without_the_registry_no_names_and_nothing_without_them(bureau: Bureau) -> None:
    async with receiving() as receiver:
        await agree_and_register(bureau, receiver.url, grants=NAMES, legal_basis="kewajiban_hukum")
        bureau.keys.away = True
        owner = bureau.story.owner(name="Siti Aminah")
        await bureau.hear(owner)
        with capture_logs() as logs:
            async with delivering(make_deliverer(bureau)):
                await until(lambda: any("registry does not answer" in str(entry.get("error")) for entry in logs))
        async with delivering(make_deliverer(bureau)):
            assert (receiver.posted, await noted(bureau)) == ([], 0)
            bureau.keys.away = False
            await receiver.until(1)
            assert receiver.posted[0].event().get_data()["personal"] == {"name": "Siti Aminah"}


@pytest.mark.security(line="S8")
async def test_a_hung_endpoint_and_one_that_is_away_hinder_no_other(bureau: Bureau) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving()) for _ in range(4)]
        hung, well = receivers[0], receivers[1:]
        never = asyncio.Event()

        async def hang(_: Posted) -> web.Response:
            await never.wait()
            return web.Response()

        hung.answer = hang
        for number, receiver in enumerate(receivers):
            await agree_and_register(bureau, receiver.url, agency=f"dinas-{number}")
        await agree_and_register(bureau, "http://127.0.0.1:1/", agency="dinas-pergi")
        await stack.enter_async_context(delivering(make_deliverer(bureau)))
        begun = monotonic()
        await told(bureau, 10)
        for receiver in well:
            await receiver.until(30)
        assert monotonic() - begun < ANSWER_SECONDS
        assert hung.posted
        never.set()


async def test_of_two_workers_one_serves_an_endpoint_and_the_other_takes_over(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        async with delivering(make_deliverer(bureau, "dua")):
            async with delivering(make_deliverer(bureau, "satu")):
                await told(bureau, 10)
                await receiver.until(30)
                holder = await bureau.pool.fetchval("SELECT holder FROM webhook")
            await told(bureau, 10)
            await receiver.until(60)
            await caught_up(endpoint)
        assert Counter(Counter(item.id for item in receiver.posted).values()) == {1: 60}
        assert holder.partition("/")[0] in {"satu", "dua"}
        assert in_order(receiver.posted)


async def told_and_posted(bureau: Bureau, receiver: Receiver) -> Posted:
    """Let the registry tell of one more business, and return how that is posted."""
    before = len(receiver.posted)
    await told(bureau, 1, 1)
    return (await receiver.until(before + 1))[-1]


@pytest.mark.security(line="S3")
async def test_both_secrets_sign_during_the_overlap_and_the_old_one_no_longer_after_it(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        newer = (await endpoint.do("secrets", {"overlap_hours": 1}))["secret"]
        newest = None
        async with asyncio.timeout(10):
            posted = await told_and_posted(bureau, receiver)
            while newest is None or not posted.signed_by(newest):
                posted = await told_and_posted(bureau, receiver)
                assert posted.signed_by(endpoint.secret) or newest is not None
                if newest is None and posted.signed_by(newer):
                    newest = (await endpoint.do("secrets", {"overlap_hours": 0}))["secret"]
        assert [posted.signed_by(secret) for secret in (endpoint.secret, newer, newest)] == [False, False, True]


async def test_a_test_is_posted_once_and_shown_among_the_last_deliveries(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        receiver.answer = failing(500, 1)
        await endpoint.do("tests")
        async with asyncio.timeout(10):
            while not (found := (await endpoint.shown())["deliveries"]):
                await asyncio.sleep(0.05)
        assert receiver.posted[0].signed_by(endpoint.secret)
        assert receiver.posted[0].event().get_type() == "id.go.balikpapan.umkm.webhook.tested.v1"
        assert [(item["stream"], item["status"], item["error"]) for item in found] == [(None, 500, "http_500")]
        await told(bureau, 1, 1)
        await receiver.until(1)
        assert len(receiver.posted) == 2
