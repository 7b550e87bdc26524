"""What counts: figures leave out what ended or never took place, and what they show is what is explained behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pytest

from services.projections.domain.counting import Dimension
from services.projections.handlers.projecting import project_batch
from shared.contracts import exhibitions as x
from shared.contracts import registry as r
from shared.contracts.registry import BusinessStatus, Workers
from shared.database import Pool
from shared.envelope import Event
from tests.projections.cities import city, counted_city
from tests.projections.conftest import Office
from tests.projections.stories import registered, sealed, story
from tests.projections.test_explain_services import explained
from tests.projections.test_figures import BATCH, MANGGAR, application, ask, enrolment, exhibition, new_id, of

LATER = "2027-12-31"
"""A day after all facts, so that every move and every count is of that day or before."""
SAME = ((Dimension.KECAMATAN, "kecamatan"), (Dimension.KELURAHAN, "kelurahan"), (Dimension.CLASS, "kelas"))


async def tell(pool: Pool, events: Iterable[Event]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, list(events))


async def adds_up(office: Office, row: dict[str, Any], names: Sequence[str]) -> None:
    """Each number must be what is told behind its address."""
    for name in names:
        found = await explained(office, row["addresses"][name], None)
        assert (name, found["total"]) == (name, row[name])
        assert sum(item["amount"] for item in found["items"]) == row[name]


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_workers_of_the_dashboard_are_those_of_the_ledger(office: Office, pool: Pool, seed: int) -> None:
    await tell(pool, [*counted_city(60, seed), *city(60, seed)])
    statuses = {row[0] for row in await pool.fetch("SELECT DISTINCT status FROM district_dashboard")}
    assert statuses > {"tutup", "ditolak", "digabung", "nonaktif"}
    for dimension, by in SAME:
        board, jobs = await ask(office, "/dashboard", by=dimension.value), await ask(office, "/jobs", by=by, on=LATER)
        ledger = {bucket["code"]: bucket["kinds"][0] for bucket in jobs["buckets"]}
        for bucket in (*board["buckets"], board["unknown"]):
            mine = ledger.get(bucket["code"], {"workers": None, "businesses_unknown": {"count": 0}})
            told = (bucket["code"], bucket["workers"], bucket["workers_unknown"])
            assert told == (bucket["code"], mine["workers"], mine["businesses_unknown"]["count"])
        whole = jobs["city"]["kinds"][0]
        assert (board["workers"], board["workers_unknown"]) == (whole["workers"], whole["businesses_unknown"]["count"])
        assert whole["workers"] > 100
    for by in ("kecamatan", "kelurahan"):
        equity, jobs = await ask(office, "/equity", by=by), await ask(office, "/jobs", by=by, on=LATER)
        counted = {bucket["code"]: bucket["businesses"]["count"] for bucket in jobs["buckets"]}
        for bucket in (*equity["buckets"], equity["unknown"]):
            assert (bucket["code"], bucket["businesses"]) == (bucket["code"], counted.get(bucket["code"], 0))


async def test_who_closed_or_was_rejected_employs_nobody_and_cannot_be_helped(office: Office, pool: Pool) -> None:
    open_one, closed, rejected, untold = (new_id() for _ in range(4))
    reason = {"business_id": closed, "personal": sealed(closed, "reason")}
    await tell(
        pool,
        [
            *story(registered(open_one, workers=Workers(paid_men=3))),
            *story(
                registered(closed, workers=Workers(paid_men=10)), r.BusinessClosed(**reason, closed_on=date(2026, 4, 1))
            ),
            *story(registered(rejected, workers=Workers(paid_women=20), status=BusinessStatus.DITOLAK)),
            *story(registered(untold, workers=None, status=BusinessStatus.DITOLAK)),
        ],
    )
    board = await ask(office, "/dashboard", by="status")
    assert (board["total"], board["workers"], board["workers_unknown"]) == (4, 3, 0)
    businesses = {bucket["code"]: bucket["businesses"] for bucket in board["buckets"]}
    assert (businesses["draf"], businesses["tutup"], businesses["ditolak"]) == (1, 1, 2)
    for code, workers in (("draf", 3), ("tutup", None), ("ditolak", None)):
        assert of(board["buckets"], code, ["workers", "workers_unknown"]) == [workers, 0]
        assert (await explained(office, f"district_dashboard/status={code}/angka=tenaga_kerja", None))[
            "total"
        ] == workers
    async with office.client() as client:
        page = (await client.get("/")).text
    assert '<span class="figure">3</span><span class="what">tenaga kerja</span>' in page
    assert '<span class="figure">4</span><span class="what">usaha tercatat</span>' in page
    equity = await ask(office, "/equity", by="kelurahan")
    assert of(equity["buckets"], MANGGAR, ["businesses", "never_helped"]) == [1, 1]
    await adds_up(office, equity["total"], ["businesses", "never_helped"])


@pytest.mark.parametrize("cancelled_last", [True, False])
async def test_a_place_at_an_exhibition_that_was_cancelled_is_no_help(
    office: Office, pool: Pool, cancelled_last: bool
) -> None:
    nowhere, both, absent = (new_id() for _ in range(3))
    called_off, held = new_id(), new_id()
    at_none = application(called_off, both, came=None, placed=True)
    streams = [
        *(story(registered(each)) for each in (nowhere, both, absent)),
        exhibition(held),
        application(called_off, nowhere, came=None, placed=True),
        at_none,
        application(held, both, came=True),
        application(held, absent, came=False),
        exhibition(called_off, x.ExhibitionCancelled(exhibition_id=called_off)),
    ]
    await tell(pool, [each for stream in (streams if cancelled_last else reversed(streams)) for each in stream])
    total = (await ask(office, "/equity"))["total"]
    assert {name: total[name] for name in ("businesses", "placed", "never_helped")} == {
        "businesses": 3,
        "placed": 2,
        "never_helped": 1,
    }
    await adds_up(office, total, ["placed", "never_helped"])
    behind = (await explained(office, total["addresses"]["placed"], None))["items"]
    assert {item["business_id"] for item in behind} == {str(both), str(absent)}
    assert not {told["id"] for item in behind for told in item["events"]} & {str(each.meta.id) for each in at_none}
    never = (await explained(office, total["addresses"]["never_helped"], None))["items"]
    assert [item["business_id"] for item in never] == [str(nowhere)]
    async with office.client() as client:
        page = (await client.get("/")).text
    assert '<th scope="col">Pernah mendapat tempat di pameran</th>' in page
    assert "pernah mendapat tempat di pameran yang tidak dibatalkan" in page


async def test_who_was_in_a_batch_that_was_cancelled_did_not_withdraw(office: Office, pool: Pool) -> None:
    business = new_id()
    await tell(
        pool,
        [
            *story(registered(business)),
            *(each for _ in range(3) for each in enrolment(business, end="dibatalkan")),
            *enrolment(business, state="daftar_tunggu", end="dibatalkan"),
            *enrolment(business, end="mundur"),
            *enrolment(business, end="lulus"),
        ],
    )
    counts = await ask(office, "/trainings/outcome", by="batch")
    names = ("enrolled", "accepted", "withdrawn", "cancelled", "passed")
    assert of(counts["buckets"], BATCH, names) == [6, 5, 1, 4, 1]
    for row in (*counts["buckets"], counts["total"]):
        await adds_up(office, row, names)
    assert counts["total"]["addresses"]["cancelled"] == "training_outcome/angka=dibatalkan"
    async with office.client() as client:
        page = (await client.get("/")).text
    assert '<th scope="col">Mundur</th><th scope="col">Dibatalkan dinas</th>' in page
    assert '<td data-address="training_outcome/angka=mundur">1</td>' in page
    assert '<td data-address="training_outcome/angka=dibatalkan">4</td>' in page


async def test_the_newest_exhibitions_are_told_in_the_unit_that_is_counted(office: Office, pool: Pool) -> None:
    business, fair = new_id(), new_id()
    twice = [application(fair, business, came=None), application(fair, business, came=True)]
    await tell(pool, [*story(registered(business)), *exhibition(fair), *(each for stream in twice for each in stream)])
    async with office.client() as client:
        page = (await client.get("/")).text
    (table,) = re.findall(r'<section class="panel" aria-labelledby="pameran">.*?</section>', page, re.DOTALL)
    assert f'<td data-address="exhibition_turnover/pameran={fair}/angka=pendaftaran">2</td>' in table
    behind = await explained(office, f"exhibition_turnover/pameran={fair}/angka=pendaftaran", None)
    assert (behind["unit"], behind["businesses"]) == ("pendaftaran", 1)
    assert f"<caption>Satuan: {behind['unit']};" in table
