"""Announcements through the worker as a process: killed in the midst, and from the API to a real mailbox."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from uuid import UUID, uuid4

import httpx2

from shared.auth import Role
from tests.notifications.city import EXAMPLE, announce, ids, owners, rows_of, state_of
from tests.notifications.mailbox import Mailbox
from tests.notifications.processes import Start
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.waiting import until
from tests.notifications.workshop import Clock, Workshop

SILENT = 12_000
"""Owners who agreed to nothing: their messages are made and suppressed, so that a fan-out of several chunks sends little."""
FILL = """
INSERT INTO recipient (owner_id, language, channel, consent, version)
SELECT gen_random_uuid(), 'id', 'email', false, 1 FROM generate_series(1, $1)
"""
FAST = {"RATE_EMAIL_PER_MINUTE": "60000"}


async def settled(workshop: Workshop, announcement_id: UUID) -> bool:
    """Tell whether an announcement is made, and nothing of it on its way."""
    open_ones = "SELECT count(*) FROM message WHERE event_id = $1 AND state IN ('queued', 'sending')"
    state, _, _ = await state_of(workshop.pool, announcement_id)
    return state in {"done", "cancelled"} and await workshop.pool.fetchval(open_ones, announcement_id) == 0


async def fan_out_waits(workshop: Workshop) -> bool:
    """Tell whether a worker stands in the midst of a chunk, before a lock on the messages."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass"
    return int(await workshop.pool.fetchval(waiting)) > 0


async def test_killed_in_the_midst_of_a_chunk_and_between_two_each_owner_has_one_message_and_one_mail(
    due: Workshop, story: Story, clock: Clock, mailbox: Mailbox, start: Start
) -> None:
    people = owners(story, 30)
    await due.apply(*people)
    await due.pool.execute(FILL, SILENT)
    made = await announce(due.pool)
    async with due.pool.acquire() as blocker:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("LOCK TABLE message IN SHARE MODE")
        first = await start(**FAST)
        await until(lambda: fan_out_waits(due))
        first.send_signal(signal.SIGKILL)
        await first.wait()
        await transaction.rollback()
    assert (await state_of(due.pool, made))[:2] == ("queued", 0)

    async def begun() -> bool:
        return (await state_of(due.pool, made))[1] > 0

    second = await start(**FAST)
    await until(begun)
    second.kill()
    await second.wait()
    # Its senders may have had something in hand: after the lease, or by the name of the instance, it is taken up again.
    await asyncio.gather(start(**FAST), start(**FAST, INSTANCE="worker-2"))
    await until(lambda: settled(due, made), 60)
    rows = await rows_of(due.pool, made)
    assert len(rows) == len({row["owner_id"] for row in rows}) == SILENT + 30
    assert await state_of(due.pool, made) == ("done", SILENT + 30, SILENT + 30)
    states = Counter(row["state"] for row in rows)
    assert states["suppressed"] == SILENT
    assert states["sent"] + states["unknown"] == 30
    arrived = Counter(address for address, _ in mailbox.accepted)
    assert set(arrived.values()) == {1}
    assert states["sent"] <= len(arrived)


async def test_from_the_api_to_the_mailbox_and_one_click_stops_the_next_one(
    due: Workshop, story: Story, clock: Clock, mailbox: Mailbox, start: Start, api: httpx2.AsyncClient, token: Token
) -> None:
    people = owners(story, 12)
    await due.apply(*people)
    await start(**FAST)
    officer = token(Role.PETUGAS_DINAS, "budi")

    async def made() -> UUID:
        headers = {**officer, "Idempotency-Key": str(uuid4())}
        answer = await api.post("/announcements", json={**EXAMPLE, "audience": {"everyone": True}}, headers=headers)
        assert answer.status_code == 201, answer.text
        announcement_id = UUID(answer.json()["id"])
        await until(lambda: settled(due, announcement_id))
        return announcement_id

    first = await made()
    assert sorted(address for address, _ in mailbox.accepted) == sorted(f"u{n}@umkm.example" for n in range(12))
    shown = (await api.get(f"/announcements/{first}", headers=officer)).json()
    assert shown["progress"] == {"total": 12, "done": 12, "messages": {"sent": 12}, "suppressed": {}}
    mail = dict(mailbox.accepted)["u3@umkm.example"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(mail["List-Unsubscribe"]).strip("<>").replace("https://umkm.example/notifications", "")
    stopped = await api.post(link, data={"List-Unsubscribe": "One-Click"})
    assert stopped.status_code == 200
    second = await made()
    assert len(mailbox.accepted) == 12 + 11
    [quiet] = [row for row in await rows_of(due.pool, second) if row["state"] != "sent"]
    assert (quiet["owner_id"], quiet["reason"]) == (ids(people)[3], "opted_out")
