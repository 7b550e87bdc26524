"""The page of the events: whole, without JavaScript, nothing from elsewhere, and for people who listen to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from shared.contracts import CONTRACTS
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.registry import BusinessRegistered
from shared.contracts.schemas import document_of
from shared.topology import DECLARED_TOPICS
from shared.web.asyncapi import fields_of
from tests.kernel.browsing import CHROMIUM, axe, open_browser, serious_findings
from tests.kernel.web_client import served
from tests.projections.conftest import Office

playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")


@pytest.fixture
async def root(office: Office) -> AsyncIterator[str]:
    async with served(office.app) as server:
        yield f"http://127.0.0.1:{server.port}/"


async def test_the_page_tells_every_type_and_leads_to_its_schema(root: str) -> None:
    async with httpx2.AsyncClient(base_url=root) as client:
        page = await client.get("/asyncapi")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for name, fact in CONTRACTS.items():
            assert f'href="schemas/{name}"' in page.text
            for field in fact.model_fields:
                assert f"<code>{field}</code>" in page.text
            assert (await client.get(f"/schemas/{name}")).status_code == 200
        assert all(f"<code>{topic.name}</code>" in page.text for topic in DECLARED_TOPICS)
        again = await client.get("/asyncapi", headers={"If-None-Match": page.headers["etag"]})
        assert again.status_code == 304
        document = (await client.get("/asyncapi.json")).json()
    assert len(document["components"]["messages"]) == len(CONTRACTS) + len(PUBLIC_FACTS)
    assert document["servers"]["kafka"]["host"] == "kafka.example:9093"


def test_fields_of_parts_stand_below_the_field_that_holds_them() -> None:
    document = document_of(BusinessRegistered)
    rows = {field.path: field for field in fields_of(document, document["$defs"])}
    assert rows["workers.paid_men"].kind == "integer or null"
    assert rows["kbli.code"].required
    assert rows["kbli.version"].kind == "one of 2020, 2025"
    assert rows["personal"].privacy == "personal"


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with open_browser(playwright) as opened:
        yield opened


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("width", [390, 1200])
async def test_the_page_works_without_javascript_at_every_width(browser: Any, root: str, width: int) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{root}asyncapi")
    assert await page.locator("h1").inner_text() == "Events"
    assert await page.locator("details").count() == len(CONTRACTS)
    assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
    assert complaints == []
    assert all(url.startswith((root, "data:")) for url in asked)
    await context.close()


@pytest.mark.skipif(axe() is None, reason="needs axe-core")
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
async def test_axe_finds_nothing_serious(browser: Any, root: str) -> None:
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()
    await page.goto(f"{root}asyncapi")
    for folded in (await page.locator("summary").all())[:12]:
        await folded.click()
    serious, passed = await serious_findings(page)
    assert serious == []
    assert passed > 10
    await context.close()
