"""The page of operations: what it shows, orders that only its own forms give and that are done once, and a real browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from re import compile as pattern

import asyncpg
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.domain.platform import KEPT, Address, History, Moment, read_platform
from services.projections.handlers.overseeing import Overseer
from services.projections.handlers.watching import PlatformWatch
from shared.auth import Role
from shared.contracts.registry import BusinessRegistered
from shared.contracts.schemas import example, schema_of
from shared.database import Pool, create_pool
from shared.trail import Deed, append
from shared.web_pages.charts import SPARK_HEIGHT, SPARK_WIDTH, sparkline
from tests.kernel.browsing import CHROMIUM, axe, open_browser, serious_findings
from tests.kernel.web_client import served
from tests.partners.portal import listened
from tests.projections.conftest import Office
from tests.stack.servers import Database

CODE = pattern(r'action="([a-z-]+)">.*?name="kode" value="([^"]+)"')
PARKED = """
INSERT INTO parked_event (consumer, topic, partition, "offset", aggregate_id, sequence, type, kind, reason, headers, value)
SELECT 'projections', 'umkm.business', 0, n, gen_random_uuid(), 1, $2, k, 'ValueError', '[]', $1
FROM unnest(ARRAY['poison', 'unreadable', 'gap']) WITH ORDINALITY AS u(k, n)
"""


@dataclass
class Platform:
    """The projections over a real socket, known to themselves under their name."""

    office: Office
    pool: Pool
    port: int

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/operasi/"

    async def codes(self, client: httpx2.AsyncClient, parked_id: int) -> dict[str, str]:
        """Return the codes of the forms of a parked event."""
        answer = await client.get(f"/operasi/projections/{parked_id}/")
        assert answer.status_code == 200, answer.text
        return dict(CODE.findall(answer.text.replace("\n", " ")))

    async def deeds(self) -> list[tuple[str, str]]:
        """Return what stands in the trail."""
        return [tuple(row) for row in await self.pool.fetch("SELECT deed, object FROM trail ORDER BY number")]


@pytest.fixture
async def platform(office: Office, pool: Pool, projections_db: Database) -> AsyncIterator[Platform]:
    """Three parked events with numbers from 1, a rebuild under way, an audit, and one process that does not answer."""
    value = example(schema_of(BusinessRegistered), full=True) | {"sector": "Siti Aminah"}
    await pool.execute(PARKED, json.dumps(value).encode(), BusinessRegistered.type_name())
    owner = await asyncpg.connect(projections_db.migrate_dsn)
    await owner.execute(
        "INSERT INTO rebuild_run (projections, stage, done, total) VALUES (ARRAY['jobs'], 'load', 1200, 5000)"
    )
    await owner.close()
    auditor = await asyncpg.connect(projections_db.audit_dsn)
    await auditor.execute("""SELECT audit.keep_run('rina', false, 12345, 99, 1.5, '{"lost": 2}')""")
    await auditor.close()
    async with served(office.app) as server:
        addresses = [Address("projections-api", "127.0.0.1", server.port), Address("registry-api", "127.0.0.1", 1)]
        watch = office.app.state.watch = PlatformWatch(addresses)
        office.app.state.overseer = Overseer(pool, watch)
        yield Platform(office, pool, server.port)
        await watch.close()


async def test_it_shows_what_stands_and_nothing_personal(platform: Platform) -> None:
    client = platform.office.client(Role.OPERATOR)
    answer = await client.get("/operasi/")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    text = answer.text
    for told in ("tidak menjawab", "1.200 dari 5.000", "memuat", "ada temuan", "lost: 2", "rina", "siap"):
        assert told in text, told
    assert text.count("data-parked=") == 3
    figures = (await client.get("/operations")).json()
    assert {row["name"]: row["state"] for row in figures["processes"]} == {
        "projections-api": "ready",
        "registry-api": "no answer",
    }
    assert figures["audits"][0]["findings"] == {"lost": 2}
    page = (await client.get("/operasi/projections/1/")).text
    assert "[pribadi]" in page
    assert "[teks]" in page
    assert "Siti" not in page + text
    assert (await client.get("/operasi/projections/9/")).status_code == 404
    assert (await client.get("/operasi/registry/1/")).status_code == 503
    assert (await client.get("/operasi/lain/1/")).status_code == 404
    assert (await client.get("/operasi")).headers["location"] == "operasi/"
    for path in ("/operasi/", "/operasi/projections/1/", "/operations"):
        assert (await platform.office.client(Role.PETUGAS_DINAS).get(path)).status_code == 403
        assert (await platform.office.client().get(path)).status_code == 401


async def test_a_deed_whose_outcome_is_not_known_is_not_told_as_failed(platform: Platform) -> None:
    async with platform.pool.acquire() as connection, connection.transaction():
        await append(connection, Deed("rina", "cli", "reset_failed", "consumer/projections", "coba saja", {}))
        await append(connection, Deed("rina", "cli", "apply_topics_failed", "topics", "coba saja", {}))
    text = (await platform.office.client(Role.OPERATOR).get("/operasi/")).text
    assert "pembacaan belum pasti dimundurkan, atau baru sebagian" in text
    assert "topik dan hak belum pasti disesuaikan, atau baru sebagian" in text


async def test_an_audit_of_a_part_never_takes_the_place_of_the_whole(
    platform: Platform, projections_db: Database
) -> None:
    client = platform.office.client(Role.OPERATOR)

    async def told() -> list[tuple[bool, str]]:
        figures = (await client.get("/operations")).json()
        return [(run["ok"], run["left_out"]) for run in figures["audits"]]

    auditor = await asyncpg.connect(projections_db.audit_dsn)
    keep = "SELECT audit.keep_run('rina', true, 7, 3, 0.5, '{}', $1)"
    for number in range(103):
        await auditor.execute(keep, f"registry: {number}")
    assert await told() == [(True, "registry: 102"), (False, "")]
    text = (await client.get("/operasi/")).text
    for said in ("(sebagian saja)", "registry: 102", "lost: 2"):
        assert said in text, said
    await auditor.execute(keep, "")
    await auditor.close()
    assert await told() == [(True, "")]
    assert "sebagian saja" not in (await client.get("/operasi/")).text
    assert await platform.pool.fetchval("SELECT count(*) FROM audit_run WHERE left_out <> ''") == 100


async def test_it_shows_the_others_while_its_own_database_is_away(platform: Platform) -> None:
    async with await create_pool("postgresql://x:x@127.0.0.1:1/x", min_size=0) as nowhere:
        platform.office.app.state.overseer = Overseer(nowhere, platform.office.app.state.watch)
        text = (await platform.office.client(Role.OPERATOR).get("/operasi/")).text
    assert "Basis data proyeksi tidak menjawab" in text
    assert 'data-process="projections-api"' in text
    assert text.count("data-parked=") == 3


async def test_only_its_own_forms_give_orders_and_each_is_done_once(platform: Platform) -> None:
    client, officer = platform.office.client(Role.OPERATOR), platform.office.client(Role.PETUGAS_DINAS)
    codes = await platform.codes(client, 1)
    path, said = "/operasi/projections/1/buang", {"alasan": "salah kirim", "yakin": "ya"}
    for code in ("", "x.y", codes["putar-ulang"], (await platform.codes(client, 2))["buang"]):
        assert (await client.post(path, data={**said, "kode": code})).status_code == 403
    assert (await officer.post(path, data={**said, "kode": codes["buang"]})).status_code == 403
    for lacking in ({"alasan": "ya", "yakin": "ya"}, {"alasan": "salah kirim"}):
        answer = await client.post(path, data={**lacking, "kode": codes["buang"]})
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert await platform.deeds() == []
    form = {**said, "kode": codes["buang"]}
    answers = [await client.post(path, data=form) for _ in range(2)]
    assert [(a.status_code, a.headers["location"]) for a in answers] == [(303, "../../?sudah=buang")] * 2
    again = await client.post("/operasi/projections/1/putar-ulang", data={**said, "kode": codes["putar-ulang"]})
    assert (again.status_code, "sudah dibuang oleh uji" in again.text) == (409, True)
    assert await platform.deeds() == [("discard", "parked/1")]
    assert "salah kirim" in (await client.get("/operasi/")).text


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("width", [390, 1200])
async def test_an_operator_redrives_and_discards_in_a_browser(platform: Platform, width: int) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")
    watch = platform.office.app.state.watch
    for minutes in range(9):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        watch.history.add(Moment(at, {"projections": minutes * 7}, {"registry": 3}, {"projections": 3 - minutes // 3}))
    headers = {"Authorization": platform.office.client(Role.OPERATOR).headers["Authorization"]}
    async with open_browser(playwright) as browser:
        context = await browser.new_context(
            extra_http_headers=headers, java_script_enabled=False, viewport={"width": width, "height": 900}
        )
        page = await context.new_page()
        complaints, asked = listened(page)
        await page.goto(platform.url)
        assert await page.locator("svg.spark polyline").count() == 3
        assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
        await page.click("text=Putar ulang… >> nth=0")
        assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
        await page.fill("#alasan-putar", "aturan diperbaiki")
        await page.dblclick("button >> text=Putar ulang")
        assert "Putar ulang diminta" in await page.locator("[role=status]").inner_text()
        assert "aturan diperbaiki" in await page.locator("section[aria-labelledby=jejak]").inner_text()
        await page.click("[data-parked='projections/2'] a >> nth=0")
        await page.fill("#alasan-buang", "tidak terbaca")
        await page.check("#yakin")
        await page.dblclick("text=Buang untuk selamanya")
        assert "dibuang" in await page.locator("[role=status]").inner_text()
        assert await page.locator("[data-parked]").count() == 2
        assert complaints == []
        assert all(url.startswith((platform.url.removesuffix("operasi/"), "data:")) for url in asked)
        await context.close()
    assert await platform.deeds() == [("redrive", "parked/1"), ("discard", "parked/2")]


@pytest.mark.skipif(CHROMIUM is None or axe() is None, reason="needs chromium and axe-core")
async def test_axe_finds_nothing_serious_on_its_pages(platform: Platform) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")
    platform.office.app.state.watch.history.add(Moment(datetime.now(UTC), {"projections": 7}, {"registry": 3}, {}))
    headers = {"Authorization": platform.office.client(Role.OPERATOR).headers["Authorization"]}
    async with open_browser(playwright) as browser:
        context = await browser.new_context(extra_http_headers=headers, bypass_csp=True)
        page = await context.new_page()
        for path in ("", "projections/1/", "projections/9/"):
            await page.goto(platform.url + path)
            serious, passed = await serious_findings(page)
            assert serious == [], path
            assert passed > 10
        await context.close()


NAMES = st.sampled_from(("a", "b", "c"))
FIGURES = st.dictionaries(NAMES, st.integers(0, 10**6))


@given(st.lists(FIGURES, max_size=6))
def test_history_tells_each_figure_for_every_moment_and_lines_stay_in_their_picture(told: list[dict[str, int]]) -> None:
    history = History()
    for figures in told:
        history.add(Moment(datetime(2026, 11, 27, tzinfo=UTC), figures, {}, {}))
    for name, values in history.series("lags").items():
        assert values == [figures.get(name) for figures in told]
        spark = sparkline(values)
        assert spark.highest == max(value for value in values if value is not None)
        for point in " ".join(spark.lines).split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= SPARK_WIDTH
            assert 0 <= y <= SPARK_HEIGHT


def test_history_is_bounded() -> None:
    history = History()
    for number in range(KEPT + 9):
        history.add(Moment(datetime(2026, 11, 27, tzinfo=UTC), {"a": number}, {}, {}))
    assert history.series("lags")["a"] == list(range(9, KEPT + 9))


def test_the_platform_is_read_from_a_setting() -> None:
    assert read_platform(" registry-api=127.0.0.1:18001, registry-api-2=h.x:2\n") == (
        Address("registry-api", "127.0.0.1", 18001),
        Address("registry-api-2", "h.x", 2),
    )
    assert read_platform("") == ()
