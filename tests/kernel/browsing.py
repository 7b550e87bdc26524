"""A real browser for the tests of pages: Chromium, and axe-core for people who listen to a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def axe() -> Path | None:
    """Return axe-core's script, from the folder of ``AXE_CORE`` or ``node_modules``."""
    folder = Path(os.environ.get("AXE_CORE", ROOT / "node_modules" / "axe-core"))
    script = folder / "axe.min.js"
    return script if script.exists() else None


@asynccontextmanager
async def open_browser(playwright: Any) -> AsyncIterator[Any]:
    """Give a browser until the block ends; ``playwright`` is the module ``playwright.async_api``."""
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            await started.close()


async def serious_findings(page: Any) -> tuple[list[tuple[str, list[str]]], int]:
    """Return what axe-core finds serious on the page, with the elements, and how many of its rules passed."""
    script = axe()
    assert script is not None
    await page.add_script_tag(content=script.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run()")
    serious = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    return serious, len(found["passes"])
