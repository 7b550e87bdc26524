"""What owners were told: every message has landed in the mailbox, as many of each kind as the deeds ask for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from ops.story.scene import Notes, Scene, StoryStoppedError

TITLE = "Pesan: setiap pemberitahuan sampai di kotak surat"
UNDER_WAY = ("waiting", "queued", "sending")
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.25

CountMails = Callable[[], int]
"""Returns how many mails the SMTP server keeps."""


async def play(scene: Scene, notes: Notes, count_mails: CountMails) -> None:
    """Wait until nothing is under way, then compare deeds, messages and mails."""
    await scene.settle()
    counts = await _settled(scene)
    notes.check("pesan yang gagal atau tidak diketahui", 0, counts.get("failed", 0) + counts.get("unknown", 0))
    arrived = counts.get("sent", 0) + counts.get("delivered", 0)
    notes.check("surat di kotak surat", arrived, count_mails())
    sent = Counter(dict.fromkeys(scene.expected.mails, 0))
    async for message in scene.clients.pages("notifications", "/messages", state="sent"):
        if message["template"] in scene.expected.mails:
            sent[message["template"]] += 1
    notes.check("pesan terkirim menurut jenis", scene.expected.mails, dict(sent))


async def _settled(scene: Scene) -> dict[str, int]:
    """Return the messages by state once none is under way."""
    for _ in range(int(PATIENCE_SECONDS / PAUSE_SECONDS)):
        counts: dict[str, int] = (await scene.clients.get("notifications", "/messages/counts"))["counts"]
        if not sum(counts.get(state, 0) for state in UNDER_WAY):
            return counts
        await asyncio.sleep(PAUSE_SECONDS)
    raise StoryStoppedError(f"messages are still under way after {PATIENCE_SECONDS:.0f} s")
