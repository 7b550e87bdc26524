"""The whole way on real servers and processes: registered there, agreed here, read by an agency, told to the owner; nothing lost."""

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
from uuid import uuid4

import httpx2
import pytest

from ops.audit.audit import audit
from ops.stack import Stack
from ops.stack.databases import owner_of
from ops.stack.services import ROOT
from shared.auth import Role
from shared.database import connected
from tests.partners.bureau import NAMES, agreement_form
from tests.partners.receiving import LOOPBACK, receiving
from tests.tracing.receiving import Receiver, receiving_spans
from tests.training.test_end_to_end import Client, until_done

PROCESSES = ["registry-api", "registry-relay", "partners-api", "partners-relay", "partners-worker"]
MANGGAR = "64.71.01.1001"
WAIT_SECONDS = 60.0
OWNER_NAME = "Siti Rahmawati"


@pytest.fixture(scope="module")
def traces() -> Iterator[Receiver]:
    """Where all processes send their spans."""
    with receiving_spans() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str], traces: Receiver) -> Iterator[Stack]:
    """Kafka, PostgreSQL, registry and the partner service, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-partners-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.start_servers(owned=True)
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.endpoint}
        made.extra_env = {"registry": told, "partners": {**told, "WEBHOOK_NETWORKS": LOOPBACK}}
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


def client_of(stack: Stack, role: Role, subject: str, **claims: Any) -> httpx2.Client:
    """Return a client of the partner service."""
    headers = {"Authorization": f"Bearer {stack.token([role], subject=subject, **claims)}"}
    return httpx2.Client(base_url=stack.api_url("partners"), headers=headers, timeout=60)


def agree(stack: Stack, granted: Any = NAMES, **changes: Any) -> str:
    """Make an agreement by which an agency sees names, signed by two operators."""
    form = agreement_form(granted, legal_basis="kewajiban_hukum", **changes)
    with client_of(stack, Role.OPERATOR, "a") as first, client_of(stack, Role.OPERATOR, "b") as second:
        made = first.post("/agreements", json=form, headers={"Idempotency-Key": uuid4().hex})
        agreement: str = made.raise_for_status().json()["id"]
        for version, signer in ((1, first), (2, second)):
            headers = {"Idempotency-Key": uuid4().hex, "If-Match": f'"{version}"'}
            signer.post(f"/agreements/{agreement}/signatures", headers=headers).raise_for_status()
    return agreement


def asked(stack: Stack, *words: str, code: int = 0) -> Any:
    """Run ``naikkelas`` and return what it prints."""
    env = os.environ | {"NAIKKELAS_HOME": str(stack.home.path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "ops", *words, "--json"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


async def tell_too_much(stack: Stack) -> None:
    """Let a page of the disclosure log tell of an event more than its text grants."""
    async with connected(stack.dsn("partners", owner_of("partners"))) as connection:
        await connection.execute(
            "UPDATE disclosure SET events = events + 1 WHERE id = (SELECT min(id) FROM disclosure WHERE stream = 'business')"
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_registered_there_read_here_told_to_the_owner_and_erased(stack: Stack, traces: Receiver) -> None:
    agree(stack)
    with ExitStack() as clients:
        registry = clients.enter_context(Client(stack, "registry", "petugas-a"))
        agency = clients.enter_context(client_of(stack, Role.INSTANSI, "program", agency="dpmptsp"))
        owner = registry.new("/owners", {"name": OWNER_NAME, "nik": "6471014107909901", "kelurahan": MANGGAR})["id"]
        form = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner"}
        business = registry.new("/businesses", form)["id"]
        stack.kill("partners-worker")
        stack.start("partners-worker")
        page = agency.get("/feed/business", params={"wait": 30}).raise_for_status()
        told = {
            "business_id": business,
            "kelurahan": MANGGAR,
            "owner_ids": [owner],
            "personal": {"name": "Warung Siti"},
        }
        assert [event["data"] for event in page.json()] == [told]
        owners = agency.get("/feed/owner", params={"wait": 30}).raise_for_status().json()
        assert [event["data"]["personal"] for event in owners] == [{"name": OWNER_NAME}]
        version = registry.get(f"/owners/{owner}").json()["version"]
        registry.new(f"/owners/{owner}/erasure", version=version)
        until_done(lambda: "personal" not in agency.get("/feed/owner").raise_for_status().json()[0]["data"])
    given = asked(stack, "disclosures", "owner", owner)["items"]
    assert {item["event"]["stream"] for item in given} == {"business", "owner"}
    span = ("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
    assert sum(len(page["events"]) for page in asked(stack, "disclosures", "between", *span)["items"]) == len(given)
    databases = {service: stack.dsn(service, "audit") for service in ("registry", "partners")}
    report = await audit(databases, stack.credentials("operator"), WAIT_SECONDS, lambda *_: None)
    assert (report.ok, report.findings) == (True, [])
    assert {name: count for name, count in report.consumers["partners"].effects.items() if count} == {
        "owner": 1,
        "business": 1,
    }
    (feed,) = report.agencies["dpmptsp"].ways
    assert (feed.way, feed.delivered, feed.waiting) == ("feed", len({item["event"]["event_id"] for item in given}), 0)
    await tell_too_much(stack)
    found = asked(stack, "audit", "--wait", "0", code=1)
    assert [(item["kind"], item["where"]) for item in found["findings"]] == [("ungranted", "dpmptsp feed business")]
    assert found["agencies"]["dpmptsp"]["agreement"] == "aktif"
    await follow_to_a_webhook(stack, traces)
    logs = "".join(path.read_text(errors="replace") for path in stack.home.logs.glob("partners-*.log"))
    assert "process_failed" not in logs
    assert OWNER_NAME not in logs


async def follow_to_a_webhook(stack: Stack, traces: Receiver) -> None:
    """Register a business inside a caller's own trace, and find all of its way to another agency's endpoint there."""
    trace_id, caller = uuid4().hex, uuid4().hex[:16]
    agree(stack, agency="bps", ways=["webhook"])
    async with receiving() as endpoint:
        with (
            Client(stack, "registry", "petugas-a") as registry,
            client_of(stack, Role.INSTANSI, "program", agency="bps") as agency,
        ):
            made = {"url": endpoint.url, "start": "sekarang"}
            agency.post("/webhooks", json=made, headers={"Idempotency-Key": uuid4().hex}).raise_for_status()
            owner = registry.new("/owners", {"name": OWNER_NAME, "nik": "6471014107909902", "kelurahan": MANGGAR})["id"]
            form = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner"}
            registry.headers["traceparent"] = f"00-{trace_id}-{caller}-01"
            registry.new("/businesses", form)
        posted = next(item for item in await endpoint.until(2) if "business.registered" in item.event().get_type())
        names = ("POST /businesses", "send umkm.business", "process umkm.business", "POST webhook")
        asked, sent, taken, post = await asyncio.to_thread(traces.trace_with, trace_id, *names)
    assert [(span.service, span.kind, span.parent) for span in (asked, sent, taken, post)] == [
        ("registry-api", "server", caller),
        ("registry-relay", "producer", asked.span_id),
        ("partners-worker", "consumer", asked.span_id),
        ("partners-worker", "client", taken.span_id),
    ]
    assert posted.headers["traceparent"] == f"00-{trace_id}-{post.span_id}-01"
    assert (post.attributes["http.response.status_code"], post.attributes["naikkelas.agency"]) == (200, "bps")
