"""The telephones of the local stack: served beside the mailbox, used by the notifications with the settings that it gives."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from ops.stack import Stack
from ops.stack.processes import accepts, free_port
from ops.stack.telephones import notifications_settings, secrets_of
from services.notifications.handlers.channels import Parcel, Result
from services.notifications.settings import NotificationsSettings
from services.notifications.working import make_channels
from shared.auth import Role
from tests.notifications.serving import environment
from tests.notifications.waiting import until

ANY_PORTS = {"NAIKKELAS_PORTS": "any"}


def secret(name: str) -> str:
    """Return a secret of a stack."""
    return f"rahasia-{name}"


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """The port of the telephones, served by the mailbox's process; their messages go to ``telephones``."""
    smtp = free_port(0)
    phones = free_port(0, [smtp])
    for folder in ("mail", "telephones"):
        (tmp_path / folder).mkdir()
    process: Process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.stack.mailbox",
        str(tmp_path / "mail"),
        str(smtp),
        str(tmp_path / "telephones"),
        str(phones),
        "http://127.0.0.1:1",
        env=os.environ | secrets_of(secret),
    )

    async def serving() -> bool:
        return accepts(smtp) and accepts(phones)

    try:
        await until(serving)
        yield phones
    finally:
        process.terminate()
        assert await process.wait() == 0


@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_a_message_by_the_settings_of_the_stack_arrives_as_a_file(
    port: int, tmp_path: Path, channel: str
) -> None:
    values = environment(tmp_path) | notifications_settings(secret, port)
    settings = NotificationsSettings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]
    sender, attempt = make_channels(settings)[channel], uuid4()

    async def hand_over() -> bool:
        return True

    delivery = await sender.deliver(Parcel("+6281200000001", "id", "Kursi", "Anda diterima."), attempt, hand_over)
    await sender.close()
    assert delivery.result is Result.SENT
    [path] = (tmp_path / "telephones").glob("*.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert (path.name, kept["to"], kept["reference"]) == (f"{channel}-000001.json", "+6281200000001", str(attempt))


PROCESSES = ["registry-api", "registry-relay", "notifications-api", "notifications-worker"]


@pytest.fixture
def stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """Registry and notifications as processes, with the mailbox and its telephones."""
    made = Stack(Path(tempfile.mkdtemp(prefix="naikkelas-phones-")), environment=ANY_PORTS | given_servers)
    try:
        made.start_servers(owned=True)
        made.start_mailbox()
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_who_is_registered_is_told_by_whatsapp_or_by_what_stands_in(stack: Stack) -> None:
    token = stack.token([Role.PETUGAS_DINAS], subject="petugas-a")
    officer = {"Authorization": f"Bearer {token}"}
    phones = ("+6281200000001", "+6281200000077")
    async with httpx2.AsyncClient(headers=officer, timeout=30) as client:
        for phone in phones:
            form = {"name": "Siti", "phones": [phone], "channel": "whatsapp", "consents": {"notifications": True}}
            key = {"Idempotency-Key": uuid4().hex}
            (await client.post(f"{stack.api_url('registry')}/owners", json=form, headers=key)).raise_for_status()

        async def arrived() -> bool:
            found = (await client.get(f"{stack.api_url('notifications')}/messages")).json()["items"]
            return sorted((item["channel"], item["state"]) for item in found) == [
                ("sms", "delivered"),
                ("whatsapp", "delivered"),
            ]

        await until(arrived, 60)
    kept = {path.name: json.loads(path.read_text()) for path in stack.home.telephones.glob("*.json")}
    assert sorted(kept) == ["sms-000001.json", "whatsapp-000001.json", "whatsapp-000002.json"]
    assert kept["sms-000001.json"]["to"] == phones[1]
    logs = "".join(path.read_text(errors="replace") for path in stack.home.logs.glob("notifications-*.log"))
    assert "receipt_taken" in logs
    assert not any(phone.removeprefix("+") in logs for phone in phones)
