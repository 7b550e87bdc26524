"""The page in a real browser: without JavaScript, on a telephone, and for people who listen to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.projections.handlers.projecting import project_batch
from shared.database import Pool
from tests.kernel.browsing import CHROMIUM, axe, open_browser, serious_findings
from tests.kernel.web_client import served
from tests.projections.conftest import Office
from tests.projections.stories import interleaved, random_story

playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with open_browser(playwright) as opened:
        yield opened


@pytest.fixture
async def page_url(office: Office, pool: Pool) -> AsyncIterator[str]:
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, list(interleaved([random_story(seed, 4) for seed in range(60)], 1)))
    async with served(office.app) as server:
        yield f"http://127.0.0.1:{server.port}/"


@pytest.mark.parametrize("width", [390, 1200])
async def test_the_page_works_without_javascript_at_every_width(
    browser: Any, page_url: str, width: int, tmp_path: Path
) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(page_url)
    picture = await page.screenshot(path=tmp_path / "dasbor.png", full_page=True)
    assert len(picture) > 20_000
    assert await page.locator("h1").inner_text() == "Dasbor UMKM Kota Balikpapan"
    assert await page.locator("svg.chart rect").count() > 5
    assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
    assert complaints == []
    assert all(url.startswith((page_url, "data:")) for url in asked)
    await context.close()


@pytest.mark.skipif(axe() is None, reason="needs axe-core")
@pytest.mark.security(line="S22")
async def test_axe_finds_nothing_serious(browser: Any, page_url: str) -> None:
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()
    await page.goto(page_url)
    for folded in await page.locator("summary").all():
        await folded.click()
    serious, passed = await serious_findings(page)
    assert serious == []
    assert passed > 10
    await context.close()
