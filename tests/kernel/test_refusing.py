"""Who is refused reads it: a program as JSON, a person before a browser as a page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI

from shared.auth import FileKeys, Principal, Role, Verifier, allow, public
from shared.health import Health
from shared.problems import MEDIA_TYPE, Problem, unavailable
from shared.web.app import create_http_app
from tests.kernel.browsing import CHROMIUM, axe, open_browser, serious_findings
from tests.kernel.test_auth import AUDIENCE, ISSUER, Issuer
from tests.kernel.web_client import client_of, served

ROOT = Path(__file__).parents[2]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What Firefox asks for when somebody follows a link; Chromium and Safari name the same first two."""
PROGRAMS = (
    "*/*",
    "application/json",
    "application/problem+json, application/json;q=0.9",
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",  # HttpURLConnection of Java, which nobody told otherwise
)
Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def app(issuer: Issuer) -> FastAPI:
    router = APIRouter()

    @router.get("/halaman/{number}", dependencies=[Depends(public())])
    async def page(number: int) -> int:
        return number

    @router.get("/hilang", dependencies=[Depends(public())])
    async def gone() -> None:
        raise Problem(
            410, "hilang", "Tidak ada lagi", "<script>alert(1)</script> & sudah dihapus", headers={"X-A": "1"}
        )

    @router.get("/jauh/dan/dalam", dependencies=[Depends(public())])
    async def away() -> None:
        raise unavailable(retry_after=7)

    @router.get("/rusak", dependencies=[Depends(public())])
    async def broken() -> None:
        raise RuntimeError("NIK 6471010101010001")

    @router.get("/petugas")
    async def read(principal: Officer) -> str:
        return principal.sub

    verifier = Verifier(FileKeys(issuer.path), ISSUER, AUDIENCE)
    return create_http_app(
        "Uji",
        "registry",
        health=Health("registry"),
        verifier=verifier,
        routers=[router],
        requests_per_second=1,
    )


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/petugas", 401, "Belum masuk"),
        ("/tidak/ada", 404, "Tidak ditemukan"),
        ("/hilang", 410, "Tidak ada lagi"),
        ("/halaman/x", 422, "number"),
        ("/rusak", 500, "Kesalahan sistem"),
        ("/jauh/dan/dalam", 503, "Layanan sedang tidak tersedia"),
        ("/petugas%00", 400, "karakter NUL"),
    ],
)
async def test_a_browser_is_shown_a_page_and_a_program_told_a_problem(
    app: FastAPI, path: str, status: int, words: str
) -> None:
    async with client_of(app) as client:
        shown = await client.get(path, headers={"accept": BROWSER})
        told = [await client.get(path, headers={"accept": accept}) for accept in PROGRAMS]
    assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in shown.text
    assert '<html lang="id">' in shown.text
    assert shown.headers["x-request-id"] in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "6471010101010001" not in shown.text
    assert {(one.status_code, one.headers["content-type"]) for one in told} == {(status, MEDIA_TYPE)}
    assert all(words in one.text for one in told)


async def test_a_page_holds_no_markup_of_a_refusal_and_all_of_its_headers(app: FastAPI) -> None:
    async with client_of(app, accept=BROWSER) as client:
        gone, away = await client.get("/hilang"), await client.get("/jauh/dan/dalam")
    assert "<script" not in gone.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; sudah dihapus" in gone.text
    assert gone.headers["x-a"] == "1"
    assert "Coba lagi" not in gone.text
    assert away.headers["retry-after"] == "7"
    assert "Coba lagi" in away.text


async def test_who_asks_too_often_is_shown_a_page_too(app: FastAPI, issuer: Issuer) -> None:
    token = issuer.sign(now=None)
    async with client_of(app, accept=BROWSER, authorization=f"Bearer {token}") as client:
        answers = [await client.get("/petugas") for _ in range(30)]
    refused = answers[-1]
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "Terlalu banyak permintaan" in refused.text
    assert int(refused.headers["retry-after"]) > 0


async def test_the_page_finds_its_style_sheet_at_any_depth(app: FastAPI) -> None:
    async with client_of(app, accept=BROWSER) as client:
        for path in ("/hilang", "/jauh/dan/dalam", "/tidak/ada/"):
            (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', (await client.get(path)).text)
            found = await client.get(str(client.base_url.join(path).join(address)))
            assert (found.status_code, found.headers["content-type"]) == (200, "text/css; charset=utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.skipif(axe() is None, reason="needs axe-core")
async def test_axe_finds_nothing_serious_in_what_a_real_browser_is_shown(app: FastAPI) -> None:
    playwright: Any = pytest.importorskip("playwright.async_api")
    async with served(app) as server, open_browser(playwright) as browser:
        context = await browser.new_context(bypass_csp=True)  # axe-core is a script, which no page of ours may load
        page = await context.new_page()
        answer = await page.goto(f"http://127.0.0.1:{server.port}/jauh/dan/dalam")
        assert answer.status == 503
        assert await page.inner_text("h1") == "Layanan sedang tidak tersedia"
        serious, passed = await serious_findings(page)
    assert serious == []
    assert passed > 0


def test_who_tells_its_health_alone_loads_nothing_for_pages() -> None:
    told = "import sys, shared.web.health; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=False).returncode == 0
