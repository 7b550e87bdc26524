"""Wrong clocks: one process at a time lives in another time or another time zone, by ``libfaketime``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import time
from uuid import uuid4

import asyncpg
import httpx2

from ops.stack.databases import owner_of
from proof.load import PLACE
from proof.rig import QUIET_SECONDS, Rig, Size, within
from shared.auth import Role
from shared.auth.tokens import LEEWAY_SECONDS

_LIBRARIES = ("lib/*/faketime", "lib/faketime", "lib64/faketime", "local/lib/faketime")
_LIBRARY = "libfaketimeMT.so.1"


@dataclass(frozen=True, slots=True)
class Clock:
    """A wrong clock. ``faketime`` as libfaketime takes it: an offset in seconds, or a moment to begin at."""

    name: str
    faketime: str | None = None
    zone: str = "UTC"


CLOCKS = (
    Clock("30 s ahead", "+30"),
    Clock("10 min behind", "-600"),
    Clock("on a leap day", "@2028-02-29 23:59:50"),
    Clock("an hour behind", "-3600"),
    Clock("10 min ahead", "+600"),
    Clock("at the end of a year", "@2026-12-31 23:59:50"),
    Clock("30 s behind", "-30"),
    Clock("in TZ Asia/Makassar", zone="Asia/Makassar"),
    Clock("in TZ Asia/Jakarta", zone="Asia/Jakarta"),
)
PROCESSES = ("registry-api", "notifications-worker", "registry-relay", "projections-worker")
MAILS = 3


def find_library() -> Path | None:
    """Return libfaketime, in the form for programs with threads."""
    return next((path for where in _LIBRARIES for path in Path("/usr").glob(f"{where}/{_LIBRARY}")), None)


def missing_library() -> str | None:
    """Say that libfaketime is not here, and what to do."""
    return None if find_library() else "libfaketime is not here; install it (Debian: apt-get install faketime)"


def plan(strikes: int, dice: Random) -> list[tuple[str, Clock]]:
    """Return which process gets which clock, one after another: different ones next to each other, all in the end."""
    pairs = [(name, CLOCKS[(turn + 2 * number) % len(CLOCKS)])
             for turn in range(len(CLOCKS)) for number, name in enumerate(PROCESSES)]  # fmt: skip
    first = len(PROCESSES) * dice.randrange(len(CLOCKS))
    return [pairs[(first + number) % len(pairs)] for number in range(min(strikes, len(pairs)))]


async def wrong_clocks(rig: Rig, size: Size, dice: Random) -> None:
    """Put one process after another into another time; it works there and everybody catches up with it."""
    chosen, before = plan(size.strikes, dice), list[str]()
    try:
        for name, clock in chosen:
            async with rig.fault():
                await _begin(rig, [*before, name], {name: clock})
                before = [name]
                if name == "registry-api":
                    await _refuses_only_what_has_not_begun(rig, clock)
                await _want_mail(rig)
                if name != "registry-api":  # to that one's clock the token of a service may have ended
                    await _mail_arrives(rig)
    finally:
        await _begin(rig, before, {})
    await _mail_arrives(rig)
    rig.notes.append("clocks: " + "; ".join(f"{name} {clock.name}" for name, clock in chosen))


async def _begin(rig: Rig, names: Sequence[str], clocks: dict[str, Clock]) -> None:
    """Start processes again, with a wrong clock where one is named."""
    await asyncio.gather(*(asyncio.to_thread(rig.stack.stop, name) for name in dict.fromkeys(names)))
    for name in names:
        rig.stack.extra_env.pop(name, None)
        if (clock := clocks.get(name)) is not None:
            rig.stack.extra_env[name] = environment_of(clock)
    if names:
        await asyncio.to_thread(rig.stack.start_services, list(dict.fromkeys(names)))


def environment_of(clock: Clock) -> dict[str, str]:
    """Return the variables that give a process this clock; waiting goes by the steady clock, which stays right."""
    if clock.faketime is None:
        return {"TZ": clock.zone}
    preload = {"LD_PRELOAD": str(find_library()), "FAKETIME": clock.faketime, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {"TZ": clock.zone, **preload}


async def _refuses_only_what_has_not_begun(rig: Rig, clock: Clock) -> None:
    """A token that was issued after what the clock shows is refused, as RFC 7519 wants it; an older one is taken."""
    behind = float(clock.faketime or 0) if not (clock.faketime or "").startswith("@") else 0.0
    young = 401 if behind < -LEEWAY_SECONDS else 404
    for issued, expected in ((time(), young), (time() - 7_200, 404)):
        token = rig.stack.token([Role.PETUGAS_DINAS], issued=issued, lifetime=rig.TOKEN_LIFETIME)
        async with httpx2.AsyncClient(timeout=10, headers={"Authorization": f"Bearer {token}"}) as client:
            answer = await client.get(f"{rig.registries()[0]}/businesses/{uuid4()}")
        assert answer.status_code == expected, (
            f"{clock.name}: {answer.status_code}, not {expected}: {answer.text[:200]}"
        )


async def _want_mail(rig: Rig) -> None:
    """Register owners who want to be written to."""
    headers = {"Authorization": f"Bearer {rig.token}"}
    async with httpx2.AsyncClient(timeout=10, headers=headers) as client:
        rig.asked += [await _register(client, rig.registries()[0], number) for number in range(MAILS)]


async def _mail_arrives(rig: Rig) -> None:
    """Wait until each owner who wants it has a mail: no due time waits for a clock."""
    database = await asyncpg.connect(rig.stack.dsn("notifications", owner_of("notifications")))
    try:
        async with within(QUIET_SECONDS, "mails to owners"):
            while await database.fetchval(
                "SELECT count(*) FROM message WHERE owner_id = ANY ($1::uuid[]) AND state = 'sent'", rig.asked
            ) < len(rig.asked):
                await asyncio.sleep(0.1)
    finally:
        await database.close()


async def _register(client: httpx2.AsyncClient, base: str, number: int) -> str:
    body = {
        "name": f"Pemilik Jam {number}", "kelurahan": PLACE, "email": f"jam{number}@umkm.example", "channel": "email",
        "consents": {"notifications": True},
    }  # fmt: skip
    answer = await client.post(f"{base}/owners", json=body, headers={"Idempotency-Key": uuid4().hex})
    return str(answer.raise_for_status().json()["id"])
