"""Replays on real PostgreSQL and real HTTP: what is posted again, in which order beside what is live, and when it stops."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from aiohttp import web

from services.partners.handlers.ticking import Ticker
from tests.desk import rule_of
from tests.partners.bureau import NAMES, REGISTERED, Bureau, agreement_form
from tests.partners.receiving import (
    WAYS,
    Posted,
    Receiver,
    agree_and_register,
    delivering,
    in_order,
    make_deliverer,
    receiving,
    until,
)
from tests.partners.replaying import Watchful, again, cancel, followed, live, mark_of, replay, shown
from tests.partners.test_webhook_delivery import STOPS_SECONDS, caught_up, failing, noted, told
from tests.partners.test_webhook_faults import process


async def test_a_range_comes_again_marked_in_order_signed_under_the_same_ids_and_is_noted(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 2)
        since = datetime.now(UTC)
        inside = await told(bureau, 10)
        until_then = datetime.now(UTC)
        await told(bureau, 3)
        first = list(await receiver.until(45))
        await caught_up(endpoint)
        replay_id = await replay(endpoint, since=since.isoformat(), until=until_then.isoformat())
        found = await followed(endpoint, replay_id)
    came = again(receiver.taken, replay_id)
    assert Counter(item.event().get_subject() for item in came) == {str(key): 3 for key in inside}
    assert (len(came), len(receiver.posted), found["posted"]) == (30, 75, 30)
    assert in_order(came)
    assert all(item.signed_by(endpoint.secret) for item in came)
    before = {item.id: item.event() for item in first}
    for item in came:
        assert item.event().get_data() == before[item.id].get_data()
        assert item.event().get_extension("sequence") == before[item.id].get_extension("sequence")
    assert found["done"] == found["total"] == sum(stream["upto"] - stream["after"] for stream in found["streams"])
    assert await noted(bureau) == 75


async def test_what_is_live_keeps_its_order_and_is_never_on_its_way_beside_its_own_past(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        businesses = await told(bureau, 12)
        await receiver.until(36)
        await caught_up(endpoint)
        receiver.answer = watch = Watchful()
        position = (await endpoint.lag())["position"]
        replay_id = await replay(endpoint, rate=60)
        rounds, wanted = 0, 36
        while (await shown(endpoint, replay_id))["state"] == "berjalan":
            await bureau.hear(*(bureau.story.verified(business_id) for business_id in businesses))
            rounds, wanted = rounds + 1, wanted + 12
            await so_many(receiver, wanted)
        found = await followed(endpoint, replay_id)
    came, fresh = again(receiver.taken, replay_id), live(receiver.taken)
    assert (len(came), len({item.id for item in came}), rounds > 1) == (36, 36, True)
    assert in_order(came)
    assert in_order(fresh)
    assert len(fresh) == len({item.id for item in fresh}) == wanted
    # It reaches up to where the endpoint was when it began, and all of it had been there before.
    assert next(stream["upto"] for stream in found["streams"] if stream["stream"] == "business") == position
    assert {item.id for item in came} <= {item.id for item in fresh[:36]}
    assert (watch.beside, watch.most) == (0, 1)


async def test_what_waits_to_be_delivered_is_not_replayed_ahead_of_itself(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        businesses = await told(bureau, 1)
        await receiver.until(3)
        await caught_up(endpoint)
        receiver.answer = failing(503, 1, **{"Retry-After": "600"})
        await bureau.hear(bureau.story.verified(businesses[0]))
        await until(lambda: len(receiver.posted) == 4)
        replay_id = await replay(endpoint)
        found = await followed(endpoint, replay_id)
        assert (found["posted"], len(receiver.posted)) == (3, 7)
        await endpoint.do("pause")
        await endpoint.do("resumption", {})
        await until(lambda: len(live(receiver.taken)) == 4)
    assert in_order(live(receiver.taken))


async def test_a_replay_is_as_fast_as_was_asked_for_and_can_be_cancelled(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 40)
        await receiver.until(120)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=20)
        await receiver.until(140)
        came = again(receiver.taken, replay_id)
        # Slices of a quarter of a second: 15 of 20 wait. Unpaced they need a tenth of it; the first one may have come late.
        assert came[19].at - came[0].at >= (20 - 5) / 20 / 2
        assert 0 < (await shown(endpoint, replay_id))["posted"] < 120
        assert rule_of(await cancel(endpoint, replay_id, 2)) == (412, "versi-usang")
        assert (await cancel(endpoint, replay_id)).json()["version"] == 2
        begun = monotonic()
        await quiet(receiver)
        assert max(item.at for item in receiver.posted) - begun < STOPS_SECONDS
        found = await shown(endpoint, replay_id)
        assert (found["state"], found["reason"], found["posted"]) == ("dibatalkan", None, len(receiver.taken) - 120)
        assert 0 < found["done"] < found["total"]
        assert rule_of(await cancel(endpoint, replay_id, 2)) == (409, "keadaan-putar-ulang")
        await told(bureau, 1)  # what is live goes on
        await until(lambda: len(live(receiver.taken)) == 123)
        await caught_up(endpoint)
        another = await replay(endpoint)
        assert (await followed(endpoint, another))["posted"] == 123


async def so_many(receiver: Receiver, count: int) -> None:
    """Wait until so much of what is live was taken."""
    await until(lambda: len(live(receiver.taken)) >= count)


async def quiet(receiver: Receiver, seconds: float = 1.5) -> None:
    """Wait until nothing was posted for so long."""
    while monotonic() - receiver.posted[-1].at < seconds:
        await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_worker_that_is_killed_goes_on_where_the_replay_was(bureau: Bureau) -> None:
    async with receiving() as receiver:
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 50)
        async with delivering(make_deliverer(bureau, "satu")):
            await receiver.until(150)
            await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=100)
        for count in (40, 90):
            with process(bureau.database.dsn, "satu") as running:
                async with asyncio.timeout(90):
                    while len({item.id for item in again(receiver.posted, replay_id)}) < count:
                        await asyncio.sleep(0.01)
                running.send_signal(signal.SIGKILL)
        with process(bureau.database.dsn, "satu"):
            found = await followed(endpoint, replay_id)
    came = again(receiver.posted, replay_id)
    assert len({item.id for item in came}) == 150
    assert in_order(came)
    # Of each kill a slice at most comes again: a quarter of a second's events.
    assert len(came) - 150 <= 2 * 25
    assert (found["done"], found["posted"] <= 150) == (found["total"], True)


@pytest.mark.parametrize(
    ("deed", "reason"), [("suspension", "perjanjian_ditangguhkan"), ("end", "perjanjian_berakhir")]
)
async def test_a_suspension_and_an_end_stop_a_replay_for_good_within_five_seconds(
    bureau: Bureau, deed: str, reason: str
) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        agreement, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 60)
        await receiver.until(180)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=20)
        await receiver.until(190)
        await bureau.do_with(agreement, deed, {"cause": "dugaan_pelanggaran"})
        begun = monotonic()
        found = await followed(endpoint, replay_id, "dihentikan")
        assert (found["reason"], monotonic() - begun < STOPS_SECONDS) == (reason, True)
        await quiet(receiver)
        assert max(item.at for item in receiver.posted) - begun < STOPS_SECONDS
        assert len(receiver.posted) < 360
        if deed == "suspension":
            before = len(receiver.posted)
            await bureau.do_with(agreement, "resumption")
            await told(bureau, 1)
            await receiver.until(before + 3)
            await quiet(receiver)
            assert len(again(receiver.posted, replay_id)) == before - 180


async def test_an_expiry_stops_a_replay_without_anybody_doing_anything(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 60)
        await receiver.until(180)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=5)
        await receiver.until(181)
        begun = monotonic()
        await bureau.pool.execute("UPDATE agreement SET expires_at = clock_timestamp() + interval '1 second'")
        found = await followed(endpoint, replay_id, "dihentikan")
        assert (found["reason"], monotonic() - begun < 1 + STOPS_SECONDS) == ("perjanjian_kedaluwarsa", True)


async def test_the_agreement_of_now_says_what_is_shown_and_names_of_the_erased_do_not_come_again(
    bureau: Bureau,
) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        basis = {"legal_basis": "kewajiban_hukum"}
        agreement, endpoint = await agree_and_register(bureau, receiver.url, grants=NAMES, **basis)
        owner = bureau.story.owner(name="Siti Aminah")
        await bureau.hear(owner, bureau.business(owner.fact.aggregate_id))
        await receiver.until(2)
        for stream in ("owner", "business"):
            await caught_up(endpoint, stream)
        form = agreement_form({**NAMES, REGISTERED: ["business_id", "sector"]}, **WAYS, **basis)
        del form["agency"]
        await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
        await bureau.sign_twice(agreement)
        await bureau.hear(bureau.story.erased(owner.fact.aggregate_id))
        replay_id = await replay(endpoint)
        await followed(endpoint, replay_id)
    data = {item.event().get_type(): item.event().get_data() for item in again(receiver.taken, replay_id)}
    assert set(data[REGISTERED]) == {"business_id", "sector"}
    assert "Siti" not in str(data)
    withheld = await bureau.pool.fetch("SELECT withheld FROM disclosure WHERE stream = 'owner' ORDER BY id")
    assert [list(row["withheld"]) for row in withheld] == [[], [1]]


async def test_a_way_that_is_taken_out_of_the_agreement_stops_a_replay(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        agreement, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 40)
        await receiver.until(120)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=5)
        form = agreement_form(ways=["feed"])
        del form["agency"]
        await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
        await bureau.sign_twice(agreement)
        assert (await followed(endpoint, replay_id, "dihentikan"))["reason"] == "cara_tidak_diperjanjikan"


async def test_what_the_retention_takes_from_a_replay_is_never_skipped_without_saying_so(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 40)
        await receiver.until(120)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=10)
        await receiver.until(125)
        later = datetime.now(UTC) + timedelta(seconds=1)
        await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
        found = await followed(endpoint, replay_id, "dihentikan")
        assert (found["reason"], found["done"] < found["total"]) == ("riwayat_dihapus", True)
        await told(bureau, 1)
        await until(lambda: len(live(receiver.taken)) == 123)
        await caught_up(endpoint)
        # From a time that is not kept any more a replay begins with what is, as the feed does.
        assert (await followed(endpoint, await replay(endpoint)))["posted"] == 3


async def test_what_is_refused_comes_again_and_an_endpoint_that_is_away_does_not_lose_its_replay(
    bureau: Bureau,
) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 10)
        await receiver.until(30)
        await caught_up(endpoint)
        receiver.answer = failing(500, 3)
        replay_id = await replay(endpoint)
        async with asyncio.timeout(20):
            while not any(stream["error"] == "http_500" for stream in (await shown(endpoint, replay_id))["streams"]):
                await asyncio.sleep(0.02)
        found = await followed(endpoint, replay_id)
        assert found["posted"] == 30
        assert all(stream["error"] is None and stream["tries"] == 0 for stream in found["streams"])
        assert in_order(again(receiver.taken, replay_id))
        assert await noted(bureau) == 60


async def test_410_and_a_pause_hold_a_replay_and_it_goes_on_when_the_endpoint_does(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 10)
        await receiver.until(30)
        await caught_up(endpoint)

        async def gone(item: Posted) -> web.Response:
            return web.Response(status=410 if mark_of(item) else 200)

        receiver.answer = gone
        replay_id = await replay(endpoint)
        async with asyncio.timeout(10):
            while (await endpoint.shown())["state"] == "aktif":
                await asyncio.sleep(0.02)
        assert (await endpoint.shown())["reason"] == "dijawab_410"
        assert (await shown(endpoint, replay_id))["state"] == "berjalan"
        receiver.answer = None
        await endpoint.do("resumption", {})
        assert (await followed(endpoint, replay_id))["posted"] == 30


async def test_an_endpoint_that_is_removed_ends_its_replay(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 20)
        await receiver.until(60)
        await caught_up(endpoint)
        replay_id = await replay(endpoint, rate=5)
        path = f"/webhooks/{endpoint.id}"
        assert (await bureau.agency().client.delete(path, headers={"If-Match": '"1"'})).status_code == 200
        assert (await followed(endpoint, replay_id, "dihentikan"))["reason"] == "webhook_dihapus"


async def test_three_days_without_success_end_the_replay_and_not_the_endpoint(bureau: Bureau) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        _, endpoint = await agree_and_register(bureau, receiver.url)
        await told(bureau, 1)
        await receiver.until(3)
        await caught_up(endpoint)

        async def refuse(item: Posted) -> web.Response:
            return web.Response(status=500 if mark_of(item) else 200)

        receiver.answer = refuse
        before = len(receiver.posted)
        replay_id = await replay(endpoint)
        await until(lambda: len(receiver.posted) > before)
        async with asyncio.timeout(20):
            while not any(stream["tries"] for stream in (await shown(endpoint, replay_id))["streams"]):
                await asyncio.sleep(0.02)
    await bureau.pool.execute(
        "UPDATE webhook_replay_position SET failing_since = now() - interval '73 hours', due_at = now() WHERE tries > 0"
    )
    async with receiving() as other, delivering(make_deliverer(bureau)):
        found = await followed(endpoint, replay_id, "dihentikan")
        assert (found["reason"], (await endpoint.shown())["state"]) == ("gagal_tiga_hari", "aktif")
        assert other.posted == []
