"""Owners and announcements for tests: a small city, and what the office tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.commands import Audience, CancelAnnouncement, ChooseTopic, MakeAnnouncement, Text, Topic
from services.notifications.domain.routes import Routes
from services.notifications.handlers.announcing import cancel_announcement, choose_topic, make_announcement
from services.notifications.handlers.fanning import FanOut
from services.notifications.reference import load_kelurahan
from shared.contracts.registry import BusinessClass, BusinessRegistered, ClassRecord
from shared.database import Pool
from shared.envelope import Event
from shared.identifiers import new_id
from tests.notifications.story import Story
from tests.notifications.workshop import Workshop

EMAIL = Routes(frozenset({"email"}))
"""E-mail alone, with no stand-in for what is not run."""
EVERYONE = Audience(everyone=True)
TEXTS = {
    "id": Text("Pelatihan kemasan angkatan 3", "Pendaftaran dibuka sampai 30 November.\n\nDaftar di kelurahan."),
    "en": Text("Packaging training, third batch", "Register at your kelurahan until 30 November."),
}

EXAMPLE: dict[str, Any] = {
    "topic": "pelatihan",
    "texts": {language: {"subject": text.subject, "body": text.body} for language, text in TEXTS.items()},
    "audience": {"kecamatan": ["64.71.01"], "classes": ["mikro"], "sectors": ["kuliner"]},
}
"""A request for an announcement."""


def owners(story: Story, count: int, **choices: Any) -> list[Event]:
    """Return owners who came by an import, so that nothing else is sent to them."""
    return [story.owner(email=f"u{n}@umkm.example", origin="import", **choices) for n in range(count)]


def ids(events: Iterable[Event]) -> list[UUID]:
    """Return what the events are about."""
    return [event.fact.aggregate_id for event in events]


def business(story: Story, owner_id: UUID, *, kelurahan: str, kelas: str = "mikro", sector: str = "kuliner") -> Event:
    """Return a business of an owner, of a place, class and sector."""
    plain = story.business(owner_id, origin="import")
    assert isinstance(plain.fact, BusinessRegistered)
    record = ClassRecord(kelas=BusinessClass(kelas), source="impor", as_of=plain.fact.as_of)
    fact = plain.fact.model_copy(update={"kelurahan": kelurahan, "sector": sector, "kelas": record})
    return Event(plain.meta, fact)


async def announce(
    pool: Pool,
    audience: Audience = EVERYONE,
    topic: Topic = Topic.PELATIHAN,
    texts: dict[str, Text] = TEXTS,
    routes: Routes = EMAIL,
) -> UUID:
    """Make an announcement and return its id; no message is made yet."""
    command = MakeAnnouncement(new_id(), topic, texts, audience, "budi")
    async with pool.acquire() as connection, connection.transaction():
        await make_announcement(connection, command, load_kelurahan(), routes)
    return command.id


async def cancel(pool: Pool, announcement_id: UUID) -> None:
    """Cancel an announcement."""
    async with pool.acquire() as connection, connection.transaction():
        await cancel_announcement(connection, CancelAnnouncement(announcement_id, "tanggal salah", "budi"))


async def opt_out(pool: Pool, owner_id: UUID, topic: Topic = Topic.PELATIHAN) -> None:
    """Stop a topic for an owner."""
    await choose_topic(pool, ChooseTopic(owner_id, topic, wanted=False))


def fan_out(workshop: Workshop, clock: Callable[[], datetime], chunk: int = 10) -> FanOut:
    """Return a fan-out in small chunks."""
    return FanOut(workshop.pool, EMAIL, chunk=chunk, clock=clock)


async def finish(worker: FanOut) -> int:
    """Let a fan-out work until nothing is left; return how many chunks it did."""
    chunks = 0
    while await worker.step():
        chunks += 1
    return chunks


async def rows_of(pool: Pool, announcement_id: UUID) -> Sequence[Any]:
    """Return the messages of an announcement, in the order of their owners."""
    rows: Sequence[Any] = await pool.fetch(
        "SELECT * FROM message WHERE event_id = $1 ORDER BY owner_id", announcement_id
    )
    return rows


async def state_of(pool: Pool, announcement_id: UUID) -> tuple[str, int, int]:
    """Return state, done and total of an announcement."""
    row = await pool.fetchrow("SELECT state, done, total FROM announcement WHERE id = $1", announcement_id)
    return row["state"], row["done"], row["total"]
