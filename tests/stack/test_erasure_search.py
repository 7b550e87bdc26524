"""After an erasure nothing readable of the person is found anywhere, while the same search finds who stays (SECURITY S12)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops.stack import Stack
from ops.stack.databases import owner_of
from ops.stack.services import ROOT
from services.partners.domain.erasures import NOTICE_TYPE
from shared.auth import Role
from shared.database import connected
from tests.importing.office import csv_text, row
from tests.partners.bureau import AGENCY
from tests.stack.agency import Inbox, agency_with_names, post
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
        made.extra_env["partners"] = {"ERASURE_SECONDS": "0.5"}
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
    for service in ("training", "events", "notifications", "partners"):
        async with connected(stack.dsn(service, service)) as connection:
            statement = "SELECT max(position) FROM stream_position WHERE aggregate_id = $1::text::uuid"
            for _ in range(600):
                if (await connection.fetchval(statement, owner_id) or 0) >= version:
                    break
                await connection.execute("SELECT pg_sleep(0.1)")
            else:
                pytest.fail(f"{service} did not hear of the erasure")


_REFUSE = """
CREATE FUNCTION refuse_business() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stream = 'business' THEN RAISE EXCEPTION 'not ready' USING ERRCODE = '22000'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_business BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse_business();
"""
_ALLOW = "DROP TRIGGER refuse_business ON event; DROP FUNCTION refuse_business()"


async def in_partners(stack: Stack, statement: str) -> Any:
    """Run a statement in the partners' database, as its schema's owner."""
    async with connected(stack.dsn("partners", owner_of("partners"))) as connection:
        return (
            await connection.fetchval(statement)
            if statement.startswith("SELECT")
            else await connection.execute(statement)
        )


async def until_in_partners(stack: Stack, condition: str) -> None:
    """Wait until a condition holds in the partners' database."""
    async with asyncio.timeout(60):
        while not await in_partners(stack, f"SELECT {condition}"):
            await asyncio.sleep(0.1)


async def acknowledge(stack: Stack, program: httpx2.Client, inbox: Inbox, owner_id: str) -> None:
    """Check that the agency is told of the erasure by its endpoint, its topic and the feed, and acknowledge it."""
    notice = until_done(lambda: inbox.events(NOTICE_TYPE))[0]
    assert notice["data"]["owner_id"] == owner_id
    told = "SELECT array_to_string(told_ways, ',') FROM erasure_notice"
    await until_in_partners(stack, "(SELECT told_ways FROM erasure_notice) @> '{kafka,webhook}'")
    assert await in_partners(stack, told) == "kafka,webhook"
    assert program.get("/feed/owner").headers["Feed-Erasures"] == "1"
    post(program, f"/erasures/{notice['id']}/acknowledgement", {"outcome": "dihapus"})
    listed = naikkelas(stack, "erasure-notices", "--owner", owner_id, "--json")
    assert [(item["agency"], item["state"]) for item in json.loads(listed.stdout)] == [(AGENCY, "dikonfirmasi")]
    assert listed.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.security(line="S12")
async def test_nothing_readable_of_an_erased_owner_is_found_and_totals_stay(stack: Stack) -> None:
    with ExitStack() as clients:
        registry, training, told = (
            clients.enter_context(Client(stack, service, OFFICER))
            for service in ("registry", "training", "notifications")
        )
        checker = clients.enter_context(Client(stack, "registry", "petugas-b"))
        counts = clients.enter_context(Client(stack, "projections", OFFICER))
        assert naikkelas(stack, "agency", "create-user", AGENCY).returncode == 0
        program, inbox = clients.enter_context(agency_with_names(stack))
        certify(stack, registry, training, checker)
        until_done(lambda: inbox.holds(NAME) and inbox.holds("Warung Siti"))
        await until_in_partners(stack, "EXISTS (SELECT FROM kafka_position WHERE stream = 'owner' AND position > 0)")
        assert NAME in program.get("/feed/owner").text
        await in_partners(stack, _REFUSE)
        assert send_file(stack, registry)["new"] == 2
        await until_in_partners(stack, "(SELECT count(*) FROM parked_event) >= 2")
        await in_partners(stack, _ALLOW)
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
        await acknowledge(stack, program, inbox, owner["id"])
        totals = send_file(stack, registry)
        assert (totals["refused"], totals["same"], totals["new"]) == (1, 1, 0)

        after = await search(stack, ERASED | STAYING | {owner["id"], OFFICER})
        assert {place: words & ERASED for place, words in after.items() if words & ERASED} == {}
        assert set().union(*after.values()) >= STAYING | {owner["id"]}
        assert any(owner["id"] in words for place, words in after.items() if place.startswith("kafka:"))
        assert {"partners: public.parked_event", "partners: public.event", "dump: partners"} <= {
            place for place, words in after.items() if owner["id"] in words
        }
        assert any(owner["id"] in words for place, words in after.items() if f"umkm.agency.{AGENCY}" in place)
        # Logs hold no person at all, and an owner's id not either: the officer shows that they are read.
        assert any(OFFICER in words for place, words in after.items() if place == "log: registry-api.log")
        rebuilt = naikkelas(stack, "rebuild", "district_dashboard", "business_timeline", "--json")
        assert (rebuilt.returncode, json.loads(rebuilt.stdout)["ok"]) == (0, True), rebuilt.stderr
        assert _total(counts) == 3
        # The feed from its beginning: what was a name is absent, and what was set aside comes back without one.
        assert naikkelas(stack, "parked", "redrive", "partners", "--reason", "mended").returncode == 0
        await until_in_partners(stack, "NOT EXISTS (SELECT FROM parked_event)")
        again = "".join(program.get(f"/feed/{stream}").text for stream in ("owner", "business"))
        assert owner["id"] in again
        assert {word for word in ERASED if word in again} == set()
        assert "Bengkel Yohanes" in again


def _total(counts: Client) -> int:
    """Return how many businesses the dashboard counts."""
    found: int = counts.get("/dashboard").json()["total"]
    return found
