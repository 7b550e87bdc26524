"""The HTTP API: who may read what, and counts that add up."""

from __future__ import annotations

import re
from urllib.parse import urljoin
from uuid import UUID

import pytest

from services.projections.domain.counting import Dimension
from services.projections.handlers.projecting import project_batch
from shared.auth import Role, assert_every_route_has_a_rule
from shared.contracts import registry as r
from shared.contracts.registry import BusinessClass
from shared.database import Pool
from tests.projections.conftest import Office
from tests.projections.stories import class_record, interleaved, random_story, registered, story

BUSINESS = UUID("0192f0c0-0000-7000-8000-000000009900")
MANGGAR, ELSEWHERE = "64.71.01.1001", "64.71.02.1001"
STORY = story(
    registered(BUSINESS, kelurahan=MANGGAR),
    r.BusinessVerified(business_id=BUSINESS),
    r.BusinessClassChanged(
        business_id=BUSINESS, previous=class_record(BusinessClass.MIKRO), current=class_record(BusinessClass.KECIL)
    ),
)


@pytest.fixture(autouse=True)
async def _facts(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, STORY)
        lives = [random_story(seed, 4) for seed in range(40)]
        await project_batch(connection, list(interleaved(lives, 1)))


async def test_the_timeline_is_told_in_order_and_in_indonesian(office: Office) -> None:
    async with office.client(Role.PETUGAS_DINAS) as client:
        answer = await client.get(f"/businesses/{BUSINESS}/timeline")
    body = answer.json()
    assert (answer.status_code, body["kelurahan"], body["next_after"]) == (200, MANGGAR, None)
    assert [entry["sequence"] for entry in body["entries"]] == [1, 2, 3]
    assert body["entries"][1]["sentence"] == "Usaha diverifikasi oleh petugas."
    assert body["entries"][2]["sentence"].startswith("Naik kelas: dari kelas mikro ke kelas kecil")


async def test_the_timeline_is_read_page_by_page(office: Office) -> None:
    async with office.client(Role.OPERATOR) as client:
        first = (await client.get(f"/businesses/{BUSINESS}/timeline", params={"limit": 2})).json()
        rest = (
            await client.get(f"/businesses/{BUSINESS}/timeline", params={"limit": 2, "after": first["next_after"]})
        ).json()
    assert [entry["sequence"] for page in (first, rest) for entry in page["entries"]] == [1, 2, 3]
    assert (first["next_after"] is None, rest["next_after"]) == (False, None)


@pytest.mark.parametrize(
    "after",
    [
        "2",
        "kemarin~0~0",
        f"2026-03-01T00:00:00~{BUSINESS}~1",
        f"0001-01-01T00:00:00+08:00~{BUSINESS}~0",
        f"9999-12-31T23:59:59-08:00~{BUSINESS}~0",
        f"9999-W53-7T00:00:00Z~{BUSINESS}~0",
        f"2026-03-01T00:00:00Z~{BUSINESS}~{1 << 63}",
    ],
)
@pytest.mark.security(line="S20")
async def test_a_place_in_the_timeline_that_nobody_gave_is_a_problem(office: Office, after: str) -> None:
    async with office.client(Role.OPERATOR) as client:
        answer = await client.get(f"/businesses/{BUSINESS}/timeline", params={"after": after})
    assert (answer.status_code, answer.json()["title"]) == (422, "Halaman tidak dikenal")


@pytest.mark.parametrize(("moment", "rest"), [("0001-01-01T00:00:00Z", 3), ("9999-12-31T23:59:59Z", 0)])
async def test_the_ends_of_the_calendar_are_places_in_the_timeline(office: Office, moment: str, rest: int) -> None:
    async with office.client(Role.OPERATOR) as client:
        answer = await client.get(f"/businesses/{BUSINESS}/timeline", params={"after": f"{moment}~{BUSINESS}~0"})
    assert (answer.status_code, len(answer.json()["entries"])) == (200, rest)


async def test_the_class_history_names_the_step_up(office: Office) -> None:
    async with office.client(Role.PENDAMPING) as client:
        entries = (await client.get(f"/businesses/{BUSINESS}/classes")).json()["entries"]
    assert [(entry["before"], entry["after"], entry["naik_kelas"]) for entry in entries] == [
        (None, "mikro", False),
        ("mikro", "kecil", True),
    ]


@pytest.mark.parametrize("path", ["timeline", "classes"])
async def test_an_officer_of_a_kelurahan_sees_the_own_one_only(office: Office, path: str) -> None:
    for kelurahan, status in ((MANGGAR, 200), (ELSEWHERE, 403)):
        async with office.client(Role.PETUGAS_KELURAHAN, kelurahan=kelurahan) as client:
            answer = await client.get(f"/businesses/{BUSINESS}/{path}")
        assert answer.status_code == status


async def test_a_business_that_nobody_told_of_is_a_problem(office: Office) -> None:
    async with office.client(Role.PETUGAS_DINAS) as client:
        answer = await client.get("/businesses/0192f0c0-0000-7000-8000-00000000dead/timeline")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["title"] == "Usaha tidak dikenal"


@pytest.mark.parametrize("by", list(Dimension))
async def test_buckets_and_unknown_are_the_total(office: Office, by: Dimension) -> None:
    async with office.client(Role.PETUGAS_DINAS) as client:
        counts = (await client.get("/dashboard", params={"by": by.value})).json()
    shown = sum(bucket["businesses"] for bucket in counts["buckets"]) + counts["unknown"]["businesses"]
    assert shown == counts["total"]
    assert counts["total"] + counts["merged"] == 41
    assert (counts["unit"], counts["data_from"]) == ("usaha", "2026-02-01")
    assert sum(source["businesses"] for source in counts["sources"]) == counts["total"]


@pytest.mark.parametrize(
    ("path", "roles", "status"),
    [
        ("/dashboard", (), 401),
        (f"/businesses/{BUSINESS}/timeline", (), 401),
        ("/projections", (Role.PETUGAS_DINAS,), 403),
        ("/projections", (Role.OPERATOR,), 200),
        ("/", (), 200),
        ("/dashboard?by=agama", (Role.OPERATOR,), 422),
    ],
)
async def test_each_route_lets_in_whom_it_should(
    office: Office, path: str, roles: tuple[Role, ...], status: int
) -> None:
    async with office.client(*roles) as client:
        assert (await client.get(path)).status_code == status


def test_every_route_declares_its_rule(office: Office) -> None:
    assert_every_route_has_a_rule(office.app)


@pytest.mark.security(line="S22")
async def test_the_page_loads_nothing_from_elsewhere(office: Office) -> None:
    async with office.client() as client:
        page = await client.get("/")
        style = await client.get("/assets/naikkelas.css")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "http" not in page.text.replace("http://www.w3.org", "")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    # Behind the proxy the service's root is a folder.
    (named,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    assert urljoin("http://office/projections/", named).startswith("http://office/projections/assets/naikkelas.css?v=")


async def test_the_page_shows_the_counts_of_the_api(office: Office) -> None:
    async with office.client(Role.OPERATOR) as client:
        counts = (await client.get("/dashboard", params={"by": "status"})).json()
        page = (await client.get("/")).text
    verified = next(bucket["businesses"] for bucket in counts["buckets"] if bucket["code"] == "terverifikasi")
    assert f'<span class="figure">{counts["total"]}</span><span class="what">usaha tercatat</span>' in page
    assert f'<span class="figure">{verified}</span><span class="what">terverifikasi petugas</span>' in page
