"""The telephones of the local stack: served beside the mailbox, used by the notifications with the settings that it gives."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from ops.stack.processes import accepts, free_port
from ops.stack.telephones import notifications_settings, secrets_of
from services.notifications.app import make_channels
from services.notifications.handlers.channels import Parcel, Result
from services.notifications.settings import NotificationsSettings
from tests.notifications.serving import environment
from tests.notifications.waiting import until


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
