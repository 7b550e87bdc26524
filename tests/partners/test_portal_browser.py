"""The portal in a real browser: each page, without JavaScript, at every width, for who listens, with nothing from elsewhere."""

from __future__ import annotations

import pytest

from shared.contracts.partnership import DeliveryWay
from tests.kernel.browsing import CHROMIUM, axe, serious_findings
from tests.partners.bureau import AGENCY, OPEN, Bureau
from tests.partners.portal import LANGUAGES, NASTY, all_pages, browsing, listened, try_of, visitor
from tests.partners.receiving import agree_and_register
from tests.partners.test_erasures import NOWHERE, Worker, erase, person
from tests.partners.test_replay_api import delivered

playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

URL = "https://instansi.example/masuk"


async def an_agency(bureau: Bureau) -> str:
    """Let there be an agency with everything that pages tell of; return the id of its endpoint."""
    ways = [way.value for way in DeliveryWay]
    _, endpoint = await agree_and_register(bureau, URL, grants=OPEN, ways=ways, title=f"DPMPTSP {NASTY}")
    await bureau.businesses(3)
    await try_of(bureau, endpoint.id)
    await endpoint.do("secrets", {"overlap_hours": 3})
    siti = await person(bureau)
    await bureau.read_all()
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    await delivered(bureau, endpoint)
    await bureau.pool.execute(
        "INSERT INTO kafka_position (agency, stream, position, state, reason)"
        " VALUES ($1, 'business', 1, 'berhenti', 'riwayat_dihapus')",
        AGENCY,
    )
    return endpoint.id


@pytest.mark.parametrize("width", [390, 1200])
async def test_a_person_replays_acknowledges_an_erasure_and_lets_a_topic_go_on(bureau: Bureau, width: int) -> None:
    webhook = await an_agency(bureau)
    viewport = {"width": width, "height": 900}
    async with browsing(bureau, visitor(bureau), playwright, viewport=viewport) as (page, root):
        complaints, asked = listened(page)
        await page.goto(f"{root}portal/en/webhook/{webhook}")
        assert "up to date" in await page.locator("section[aria-labelledby=kemajuan]").inner_text()
        await page.click("text=New replay…")
        await page.fill("#dari", "2026-11-27T10:00:30")
        await page.fill("#sampai", "2026-11-26T10:00")
        await page.click("button")
        assert "must end after it begins" in await page.locator("[role=alert]").inner_text()
        assert await page.locator("#dari").input_value() == "2026-11-27T10:00:30"
        complaints.clear()  # the browser tells that a page came with 422
        await page.fill("#dari", "2026-01-01T00:00")
        await page.fill("#sampai", "")
        await page.check("#aliran-business")
        await page.dblclick("button")
        assert "The replay has begun." in await page.locator("[role=status]").inner_text()
        await page.click("text=Bahasa Indonesia")
        assert "0 dari 4 posisi" in await page.locator("main").inner_text()
        await page.click("text=Batalkan putar ulang")
        assert await page.locator("[role=status]").inner_text() == "Putar ulang dibatalkan."
        await page.click("text=Penghapusan")
        await page.click("tbody th a")
        await page.select_option("#hasil", "wajib_disimpan")
        await page.click("button")
        assert "memerlukan rujukan" in await page.locator("[role=alert]").inner_text()
        complaints.clear()
        await page.fill("#rujukan", "UU 28/2007")
        await page.dblclick("button")
        assert "Jawaban dicatat." in await page.locator("[role=status]").inner_text()
        await page.click("text=Instansi saya")
        assert "0 belum dikonfirmasi." in await page.locator("main").inner_text()
        await page.click("text=Lanjutkan aliran business")
        assert "dilanjutkan dengan yang masih disimpan" in await page.locator("[role=status]").first.inner_text()
        for path in await all_pages(bureau):
            await page.goto(f"{root}portal/id/{path}")
            assert await page.locator("body").evaluate("body => body.scrollWidth") <= width, path
        assert complaints == []
        assert all(url.startswith((root, "data:")) for url in asked)
    told = "SELECT (SELECT (count(*), max(state))::text FROM webhook_replay), (SELECT outcome FROM erasure_notice)"
    assert tuple(await bureau.pool.fetchrow(told)) == ("(1,dibatalkan)", "wajib_disimpan")


@pytest.mark.parametrize("width", [390, 1200])
async def test_a_person_makes_an_endpoint_pauses_it_and_changes_its_secret(bureau: Bureau, width: int) -> None:
    await an_agency(bureau)
    viewport = {"width": width, "height": 900}
    async with browsing(bureau, visitor(bureau), playwright, viewport=viewport) as (page, root):
        complaints, asked = listened(page)
        await page.goto(f"{root}portal/")
        assert page.url == f"{root}portal/id/instansi/{AGENCY}"
        assert NASTY in await page.locator("h1").inner_text()
        await page.click("text=English")
        assert await page.locator("html").get_attribute("lang") == "en"
        await page.click("text=New webhook…")
        await page.fill("#alamat", "https://instansi.example:22/")
        await page.click("button")
        assert "443 and 8443" in await page.locator("[role=alert]").inner_text()
        complaints.clear()  # the browser tells that a page came with 422
        await page.fill("#alamat", "https://instansi.example/lain")
        await page.dblclick("button")
        secret = await page.locator("main code").inner_text()
        assert secret.startswith("whsec_")
        await page.click("text=To the webhook's page")
        assert secret not in await page.content()
        await page.click("text=Pause")
        assert "is paused" in await page.locator("[role=status]").first.inner_text()
        await page.click("text=Make a new secret")
        assert await page.locator("main code").inner_text() not in {secret, ""}
        await page.click("text=To the webhook's page")
        await page.check("#yakin")
        await page.click("text=Remove the webhook")
        assert "was removed" in await page.locator("[role=status]").first.inner_text()
        for path in await all_pages(bureau):
            await page.goto(f"{root}portal/id/{path}")
            assert await page.locator("body").evaluate("body => body.scrollWidth") <= width, path
        assert complaints == []
        assert asked
        assert all(url.startswith((root, "data:")) for url in asked)
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook") == 2


async def test_the_operator_sees_all_and_downloads_a_document(bureau: Bureau) -> None:
    await an_agency(bureau)
    await bureau.agree(agency="lain")
    async with browsing(bureau, bureau.operator(), playwright) as (page, root):
        complaints, asked = listened(page)
        await page.goto(f"{root}portal/en/")
        assert await page.locator("tbody th a").all_inner_texts() == [AGENCY, "lain"]
        await page.click(f"text={AGENCY}")
        await page.click("text=PKS 119/2026")
        async with page.expect_download() as downloading:
            await page.click("text=Download the AsyncAPI document")
        download = await downloading.value
        assert download.suggested_filename == f"asyncapi-{AGENCY}-1.json"
        assert complaints == [] or all("asyncapi.json" in item for item in complaints)  # a download is no page
        assert all(url.startswith((root, "data:")) for url in asked)


@pytest.mark.skipif(axe() is None, reason="needs axe-core")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.security(line="S22")
async def test_axe_finds_nothing_serious(bureau: Bureau, language: str) -> None:
    webhook = await an_agency(bureau)
    agency = bureau.agency()
    told = {"since": "2026-01-01T00:00:00+08:00"}
    (await agency.post(f"/webhooks/{webhook}/replays", told)).raise_for_status()
    pages = [*await all_pages(bureau), f"instansi/{AGENCY}/webhook-baru", f"webhook/{webhook}?sudah=uji", "tidak/ada"]
    options = {"java_script_enabled": True, "bypass_csp": True}
    async with browsing(bureau, visitor(bureau), playwright, **options) as (page, root):
        for path in pages:
            await page.goto(f"{root}portal/{language}/{path}")
            serious, passed = await serious_findings(page)
            assert (serious, passed > 10) == ([], True), path
        await page.goto(f"{root}portal/{language}/webhook/{webhook}")
        await page.locator("form[action$=kunci] button").click()
        assert (await serious_findings(page))[0] == []
        (notice,) = (await agency.get("/erasures")).json()["items"]
        for path in (f"webhook/{webhook}/putar-ulang-baru", f"penghapusan/{notice['id']}"):
            await page.goto(f"{root}portal/{language}/{path}")
            if path.startswith("penghapusan"):
                await page.select_option("#hasil", "wajib_disimpan")
            await page.click("main form button")
            assert await page.locator("[role=alert]").count() == 1, path
            assert (await serious_findings(page))[0] == [], path
        await page.set_extra_http_headers({"Authorization": bureau.operator().client.headers["Authorization"]})
        await page.goto(f"{root}portal/{language}/")
        assert await page.locator("tbody th a").count() == 1
        assert (await serious_findings(page))[0] == []
        await page.goto(f"{root}portal/{language}/penghapusan")
        assert await page.locator("section").count() == 2
        assert (await serious_findings(page))[0] == []
