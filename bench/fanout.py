"""One announcement to 90,000 owners against ``INSERT … SELECT`` of the message rows that come of it, ready made."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

import asyncpg

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import Rig
from services.notifications.commands import Audience, MakeAnnouncement, Text, Topic
from services.notifications.domain.routes import Routes
from services.notifications.handlers.announcing import make_announcement
from services.notifications.handlers.fanning import FanOut
from services.notifications.reference import load_kelurahan
from services.notifications.store.facts import migrations
from shared.database import Pool

ROUTES = Routes(frozenset({"email"}))
ANNOUNCEMENT = UUID("01936000-0000-7000-8000-00000000abcd")
TEXTS = {
    "id": Text("Pelatihan kemasan angkatan 3", "Pendaftaran dibuka sampai 30 November di kelurahan."),
    "en": Text("Packaging training, third batch", "Register at your kelurahan until 30 November."),
}
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)

# Ids grow with time, as UUIDv7 do. Of 100 owners 90 agreed to be told, 2 of them chose no channel and 3 one that is not
# run; every 20th stopped the topic, every 10th reads English. Each has a business, in one of the 34 kelurahan.
OWNERS = """
INSERT INTO recipient (owner_id, personal, language, channel, consent, version)
SELECT ('01936' || lpad(to_hex(n), 7, '0') || '70008000' || lpad(to_hex(n * 2654435761 % 4294967296), 12, '0'))::uuid,
       'nk1.' || repeat('0', 32) || '.owner.' || repeat('A', 200), CASE WHEN n % 10 = 0 THEN 'en' ELSE 'id' END,
       CASE WHEN n % 50 = 1 THEN NULL WHEN n % 33 = 2 THEN 'whatsapp' ELSE 'email' END, n % 10 <> 3, 1
FROM generate_series(1, $1::bigint) AS n
"""
BUSINESSES = """
INSERT INTO business_contact (business_id, owner_id, personal, version, kelurahan, sector, kelas, status)
SELECT gen_random_uuid(), owner_id, personal, 1, ($1::text[])[1 + n % 34], 'kuliner', 'mikro', 'terverifikasi'
FROM (SELECT *, row_number() OVER (ORDER BY owner_id) AS n FROM recipient) AS r
"""
OPT_OUTS = """
INSERT INTO topic_opt_out (owner_id, topic, at)
SELECT owner_id, 'pelatihan', now() FROM (SELECT owner_id, row_number() OVER (ORDER BY owner_id) AS n FROM recipient) AS r
WHERE n % 20 = 0
"""
ROWS = """
SELECT id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub, business_id, params,
       sealed_reason, state, reason, attempts, next_attempt_at, leased_by, lease_until, handed_over_at, priority
FROM message ORDER BY owner_id
"""
RAW = """
INSERT INTO message (id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub, business_id,
                     params, sealed_reason, state, reason, attempts, next_attempt_at, leased_by, lease_until,
                     handed_over_at, priority)
SELECT * FROM ready.made
"""
# All but the times: each announcement has its own.
DIGEST = """
SELECT md5(string_agg(m::text, ';' ORDER BY m.id))
FROM (SELECT id, event_id, event_type, template, language, channel, owner_id, params, state, reason, attempts, priority
      FROM message) AS m
"""
# The table is as it was before each run: empty, its indexes small.
FORGET = "TRUNCATE message, announcement CASCADE"


async def _announce(pool: Pool) -> float:
    """Announce, and let one worker make the messages; return the seconds that takes."""
    audience = Audience(classes=("mikro",), sectors=("kuliner",))
    command = MakeAnnouncement(ANNOUNCEMENT, Topic.PELATIHAN, TEXTS, audience, "bench")
    started = perf_counter()
    async with pool.acquire() as connection, connection.transaction():
        await make_announcement(connection, command, load_kelurahan(), ROUTES)
    fan_out = FanOut(pool, ROUTES, clock=lambda: NOW)
    while await fan_out.step():
        pass
    return perf_counter() - started


async def _insert(pool: Pool) -> float:
    started = perf_counter()
    await pool.execute(RAW)
    return perf_counter() - started


async def _fill(pool: Pool, owners: int) -> None:
    await pool.execute(OWNERS, owners)
    await pool.execute(BUSINESSES, list(load_kelurahan()))
    await pool.execute(OPT_OUTS)


async def announcement(rig: Rig, size: Size) -> Result:
    """Owners per second: an audience by class and sector, with consent, channel, language and topics applied."""
    owners = size.of(90_000)
    async with rig.database("notifications", migrations()) as (dsn, pool):
        owner = await asyncpg.connect(rig.owner_dsn("notifications", dsn))
        await _fill(pool, owners)
        await owner.execute("VACUUM ANALYZE recipient, business_contact, topic_opt_out")
        await _announce(pool)
        digest = await pool.fetchval(DIGEST)
        await owner.execute("CREATE SCHEMA ready")
        await owner.execute(f"CREATE TABLE ready.made AS {ROWS}")
        await owner.execute(
            "GRANT USAGE ON SCHEMA ready TO PUBLIC; GRANT SELECT ON ready.made TO PUBLIC; ANALYZE ready.made"
        )

        async def measure(way: str) -> float:
            await owner.execute(FORGET)
            seconds = await (_announce(pool) if way == "announcement" else _insert(pool))
            if await pool.fetchval("SELECT count(*) FROM message") != owners:
                raise VoidRunError(f"{way}: not every owner has one message")
            if await pool.fetchval(DIGEST) != digest:
                raise VoidRunError(f"{way}: other messages than the first time")
            return owners / seconds

        found = await in_turn(
            Result("announcement to 90,000 ÷ INSERT … SELECT of its messages", "owners/s", "≥ 0.9"),
            size,
            lambda: measure("announcement"),
            lambda: measure("insert"),
        )
        await owner.close()
    return found
