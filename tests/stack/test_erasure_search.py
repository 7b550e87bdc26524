"""After an erasure nothing readable of the person is found anywhere, while the same search finds who stays (SECURITY S12)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from ops.stack import Stack
from ops.stack.services import ROOT
from shared.auth import Role
from tests.importing.office import csv_text, row
from tests.stack.searching import search
from tests.training.test_end_to_end import MANGGAR, NAME, NIB, Client, certify, messages, until_done

NIK, PHONE, MAIL = "6471014107909901", "81200009911", "siti@umkm.example"
ERASED = {NAME, "Siti Rahmawati", NIK, PHONE, MAIL, NIB, "Warung Siti", "Dapur Rahmawati", "Gang Mawar 7"}
STAYING = {"Yohanes Tetap", "6471010506859902", "81200009922", "yohanes@umkm.example", "Bengkel Yohanes"}
OFFICER = "petugas-a"
ROWS = [
    row(1, NIK=NIK, NAMA_PEMILIK=NAME, NAMA_USAHA="Dapur Rahmawati", NO_HP=f"0{PHONE}", ALAMAT="Gang Mawar 7"),
    row(2, NIK="6471010506859902", NAMA_PEMILIK="Yohanes Tetap", NAMA_USAHA="Bengkel Yohanes", NO_HP="081200009922"),
]


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """Servers, mailbox and every service, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-erasure-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.extra_env["training"] = {"TICK_SECONDS": "0.2"}
        made.up(owned=True)
        yield made
    finally:
        made.down(wipe=True)


def send_file(stack: Stack, registry: Client) -> dict[str, Any]:
    """Import the old spreadsheet and return its totals."""
    headers = {"Authorization": f"Bearer {stack.token([Role.PETUGAS_DINAS])}", "Idempotency-Key": os.urandom(8).hex()}
    answer = httpx2.post(
        f"{stack.api_url('registry')}/imports",
        params={"kelurahan": MANGGAR},
        files={"file": ("lama.csv", csv_text(ROWS).encode(), "text/csv")},
        headers=headers,
        timeout=30,
    )
    job = answer.raise_for_status().json()["id"]
    done = until_done(lambda: _ended(registry.get(f"/imports/{job}").json()))
    totals: dict[str, Any] = done["totals"]
    return totals


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return job if job["state"] == "selesai" else None


def naikkelas(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command against this stack."""
    env = os.environ | {"NAIKKELAS_HOME": str(stack.home.path)}
    command = [sys.executable, "-m", "ops", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)


def grant(registry: Client, owner_id: str) -> None:
    """Record the owner's request and take it to where it may be carried out."""
    asked = registry.new("/erasure-requests", {"owner_id": owner_id, "asker": "pemilik", "way": "loket"})["id"]
    registry.new(f"/erasure-requests/{asked}/identity", {"identity": "ktp"}, 1)
    registry.new(f"/erasure-requests/{asked}/acceptance", None, 2)


async def heard_of(stack: Stack, owner_id: str, version: int) -> None:
    """Wait until every consumer of owners has applied the erasure."""
    for service in ("training", "events", "notifications"):
        connection = await asyncpg.connect(stack.dsn(service, service))
        try:
            statement = "SELECT max(position) FROM stream_position WHERE aggregate_id = $1::text::uuid"
            for _ in range(600):
                if (await connection.fetchval(statement, owner_id) or 0) >= version:
                    break
                await connection.execute("SELECT pg_sleep(0.1)")
            else:
                pytest.fail(f"{service} did not hear of the erasure")
        finally:
            await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(560)
async def test_nothing_readable_of_an_erased_owner_is_found_and_totals_stay(stack: Stack) -> None:
    with ExitStack() as clients:
        registry, training, told = (
            clients.enter_context(Client(stack, service, OFFICER))
            for service in ("registry", "training", "notifications")
        )
        checker = clients.enter_context(Client(stack, "registry", "petugas-b"))
        counts = clients.enter_context(Client(stack, "projections", OFFICER))
        certify(stack, registry, training, checker)
        assert send_file(stack, registry)["new"] == 2
        until_done(lambda: messages(told, "certificate_issued"))
        stays = registry.get("/owners?q=yohanes").json()["items"][0]
        contact = {"name": stays["name"], "phones": stays["phones"], "email": "yohanes@umkm.example"}
        registry._client.put(
            f"/owners/{stays['id']}/contact", json=contact, headers={"If-Match": '"1"'}
        ).raise_for_status()
        until_done(lambda: _total(counts) == 3)
        before = await search(stack, ERASED | STAYING)
        assert (
            set().union(*(words for place, words in before.items() if place.startswith("registry:")))
            >= ERASED | STAYING
        )

        owner = registry.get("/owners?q=siti").json()["items"][0]
        grant(registry, owner["id"])
        look = naikkelas(stack, "erase", owner["id"], "--json")
        assert (look.returncode, json.loads(look.stdout)["businesses_forgotten"]) == (3, 2)
        done = naikkelas(stack, "erase", owner["id"], "--yes", "--json")
        assert (done.returncode, json.loads(done.stdout)["erased"]) == (0, True), done.stderr
        await heard_of(stack, owner["id"], owner["version"] + 1)
        totals = send_file(stack, registry)
        assert (totals["refused"], totals["same"], totals["new"]) == (1, 1, 0)

        after = await search(stack, ERASED | STAYING | {owner["id"], OFFICER})
        assert {place: words & ERASED for place, words in after.items() if words & ERASED} == {}
        assert set().union(*after.values()) >= STAYING | {owner["id"]}
        assert any(owner["id"] in words for place, words in after.items() if place.startswith("kafka:"))
        # Logs hold no person at all, and an owner's id not either: the officer shows that they are read.
        assert any(OFFICER in words for place, words in after.items() if place == "log: registry-api.log")
        rebuilt = naikkelas(stack, "rebuild", "district_dashboard", "business_timeline", "--json")
        assert (rebuilt.returncode, json.loads(rebuilt.stdout)["ok"]) == (0, True), rebuilt.stderr
        assert _total(counts) == 3


def _total(counts: Client) -> int:
    """Return how many businesses the dashboard counts."""
    found: int = counts.get("/dashboard").json()["total"]
    return found
