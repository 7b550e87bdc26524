"""The API of announcements, and the public page that stops a topic: who may, what is refused, what is told."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import httpx2
import pytest

from services.notifications.api.announcements import EXAMPLE as DOCUMENTED
from services.notifications.commands import Topic
from shared.auth import Role
from tests.notifications.city import EXAMPLE, fan_out, finish, ids, opt_out, owners
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.workshop import LINKS, Clock, Workshop

ALL = {"everyone": True}
NOBODY = UUID(int=7)


@pytest.fixture
def officer(token: Token) -> dict[str, str]:
    """The headers of an officer of the city's office."""
    return token(Role.PETUGAS_DINAS, "budi")


async def post(
    api: httpx2.AsyncClient, officer: dict[str, str], path: str, body: Any, key: str = ""
) -> httpx2.Response:
    """Post with an idempotency key of its own."""
    return await api.post(path, json=body, headers={**officer, "Idempotency-Key": key or str(uuid4())})


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/announcements"),
        ("GET", "/announcements/audience?topic=kabar&everyone=true"),
        ("GET", f"/announcements/{NOBODY}"),
        ("POST", "/announcements"),
        ("POST", f"/announcements/{NOBODY}/cancel"),
    ],
)
async def test_only_the_office_announces(
    api: httpx2.AsyncClient, token: Token, role: Role, method: str, path: str
) -> None:
    headers = token(role, kelurahan="64.71.01.1001", **{"Idempotency-Key": str(uuid4())})
    body = {"reason": "salah"} if path.endswith("cancel") else EXAMPLE
    answer = await api.request(method, path, headers=headers, json=body if method == "POST" else None)
    assert (answer.status_code != 403) is (role in {Role.PETUGAS_DINAS, Role.OPERATOR}), answer.text
    assert (await api.request(method, path, json=body if method == "POST" else None)).status_code == 401


async def test_counted_made_once_shown_listed_and_cancelled(
    api: httpx2.AsyncClient, officer: dict[str, str], workshop: Workshop, story: Story, clock: Clock
) -> None:
    people = owners(story, 15)
    await workshop.apply(*people, *owners(story, 2, consent=False))
    await opt_out(workshop.pool, ids(people)[0], Topic.PELATIHAN)
    query = {"topic": "pelatihan", "everyone": "true"}
    counted = (await api.get("/announcements/audience", params=query, headers=officer)).json()
    assert counted == {"total": 17, "told": {"email": 14}, "suppressed": {"no_consent": 2, "opted_out": 1}}
    body = {**EXAMPLE, "audience": ALL}
    first, again = [await post(api, officer, "/announcements", body, "k1") for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    made = first.json()
    assert first.headers["Location"] == f"announcements/{made['id']}"
    assert again.json() == made
    assert made["texts"]["id"]["subject"] == EXAMPLE["texts"]["id"]["subject"]
    assert (made["state"], made["created_by"]) == ("queued", "budi")
    assert made["progress"] == {"total": 17, "done": 0, "messages": {}, "suppressed": {}}
    await fan_out(workshop, clock).step()
    cancelled = await post(api, officer, f"/announcements/{made['id']}/cancel", {"reason": "Tanggalnya salah"})
    assert cancelled.status_code == 202
    assert (cancelled.json()["state"], cancelled.json()["cancelled_by"]) == ("cancelling", "budi")
    await finish(fan_out(workshop, clock))
    shown = (await api.get(f"/announcements/{made['id']}", headers=officer)).json()
    assert shown["state"] == "cancelled"
    assert shown["progress"]["done"] == 10
    assert shown["progress"]["messages"] == {"suppressed": 10}
    listed = (await api.get("/announcements", headers=officer)).json()
    assert [item["id"] for item in listed["items"]] == [made["id"]]


async def test_announcements_are_listed_page_by_page_newest_first(
    api: httpx2.AsyncClient, officer: dict[str, str], workshop: Workshop, story: Story
) -> None:
    await workshop.apply(*owners(story, 1))
    made = [(await post(api, officer, "/announcements", {**EXAMPLE, "audience": ALL})).json()["id"] for _ in range(5)]
    seen: list[str] = []
    place: str | None = None
    while len(seen) < 5:
        query = {"limit": 2, **({"after": place} if place else {})}
        page = (await api.get("/announcements", params=query, headers=officer)).json()
        seen += [item["id"] for item in page["items"]]
        place = page["next"]
    assert seen == made[::-1]
    assert place is None
    assert (await api.get("/announcements", params={"after": "x"}, headers=officer)).status_code == 400


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"audience": {}}, 422, "sasaran-tidak-jelas"),
        ({"audience": {"everyone": True, "classes": ["mikro"]}}, 422, "sasaran-tidak-jelas"),
        ({"audience": {"kecamatan": ["64.71.77"]}}, 422, "tempat-tidak-dikenal"),
        ({"audience": {"kelurahan": ["64.71.01.9999"]}}, 422, "tempat-tidak-dikenal"),
        ({"audience": {"classes": ["menengah"]}}, 422, "sasaran-kosong"),
        ({"audience": {"kecamatan": ["Balikpapan Timur"]}}, 422, "isi-tidak-sah"),
        ({"audience": {"classes": ["raksasa"]}}, 422, "isi-tidak-sah"),
        ({"audience": {"sectors": ["Kuliner; DROP TABLE"]}}, 422, "isi-tidak-sah"),
        ({"audience": {"all": True}}, 422, "isi-tidak-sah"),
        ({"audience": {"kelurahan": ["64.71.01.1001"] * 41}}, 422, "isi-tidak-sah"),
        ({"topic": "cuaca"}, 422, "isi-tidak-sah"),
        ({"texts": {"en": EXAMPLE["texts"]["en"]}}, 422, "isi-tidak-sah"),
        ({"texts": {"id": {"subject": "\u202e\u200f \u200f", "body": "Isi yang cukup panjang"}}}, 422, "isi-tidak-sah"),
        ({"texts": {"id": {"subject": "Pelatihan", "body": "\n" * 20}}}, 422, "isi-tidak-sah"),
        ({"texts": {"id": {"subject": "x" * 151, "body": "Isi yang cukup panjang"}}}, 422, "isi-tidak-sah"),
        ({"texts": {"id": {"subject": "Pelatihan", "body": "x" * 5_001}}}, 422, "isi-tidak-sah"),
        ({"kirim": "sekarang"}, 422, "isi-tidak-sah"),
    ],
)
async def test_what_makes_no_announcement_is_refused_with_its_reason(
    api: httpx2.AsyncClient,
    officer: dict[str, str],
    workshop: Workshop,
    story: Story,
    change: dict[str, Any],
    status: int,
    kind: str,
) -> None:
    await workshop.apply(*owners(story, 1))
    answer = await post(api, officer, "/announcements", {**EXAMPLE, "audience": ALL, **change})
    problem = answer.json()
    assert answer.status_code == status
    assert problem["type"].endswith(f":{kind}")
    assert problem["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await workshop.pool.fetchval("SELECT count(*) FROM announcement") == 0


async def test_a_post_without_a_key_and_an_unknown_announcement_are_refused(
    api: httpx2.AsyncClient, officer: dict[str, str]
) -> None:
    assert (await api.post("/announcements", json=EXAMPLE, headers=officer)).json()["type"].endswith(":kunci-wajib")
    unknown = await post(api, officer, f"/announcements/{uuid4()}/cancel", {"reason": "salah"})
    assert unknown.json()["type"].endswith(":pengumuman-tidak-dikenal")
    assert (await api.get(f"/announcements/{uuid4()}", headers=officer)).status_code == 404


async def test_what_is_out_answers_409(
    api: httpx2.AsyncClient, officer: dict[str, str], workshop: Workshop, story: Story, clock: Clock
) -> None:
    await workshop.apply(*owners(story, 2, consent=False))
    made = (await post(api, officer, "/announcements", {**EXAMPLE, "audience": ALL})).json()
    await finish(fan_out(workshop, clock))
    answer = await post(api, officer, f"/announcements/{made['id']}/cancel", {"reason": "terlambat"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "pengumuman-sudah-keluar")


async def test_the_document_shows_a_whole_example(api: httpx2.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    assert document["components"]["schemas"]["AnnouncementForm"]["examples"] == [DOCUMENTED]
    paths = {"/announcements", "/announcements/audience", "/announcements/{announcement_id}", "/unsubscribe/{token}"}
    assert paths | {"/announcements/{announcement_id}/cancel"} <= document["paths"].keys()


async def stopped(workshop: Workshop) -> list[tuple[Any, str]]:
    """Return the topics that owners stopped."""
    return [(row["owner_id"], row["topic"]) for row in await workshop.pool.fetch("TABLE topic_opt_out")]


async def test_looking_at_the_page_changes_nothing_and_its_buttons_stop_and_take_up_again(
    api: httpx2.AsyncClient, workshop: Workshop, story: Story
) -> None:
    owner = story.owner(origin="import")
    await workshop.apply(owner)
    path = f"/unsubscribe/{LINKS.token(owner.fact.aggregate_id, Topic.PAMERAN)}"
    page = await api.get(path)
    assert page.status_code == 200
    assert "pameran dan bazar" in page.text
    assert "Ya, berhenti" in page.text
    assert "siti" not in page.text.lower()
    assert await stopped(workshop) == []
    (named,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    assert urljoin(f"http://office/notifications{path}", named).startswith("http://office/notifications/assets/")
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert (await api.get("/assets/naikkelas.css")).status_code == 200
    for _ in range(2):
        page = await api.post(path, data={"choice": "stop"})
        assert "Anda sudah berhenti" in page.text
        assert await stopped(workshop) == [(owner.fact.aggregate_id, "pameran")]
    page = await api.post(path, data={"choice": "again"})
    assert "Ya, berhenti" in page.text
    assert await stopped(workshop) == []


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
        {"content": b"\xff\x00 choice=again", "headers": {"Content-Type": "text/plain"}},
        {"content": b"\xff%zz&choice=&choice=again&choice=stop", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)  # fmt: skip
async def test_one_click_stops_the_topic_in_every_form_that_a_mail_service_may_send(
    api: httpx2.AsyncClient, workshop: Workshop, story: Story, sent: dict[str, Any]
) -> None:
    owner = story.owner(origin="import", language="en")
    await workshop.apply(owner)
    answer = await api.post(f"/unsubscribe/{LINKS.token(owner.fact.aggregate_id, Topic.KABAR)}", **sent)
    assert answer.status_code == 200
    assert "You have stopped" in answer.text
    assert await stopped(workshop) == [(owner.fact.aggregate_id, "kabar")]


async def test_a_link_that_is_not_ours_changes_nothing(
    api: httpx2.AsyncClient, workshop: Workshop, story: Story
) -> None:
    owner = story.owner(origin="import")
    await workshop.apply(owner)
    token = LINKS.token(owner.fact.aggregate_id, Topic.KABAR)
    for wrong in (token[:-1], token.replace("kabar", "pameran"), "x", "%F0%9F%99%82.kabar.x", "a" * 200):
        for answer in (await api.get(f"/unsubscribe/{wrong}"), await api.post(f"/unsubscribe/{wrong}")):
            assert answer.status_code == 404
            assert "Tautan tidak dikenal" in answer.text
    assert (await api.post(f"/unsubscribe/{'a' * 201}")).status_code == 422
    assert await stopped(workshop) == []


async def test_the_link_of_an_erased_owner_stores_nothing_and_erasing_forgets_what_was_stopped(
    api: httpx2.AsyncClient, workshop: Workshop, story: Story
) -> None:
    owner = story.owner(origin="import")
    owner_id = owner.fact.aggregate_id
    await workshop.apply(owner)
    path = f"/unsubscribe/{LINKS.token(owner_id, Topic.KABAR)}"
    await api.post(path)
    assert await stopped(workshop) == [(owner_id, "kabar")]
    await workshop.apply(story.erased(owner_id))
    assert await stopped(workshop) == []
    assert (await api.post(path)).status_code == 200
    assert await stopped(workshop) == []
