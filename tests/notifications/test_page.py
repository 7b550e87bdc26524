"""The operator's page in a real browser: filters, history, a resend; without JavaScript, at every width, for who listens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from shared.auth import Role, public_jwks
from shared.settings import read_settings
from tests.kernel.browsing import CHROMIUM, axe, open_browser, serious_findings
from tests.kernel.web_client import served
from tests.notifications.city import announce, fan_out, finish
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.serving import Token, environment
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop

playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with open_browser(playwright) as opened:
        yield opened


@pytest.fixture
async def page_url(
    workshop: Workshop,
    story: Story,
    mailbox: Mailbox,
    clock: Clock,
    signing_key: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[str]:
    """Serve the page of an office with messages in several states and an announcement."""
    await workshop.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(8)), story.owner(consent=False))
    await workshop.send()
    mailbox.mood = Mood.HANG_UP
    await workshop.apply(story.owner(name="Rahasia Sekali"))
    await workshop.send()
    mailbox.mood = Mood.ACCEPT
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    (tmp_path / "jwks.json").write_text(json.dumps(public_jwks(signing_key)))
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    async with served(create_app(read_settings(NotificationsSettings), workshop.pool)) as server:
        yield f"http://127.0.0.1:{server.port}/operator/"


@pytest.mark.parametrize("width", [390, 1200])
async def test_an_operator_finds_what_is_unknown_and_sends_it_again(
    browser: Any, page_url: str, token: Token, workshop: Workshop, width: int, tmp_path: Path
) -> None:
    context = await browser.new_context(
        java_script_enabled=False,
        viewport={"width": width, "height": 900},
        extra_http_headers=token(Role.OPERATOR, "budi"),
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(page_url)
    assert len(await page.screenshot(path=tmp_path / "operator.png", full_page=True)) > 20_000
    assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
    await page.select_option("select[name=keadaan]", "unknown")
    await page.click("text=Tampilkan")
    rows = page.locator("table.texts tbody tr")
    assert await rows.count() == 1
    await rows.locator("a").click()
    assert "tidak diketahui" in await page.locator("p.lead").inner_text()
    await page.click("text=Kirim ulang…")
    assert await page.locator("h1").inner_text() == "Kirim ulang pesan ini?"
    await page.fill("#alasan", "Pemilik belum menerima")
    await page.check("input[name=yakin]")
    await page.click("button")
    assert "Pemilik belum menerima" in await page.locator("main").inner_text()
    assert "antre" in await page.locator("p.lead").inner_text()
    await page.click("text=Pengumuman")
    assert "10 dari 10" in await page.locator("main").inner_text()
    assert await page.locator("body").evaluate("body => body.scrollWidth") <= width
    assert complaints == []
    root = page_url.removesuffix("operator/")
    assert all(url.startswith((root, "data:")) for url in asked)
    await context.close()
    actors = await workshop.pool.fetch("SELECT actor, reason FROM message_step WHERE state = 'queued'")
    assert [tuple(row) for row in actors] == [("budi", "Pemilik belum menerima")]


@pytest.mark.skipif(axe() is None, reason="needs axe-core")
@pytest.mark.security(line="S22")
async def test_axe_finds_nothing_serious(browser: Any, page_url: str, token: Token, workshop: Workshop) -> None:
    context = await browser.new_context(bypass_csp=True, extra_http_headers=token(Role.OPERATOR))
    page = await context.new_page()
    unknown = await workshop.pool.fetchval("SELECT id FROM message WHERE state = 'unknown'")
    for path in ("", "pengumuman", f"{unknown}", f"{unknown}/kirim-ulang"):
        await page.goto(page_url + path)
        serious, _ = await serious_findings(page)
        assert serious == [], path
    await context.close()
