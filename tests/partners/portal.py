"""The portal as people use it: pages with their forms, asked for in memory or by a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape
from re import compile as pattern
from typing import Any

from shared.auth import Role
from tests.desk import Caller
from tests.kernel.browsing import open_browser
from tests.kernel.web_client import served
from tests.partners.bureau import AGENCY, Bureau

LANGUAGES = ("id", "en")
DEEDS = ("uji", "jeda", "lanjut", "kunci", "hapus")
FORMS = frozenset(f"/portal/{{language}}/webhook/{{webhook_id}}/{deed}" for deed in DEEDS) | {
    "/portal/{language}/instansi/{code}/webhook-baru"
}
"""POST routes whose key stands in a field of their form."""
NASTY = "<script>alert('1')</script>"
ID = pattern(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def visitor(bureau: Bureau, code: str | None = AGENCY, subject: str = "rina") -> Caller:
    """Return a person of an agency."""
    return bureau.caller(Role.INSTANSI, subject=subject, agency=code)


def headings(text: str) -> list[str]:
    """Return the headings of a page."""
    return [unescape(found) for found in pattern(r"<h[12][^>]*>([^<]*)</h[12]>").findall(text)]


async def all_pages(bureau: Bureau) -> list[str]:
    """Return the address of every page that an agency with an agreement and an endpoint has, below its language."""
    agency = bureau.agency()
    first = (await bureau.operator().get(f"/agreements?agency={AGENCY}")).json()["items"][-1]["id"]
    webhooks = [f"webhook/{item['id']}" for item in (await agency.get("/webhooks")).json()["items"]]
    return [f"instansi/{AGENCY}", f"perjanjian/{first}", *webhooks]


async def try_of(bureau: Bureau, webhook_id: str, **changes: Any) -> None:
    """Let there be an outcome of an endpoint."""
    told = {
        "status": 500,
        "error": "http_500",
        "millis": 12,
        "type": "x",
        "stream": "business",
        "position": 1,
    } | changes
    await bureau.pool.execute(
        "INSERT INTO webhook_try (webhook_id, slot, number, stream, position, event_id, type, status, error, millis, tried_at)"
        " VALUES ($1::uuid, 0, 0, $2, $3, gen_random_uuid(), $4, $5, $6, $7, $8)",
        webhook_id,
        told["stream"],
        told["position"],
        told["type"],
        told["status"],
        told["error"],
        told["millis"],
        datetime.now(UTC),
    )


@asynccontextmanager
async def browsing(bureau: Bureau, caller: Caller, playwright: Any, **options: Any) -> AsyncIterator[tuple[Any, str]]:
    """Give a page of a browser that is known as a caller, and where the portal is; without JavaScript unless asked for."""
    headers = {"Authorization": caller.client.headers["Authorization"]}
    async with served(bureau.app) as server, open_browser(playwright) as browser:
        context = await browser.new_context(extra_http_headers=headers, **({"java_script_enabled": False} | options))
        yield await context.new_page(), f"http://127.0.0.1:{server.port}/"
        await context.close()


def listened(page: Any) -> tuple[list[str], list[str]]:
    """Return lists that fill with what a page complains of, and with the addresses that it asks for."""
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    return complaints, asked


def links(text: str) -> Iterator[str]:
    """Yield the addresses that a page leads to."""
    yield from pattern(r'href="([^"]*)"').findall(text)
