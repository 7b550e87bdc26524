"""The operator's page: who may see it, what it shows, and a resend that asks, has one effect and tells who and why."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.notifications.api.page_words import STATES, SUBJECTS
from services.notifications.commands import Topic
from services.notifications.domain.messages import State
from services.notifications.domain.notices import TEMPLATES
from services.notifications.domain.overseeing import Chosen, Subject, subject_of, tally
from shared.auth import Role
from tests.notifications.city import announce, fan_out, finish, owners
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop

CODE = re.compile(r'name="kode" value="([^"]+)"')


async def failed(workshop: Workshop, story: Story, mailbox: Mailbox, mood: Mood = Mood.NEVER) -> str:
    """Return a message that failed, or of which it is unknown whether it arrived."""
    mailbox.mood = mood
    await workshop.apply(story.owner(name="Rahasia Sekali"))
    await workshop.send()
    while (await workshop.states())[0][1] == "queued":  # a busy machine connects late, and the try is given back
        workshop.rules.clock.forward(minutes=1)  # type: ignore[union-attr]
        await workshop.send()
    mailbox.mood = Mood.ACCEPT
    return str((await workshop.messages())[0]["id"])


async def code_of(api: httpx2.AsyncClient, headers: dict[str, str], message_id: str) -> str:
    """Open the form that asks, and return its code."""
    page = await api.get(f"/operator/{message_id}/kirim-ulang", headers=headers)
    found = CODE.search(page.text)
    assert found is not None, page.text
    return found[1]


def form(code: str, **changes: str) -> dict[str, str]:
    """Return what the form sends."""
    return {"kode": code, "alasan": "Kotak surat sudah diperbaiki", "yakin": "ya", **changes}


@pytest.mark.parametrize("role", list(Role))
async def test_only_an_operator_sees_the_pages(api: httpx2.AsyncClient, token: Token, role: Role) -> None:
    headers = token(role, kelurahan="64.71.01.1001")
    some = uuid4()
    for path, found in (("", 200), ("pengumuman", 200), (some, 404), (f"{some}/kirim-ulang", 404)):
        answer = await api.get(f"/operator/{path}", headers=headers)
        assert answer.status_code == (found if role is Role.OPERATOR else 403)
    sent = await api.post(f"/operator/{some}/kirim-ulang", data=form("x.y"), headers=headers)
    assert sent.status_code == 403
    assert ("Formulir tidak berlaku" in sent.text) is (role is Role.OPERATOR)


async def test_without_a_token_nothing_is_shown(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/operator/")).status_code == 401


async def test_what_failed_is_counted_listed_and_told_without_anything_personal(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    message_id = await failed(workshop, story, mailbox)
    headers = token(Role.OPERATOR)
    pages = [
        await api.get(
            "/operator/", params={"keadaan": "failed", "topik": "usaha", "saluran": "email"}, headers=headers
        ),
        await api.get(f"/operator/{message_id}", headers=headers),
        await api.get(f"/operator/{message_id}/kirim-ulang", headers=headers),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert f'<a href="{message_id}">' in pages[0].text
    assert "smtp_550_5.7.1" in pages[1].text
    for page in pages:
        assert "ahasia" not in page.text
        assert "siti@" not in page.text
        assert "nk1." not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
    other = await api.get("/operator/", params={"keadaan": "sent"}, headers=headers)
    assert message_id not in other.text
    strange = await api.get("/operator/", params={"keadaan": "hilang", "topik": "<b>"}, headers=headers)
    assert strange.status_code == 200


async def test_pages_follow_one_another_with_their_filters(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    await workshop.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(60)))
    headers, path, seen = token(Role.OPERATOR), "/operator/?keadaan=queued&hari=30", []
    while True:
        page = await api.get(path, headers=headers)
        seen += re.findall(r'<a href="([0-9a-f-]{36})">', page.text)
        following = re.search(r'rel="next" href="([^"#]+)#daftar"', page.text)
        if following is None:
            break
        assert "keadaan=queued" in following[1]
        path = "/operator/" + following[1].replace("&amp;", "&")
    rows = sorted(await workshop.messages(), key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert seen == [str(row["id"]) for row in rows]


async def test_progress_of_announcements_is_shown(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, clock: Clock
) -> None:
    await workshop.apply(*owners(story, 5))
    await announce(workshop.pool)
    await finish(fan_out(workshop, clock))
    headers = token(Role.OPERATOR)
    page = await api.get("/operator/pengumuman", headers=headers)
    assert "Pelatihan kemasan angkatan 3" in page.text
    assert "5 dari 5" in page.text
    listed = await api.get("/operator/", params={"topik": "pelatihan"}, headers=headers)
    assert listed.text.count("<td>pengumuman</td>") == 5
    assert "<td>pengumuman</td>" not in (await api.get("/operator/?topik=pameran", headers=headers)).text


@pytest.mark.parametrize("mood", [Mood.NEVER, Mood.HANG_UP])
async def test_a_resend_asks_then_goes_out_once_and_tells_who_and_why(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock, mood: Mood
) -> None:
    message_id = await failed(workshop, story, mailbox, mood)
    headers = token(Role.OPERATOR, "budi")
    asked = await api.get(f"/operator/{message_id}/kirim-ulang", headers=headers)
    assert ("menerimanya dua kali" in asked.text) is (mood is Mood.HANG_UP)
    data = form(await code_of(api, headers, message_id))
    path = f"/operator/{message_id}/kirim-ulang"
    first = await api.post(path, data=data, headers=headers)
    assert (first.status_code, first.headers["location"]) == (303, f"../{message_id}")
    clock.now = await workshop.pool.fetchval("SELECT clock_timestamp()")
    await workshop.send()
    again = await api.post(path, data=data, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (303, "true")
    await workshop.send()
    assert len(mailbox.accepted) == 1
    history = (await api.get(f"/operator/{message_id}", headers=headers)).text
    assert "Kotak surat sudah diperbaiki" in history
    assert "<td>budi</td>" in history
    steps = await workshop.pool.fetch("SELECT state, actor FROM message_step WHERE state = 'queued'")
    assert [tuple(step) for step in steps] == [("queued", "budi")]


async def test_two_hundred_presses_of_one_button_send_one_message(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    message_id = await failed(workshop, story, mailbox)
    headers = token(Role.OPERATOR, "budi")
    data = form(await code_of(api, headers, message_id))
    path = f"/operator/{message_id}/kirim-ulang"
    answers = await asyncio.gather(*(api.post(path, data=data, headers=headers) for _ in range(200)))
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert 303 in {answer.status_code for answer in answers}
    clock.now = await workshop.pool.fetchval("SELECT clock_timestamp()")
    await workshop.send()
    assert len(mailbox.accepted) == 1
    assert await workshop.pool.fetchval("SELECT count(*) FROM message_step WHERE actor = 'budi'") == 1


@pytest.mark.parametrize("changes", [{"alasan": " x "}, {"yakin": ""}, {"alasan": "\u200e\u200f"}])
async def test_without_a_reason_or_the_tick_it_asks_again(
    api: httpx2.AsyncClient,
    token: Token,
    workshop: Workshop,
    story: Story,
    mailbox: Mailbox,
    changes: dict[str, str],
) -> None:
    message_id = await failed(workshop, story, mailbox)
    headers = token(Role.OPERATOR)
    data = form(await code_of(api, headers, message_id), **changes)
    answer = await api.post(f"/operator/{message_id}/kirim-ulang", data=data, headers=headers)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert (await workshop.states())[0][1] == "failed"


@pytest.mark.security(line="S22")
async def test_a_form_of_somebody_else_or_of_another_message_is_refused(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    message_id = await failed(workshop, story, mailbox)
    code = await code_of(api, token(Role.OPERATOR, "budi"), message_id)
    for sub, wrong in (("wati", code), ("budi", code[:-1] + "x"), ("budi", "x"), ("budi", "é.ü"), ("budi", "")):
        answer = await api.post(
            f"/operator/{message_id}/kirim-ulang", data=form(wrong), headers=token(Role.OPERATOR, sub)
        )
        assert answer.status_code == 403, wrong
    assert (await workshop.states())[0][1] == "failed"


async def test_what_was_sent_is_not_sent_again_and_the_page_says_so(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox
) -> None:
    message_id = await failed(workshop, story, mailbox)
    headers = token(Role.OPERATOR)
    codes = [await code_of(api, headers, message_id) for _ in range(2)]
    path = f"/operator/{message_id}/kirim-ulang"
    assert (await api.post(path, data=form(codes[0]), headers=headers)).status_code == 303
    late = await api.post(path, data=form(codes[1]), headers=headers)
    assert (late.status_code, late.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert "tidak dapat dikirim ulang" in late.text
    assert (await api.get(path, headers=headers)).status_code == 409


def test_every_message_has_a_subject_and_every_state_a_word() -> None:
    assert set(STATES) == set(State)
    assert set(SUBJECTS) == set(Subject)
    assert {topic.value for topic in Topic} <= {subject.value for subject in Subject}
    found = [template for subject in Subject for template in Chosen(subject=subject).templates or ()]
    assert sorted(found) == sorted(TEMPLATES - {"announcement"})
    assert subject_of("announcement", "kabar") is Subject.KABAR


def test_counts_come_together_by_subject_and_channel() -> None:
    rows: list[Any] = [
        ("business_verified", None, "email", "sent", 3),
        ("owner_registered", None, "email", "sent", 2),
        ("announcement", "pelatihan", None, "suppressed", 7),
        ("enrolment_accepted", None, "email", "failed", 1),
    ]
    found = [(row.subject.value, row.channel, dict(row.states)) for row in tally(rows)]
    assert found == [
        ("usaha", "email", {"sent": 5}),
        ("pelatihan", None, {"suppressed": 7}),
        ("pelatihan", "email", {"failed": 1}),
    ]
