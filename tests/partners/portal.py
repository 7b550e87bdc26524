"""The portal as people use it: pages with their forms, asked for in memory or by a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape
from re import compile as pattern
from typing import Any

import httpx2

from shared.auth import Role
from tests.desk import Caller
from tests.kernel.browsing import open_browser
from tests.kernel.web_client import served
from tests.partners.bureau import AGENCY, Bureau

LANGUAGES = ("id", "en")
DEEDS = ("uji", "jeda", "lanjut", "kunci", "hapus")
FORMS = frozenset(f"/portal/{{language}}/webhook/{{webhook_id}}/{deed}" for deed in DEEDS) | {
    "/portal/{language}/instansi/{code}/webhook-baru",
    "/portal/{language}/webhook/{webhook_id}/putar-ulang-baru",
    "/portal/{language}/webhook/{webhook_id}/putar-ulang/{replay_id}/batal",
    "/portal/{language}/jalur/{lane_id}/lanjut",
    "/portal/{language}/penghapusan/{notice_id}/jawaban",
    "/portal/{language}/penghapusan/{notice_id}/surat",
}
"""POST routes whose key stands in a field of their form."""
NASTY = "<script>alert('1')</script>"
FORM = pattern(r'<form class="[a-z]+" method="post" action="([^"]*)"[^>]*>(.*?)</form>')
HIDDEN = pattern(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">')
GIVEN_UP = "net::ERR_ABORTED"
ID = pattern(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def visitor(bureau: Bureau, code: str | None = AGENCY, subject: str = "rina") -> Caller:
    """Return a person of an agency."""
    return bureau.caller(Role.INSTANSI, subject=subject, agency=code)


def headings(text: str) -> list[str]:
    """Return the headings of a page."""
    return [unescape(found) for found in pattern(r"<h[12][^>]*>([^<]*)</h[12]>").findall(text)]


async def forms(caller: Caller, path: str) -> dict[str, dict[str, str]]:
    """Return the hidden fields of the forms on a page, by the last part of where each goes."""
    text = (await caller.get(f"/portal/{path}")).text.replace("\n", " ")
    return {action.rpartition("/")[2]: dict(HIDDEN.findall(inside)) for action, inside in FORM.findall(text)}


async def send(caller: Caller, path: str, fields: dict[str, str]) -> httpx2.Response:
    """Send a form as a browser does."""
    return await caller.client.post(f"/portal/{path}", data=fields)


def said(answer: httpx2.Response) -> str:
    """Return what a page says, as text."""
    return unescape(answer.text)


async def shown(caller: Caller, path: str, status: int = 200) -> str:
    """Return a page."""
    answer: httpx2.Response = await caller.get(f"/portal/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def row_of(text: str, head: str) -> list[str]:
    """Return the cells of a row of a table, by the text of its head."""
    row = text[text.index(f"{head}</th>") :].partition("</tr>")[0]
    return [
        " ".join(unescape(cell.partition("</td>")[0]).split())
        for cell in row.replace('<td class="said">', "<td>").split("<td>")[1:]
    ]


async def all_pages(bureau: Bureau) -> list[str]:
    """Return the address of every page that an agency with an agreement and an endpoint has, below its language."""
    agency = bureau.agency()
    first = (await bureau.operator().get(f"/agreements?agency={AGENCY}")).json()["items"][-1]["id"]
    pages = [f"instansi/{AGENCY}", f"perjanjian/{first}", "penghapusan", "penghapusan?tampil=semua"]
    for item in (await agency.get("/webhooks")).json()["items"]:
        path = f"webhook/{item['id']}"
        replays = (await agency.get(f"/webhooks/{item['id']}/replays")).json()["items"]
        pages += [path, f"{path}/putar-ulang", f"{path}/putar-ulang-baru"]
        pages += [f"{path}/putar-ulang/{replay['id']}" for replay in replays]
    notices = (await agency.get("/erasures")).json()["items"]
    return pages + [f"penghapusan/{notice['id']}" for notice in notices]


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
    # Of a double click the browser gives up the first request by itself.
    page.on("requestfailed", lambda request: request.failure == GIVEN_UP or complaints.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    return complaints, asked


def links(text: str) -> Iterator[str]:
    """Yield the addresses that a page leads to."""
    yield from pattern(r'href="([^"]*)"').findall(text)
