"""The worker as a process: killed at the worst moments, stopped politely, without Kafka."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from services.notifications.domain.routes import Routes
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.processes import KeyServer, Start
from tests.notifications.story import Story
from tests.notifications.waiting import until
from tests.notifications.workshop import Workshop


async def until_states(workshop: Workshop, *expected: str) -> None:
    """Wait until the messages stand as expected."""

    async def reached() -> bool:
        return sorted(state for _, state, _ in await workshop.states()) == sorted(expected)

    await until(reached)


async def test_killed_while_the_answer_is_awaited_it_is_unknown_and_never_sent_again(
    due: Workshop, story: Story, mailbox: Mailbox, start: Start
) -> None:
    mailbox.mood = Mood.SILENT
    await due.apply(story.owner())
    first = await start()
    await mailbox.wait_for(1)
    first.kill()
    await first.wait()
    mailbox.mood = Mood.ACCEPT
    await due.apply(story.owner(email="kedua@umkm.example"))
    await start()
    await until_states(due, "unknown", "sent")
    assert [address for address, _ in mailbox.accepted] == ["kedua@umkm.example"]
    assert len(mailbox.bodies) == 2
    assert ("owner_registered", "unknown", "sender_lost") in await due.states()


async def test_killed_before_anything_went_out_it_is_sent_once_by_the_next(
    due: Workshop, story: Story, mailbox: Mailbox, key_server: KeyServer, start: Start
) -> None:
    key_server.open.clear()
    await due.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(5)))
    first = await start()
    await asyncio.wait_for(key_server.asked.wait(), 20)
    assert {state for _, state, _ in await due.states()} == {"sending"}
    first.kill()
    await first.wait()
    key_server.open.set()
    await start()
    await until_states(due, *["sent"] * 5)
    assert sorted(address for address, _ in mailbox.accepted) == [f"u{n}@umkm.example" for n in range(5)]


async def test_asked_to_stop_it_finishes_the_mail_in_hand_and_exits_cleanly(
    due: Workshop, story: Story, mailbox: Mailbox, start: Start
) -> None:
    mailbox.mood = Mood.SILENT
    await due.apply(*(story.owner(email=f"u{n}@umkm.example") for n in range(5)))
    process = await start()
    await mailbox.wait_for(1)
    process.send_signal(signal.SIGTERM)
    mailbox.mood = Mood.ACCEPT
    mailbox.released.set()
    assert await asyncio.wait_for(process.wait(), 20) == 0
    states = sorted(state for _, state, _ in await due.states())
    assert states == ["queued"] * 4 + ["sent"]
    assert len(mailbox.bodies) == 1


async def test_the_console_shows_messages_only_where_it_is_named(
    due: Workshop, story: Story, start: Start, worker_log: Path
) -> None:
    owner = story.owner(channel="console")
    await due.apply(owner, routes=Routes(frozenset({"email", "console"})))
    process = await start(CHANNELS="email,console")
    await until_states(due, "sent")
    process.terminate()
    await process.wait()
    assert "--- console: Selamat datang di program Naik Kelas" in worker_log.read_text()


@pytest.mark.security(line="S23")
async def test_logs_of_a_worker_hold_no_address_and_no_name(
    due: Workshop, story: Story, mailbox: Mailbox, start: Start, worker_log: Path
) -> None:
    mailbox.mood = Mood.NO_SUCH_USER
    await due.apply(story.owner(name="Rahasia Sekali", email="rahasia@umkm.example"))
    process = await start()
    await until_states(due, "failed")
    process.terminate()
    await process.wait()
    assert "message_settled" in worker_log.read_text()
    assert "ahasia" not in worker_log.read_text()
