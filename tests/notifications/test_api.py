"""The API: who may see and do what, keyset pages, sending again once."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from services.notifications.settings import NotificationsSettings
from shared.auth import Role, assert_every_route_has_a_rule
from shared.idempotency import assert_every_post_is_idempotent
from shared.settings import SettingsError, read_settings
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.serving import Token, environment
from tests.notifications.story import Story
from tests.notifications.workshop import Clock, Workshop


async def fail_one(workshop: Workshop, story: Story, mailbox: Mailbox) -> str:
    mailbox.mood = Mood.NEVER
    await workshop.apply(story.owner())
    await workshop.send()
    mailbox.mood = Mood.ACCEPT
    [row] = await workshop.messages()
    return str(row["id"])


KNOWN_BY_WHAT_THEY_SHOW = frozenset(
    {"/unsubscribe/{token}", "/receipts/whatsapp", "/receipts/sms", "/operator/{message_id}/kirim-ulang"}
)
"""POST routes of callers that send no key of theirs in a header; sent twice, they change nothing. The operator's form has its
key in a field."""
NOBODY = UUID(int=7)
ROUTES = [
    ("GET", "/messages", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("GET", "/messages/counts", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("GET", f"/messages/{NOBODY}", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("GET", f"/recipients/{NOBODY}", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("POST", f"/messages/{NOBODY}/resend", {Role.OPERATOR}),
    ("GET", "/officers/x", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("PUT", f"/recipients/{NOBODY}/digest", {Role.PETUGAS_DINAS, Role.OPERATOR}),
    ("PUT", "/officers/x", {Role.PETUGAS_DINAS, Role.OPERATOR}),
]


def test_every_route_has_a_rule_and_every_post_an_idempotency_key(api_app: FastAPI) -> None:
    assert_every_route_has_a_rule(api_app)
    assert_every_post_is_idempotent(api_app, except_paths=KNOWN_BY_WHAT_THEY_SHOW)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path", "allowed"), ROUTES)
async def test_each_route_lets_in_its_roles_only(
    api: httpx2.AsyncClient, token: Token, role: Role, method: str, path: str, allowed: set[Role]
) -> None:
    headers = token(role, kelurahan="64.71.01.1001", **{"Idempotency-Key": str(uuid4())})
    body = {"address": "x@umkm.example"} if method == "PUT" else {"reason": "alasan"}
    answer = await api.request(method, path, headers=headers, json=body if method != "GET" else None)
    assert (answer.status_code != 403) is (role in allowed), answer.text


async def test_without_a_token_nothing_is_told(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/messages")).status_code == 401


async def test_messages_are_listed_page_by_page_newest_first(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    for _ in range(7):
        await workshop.apply(story.owner(name="Rahasia"))
    seen: list[str] = []
    place: str | None = None
    while True:
        query = {"limit": 3, **({"after": place} if place else {})}
        answer = await api.get("/messages", params=query, headers=token(Role.PETUGAS_DINAS))
        page = answer.json()
        assert "Rahasia" not in answer.text
        assert "nk1." not in answer.text
        seen += [item["id"] for item in page["items"]]
        place = page["next"]
        if place is None:
            break
    rows = sorted(await workshop.messages(), key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert seen == [str(row["id"]) for row in rows]


def written(moment: str) -> str:
    """Return a place as it is written into an address."""
    return urlsafe_b64encode(f"{moment}|{'0' * 32}".encode()).decode()


BEYOND = [written("0001-01-01T00:00:00+08:00"), written("9999-12-31T23:59:59-08:00")]
"""Moments that have no year in UTC."""


@pytest.mark.parametrize("after", ["x", "%%%", "MjAyNnxhYmM=", "MjAyNi0xMS0yNVQwMDowMDowMHwwMDAw", "ÿ", *BEYOND])
@pytest.mark.security(line="S20")
async def test_a_place_that_we_did_not_give_is_refused(api: httpx2.AsyncClient, token: Token, after: str) -> None:
    answer = await api.get("/messages", params={"after": after}, headers=token(Role.OPERATOR))
    assert answer.status_code == 400


async def test_messages_are_found_by_state_and_counted(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    await workshop.apply(story.owner(), story.owner(consent=False))
    found = (await api.get("/messages", params={"state": "suppressed"}, headers=token(Role.OPERATOR))).json()
    assert [(item["state"], item["reason"]) for item in found["items"]] == [("suppressed", "no_consent")]
    counts = (await api.get("/messages/counts", headers=token(Role.OPERATOR))).json()["counts"]
    assert {state: n for state, n in counts.items() if n} == {"queued": 1, "suppressed": 1}
    wrong = await api.get("/messages", params={"state": "hilang"}, headers=token(Role.OPERATOR))
    assert wrong.status_code == 422


async def test_an_operator_sends_again_and_the_same_request_has_one_effect(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story, mailbox: Mailbox, clock: Clock
) -> None:
    message_id = await fail_one(workshop, story, mailbox)
    headers = token(Role.OPERATOR, "budi", **{"Idempotency-Key": "k1"})
    body = {"reason": "Kotak surat\nsudah diperbaiki"}
    first = await api.post(f"/messages/{message_id}/resend", json=body, headers=headers)
    clock.now = (await workshop.pool.fetchval("SELECT now()")).astimezone()
    await workshop.send()
    again = await api.post(f"/messages/{message_id}/resend", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json() == {"id": message_id, "state": "queued"}
    assert again.headers["Idempotency-Replayed"] == "true"
    await workshop.send()
    assert len(mailbox.accepted) == 1
    detail = (await api.get(f"/messages/{message_id}", headers=token(Role.OPERATOR))).json()
    assert [(step["state"], step["reason"]) for step in detail["steps"]] == [
        ("failed", "smtp_550_5.7.1"),
        ("queued", "Kotak surat sudah diperbaiki"),
        ("sent", None),
    ]
    assert detail["steps"][1]["actor"] == "budi"


async def test_what_was_sent_or_suppressed_is_not_sent_again(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    await workshop.apply(story.owner(), story.owner(consent=False))
    await workshop.send()
    for row in await workshop.messages():
        headers = token(Role.OPERATOR, **{"Idempotency-Key": str(uuid4())})
        answer = await api.post(f"/messages/{row['id']}/resend", json={"reason": "coba"}, headers=headers)
        assert answer.status_code == 409
        assert answer.json()["state"] == row["state"]


async def test_an_officer_of_a_kelurahan_keeps_only_their_own_address(api: httpx2.AsyncClient, token: Token) -> None:
    own = token(Role.PETUGAS_KELURAHAN, "petugas-1", "64.71.01.1001")
    body = {"address": "petugas1@balikpapan.example", "language": "en"}
    assert (await api.get("/officers/petugas-1", headers=own)).status_code == 404
    assert (await api.put("/officers/petugas-1", json=body, headers=own)).status_code == 200
    assert (await api.get("/officers/petugas-1", headers=own)).json() == {"sub": "petugas-1", **body}
    assert (await api.put("/officers/petugas-2", json=body, headers=own)).status_code == 403
    assert (await api.get("/officers/petugas-2", headers=own)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{}, {"address": "x"}, {"address": "a@b.example\r\nBcc: c@d.example"}, {"address": "a@b.example", "role": "x"}],
)
async def test_an_address_that_is_none_is_refused(api: httpx2.AsyncClient, token: Token, body: dict[str, str]) -> None:
    answer = await api.put("/officers/petugas-1", json=body, headers=token(Role.OPERATOR))
    assert answer.status_code == 422


async def test_a_recipient_is_shown_without_anything_personal(
    api: httpx2.AsyncClient, token: Token, workshop: Workshop, story: Story
) -> None:
    owner = story.owner()
    await workshop.apply(owner)
    answer = await api.get(f"/recipients/{owner.fact.aggregate_id}", headers=token(Role.PETUGAS_DINAS))
    assert answer.json() == {
        "owner_id": str(owner.fact.aggregate_id),
        "language": "id",
        "channel": "email",
        "consent": True,
        "erased": False,
        "opted_out": [],
        "digest": "langsung",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHANNELS", "telegram"),
        ("CHANNELS", ","),
        ("FALLBACK", "email,merpati"),
        ("WHATSAPP_URL", "https://graph.facebook.com"),
        ("WHATSAPP_PHONE_NUMBER_ID", "+62542"),
        ("WHATSAPP_APP_SECRET", " "),
        ("SMS_URL", "sms.example"),
        ("SMS_SENDER", "Dinas Koperasi"),
        ("QUIET_HOURS", "malam"),
        ("QUIET_HOURS", "07:00-07:00"),
        ("MAIL_FROM", "tanpa alamat"),
        ("SENDERS", "0"),
        ("RATE_EMAIL_PER_MINUTE", "0"),
        ("REGISTRY_URL", "registry"),
        ("PUBLIC_URL", "umkm.example"),
        ("PUBLIC_URL", "https://umkm.example/x?y=1"),
        ("UNSUBSCRIBE_KEY", " "),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for key, usual in environment(tmp_path).items():
        monkeypatch.setenv(key, usual)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings(NotificationsSettings)


@pytest.mark.parametrize(
    ("channel", "needed"),
    [
        ("whatsapp", "WHATSAPP_PHONE_NUMBER_ID, WHATSAPP_TOKEN, WHATSAPP_APP_SECRET, WHATSAPP_VERIFY_TOKEN"),
        ("sms", "SMS_URL, SMS_TOKEN, SMS_RECEIPT_SECRET"),
    ],
)
def test_a_channel_is_run_only_with_all_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: str, needed: str
) -> None:
    for key, usual in environment(tmp_path, CHANNELS=f"email,{channel}").items():
        monkeypatch.setenv(key, usual)
    with pytest.raises(SettingsError, match=f"the channel {channel} needs {needed}"):
        read_settings(NotificationsSettings)


def test_numbers_and_texts_go_to_no_provider_in_the_clear_in_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "kunci-4f8a-acak-panjang"
    production = environment(
        tmp_path, PROFILE="production", UNSUBSCRIBE_KEY=secret, KAFKA_PASSWORD=secret, SMS_URL="http://sms.umkm.go.id/m"
    )
    production["DATABASE_DSN"] = f"postgresql://notifications:{secret}@127.0.0.1/notifications"
    for key, usual in production.items():
        monkeypatch.setenv(key, usual)
    with pytest.raises(SettingsError, match="SMS_URL must be https"):
        read_settings(NotificationsSettings)


def test_an_empty_file_of_a_secret_means_that_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").write_text("")
    for key, usual in environment(tmp_path, WHATSAPP_PHONE_NUMBER_ID="", SMS_URL="").items():
        monkeypatch.setenv(key, usual)
    for name in ("WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "SMS_TOKEN", "SMS_RECEIPT_SECRET"):
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "empty"))
    settings = read_settings(NotificationsSettings)
    assert (settings.whatsapp_app_secret, settings.sms_receipt_secret, settings.sms_url) == (None, None, None)
    assert settings.channel_names == ("email",)
