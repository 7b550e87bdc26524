"""The portal in a real browser: each page, without JavaScript, at every width, for who listens, with nothing from elsewhere."""

from __future__ import annotations

import pytest

from shared.contracts.partnership import DeliveryWay
from tests.kernel.browsing import CHROMIUM, axe, serious_findings
from tests.partners.bureau import AGENCY, OPEN, Bureau
from tests.partners.portal import LANGUAGES, NASTY, all_pages, browsing, listened, try_of, visitor
from tests.partners.receiving import agree_and_register

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
    return endpoint.id


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
async def test_axe_finds_nothing_serious(bureau: Bureau, language: str) -> None:
    webhook = await an_agency(bureau)
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
        await page.set_extra_http_headers({"Authorization": bureau.operator().client.headers["Authorization"]})
        await page.goto(f"{root}portal/{language}/")
        assert await page.locator("tbody th a").count() == 1
        assert (await serious_findings(page))[0] == []
