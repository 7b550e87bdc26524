"""The whole way on real servers and processes: handed in, verified, told by the worker's daily pass, on Kafka; nothing lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from ops.audit.audit import audit
from ops.stack import Stack
from services.registry.domain.expiry import pass_day
from tests.registry.conftest import MANGGAR
from tests.training.test_end_to_end import WAIT_SECONDS, Client, until_done

PROCESSES = ["registry-api", "registry-relay"]


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """Kafka, PostgreSQL and the registry, each as its own process; no worker yet."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-registry-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.start_servers(owned=True)
        made.extra_env["registry"] = {"TICK_SECONDS": "0.2"}
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


def hand_in(clerk: Client, checker: Client) -> None:
    """Make one licence, one organisation and one brand, all valid."""
    owner = clerk.new("/owners", {"name": "Siti Rahmawati", "nik": "6471014107909901", "kelurahan": MANGGAR})["id"]
    shop = clerk.new("/businesses", {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR})["id"]
    ends = pass_day(datetime.now(UTC)) + timedelta(days=20)
    licence = {"business_id": shop, "kind": "p_irt", "number": "2063471019901-31", "expires_on": ends.isoformat()}
    checker.new(f"/licences/{clerk.new('/licences', licence)['id']}/verification", version=1)
    partner = clerk.new("/organisations", {"title": "IPEMI Balikpapan", "kind": "asosiasi", "roles": ["tempat_jual"]})
    mark = {"mark": "Amplang Beruang", "organisation_id": partner["id"], "filed_on": "2020-01-01"}
    brand = clerk.new("/brands", mark)["id"]
    checker.new(f"/brands/{brand}/registration", {"registered_on": "2021-01-01"}, 1)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_worker_tells_what_runs_out_and_the_audit_finds_it_on_kafka(stack: Stack) -> None:
    with Client(stack, "registry", "petugas-a") as clerk, Client(stack, "registry", "petugas-b") as checker:
        hand_in(clerk, checker)
        stack.start("registry-worker")
        until_done(lambda: clerk.get("/licences").json()["items"][0]["version"] == 3)
        stack.kill("registry-worker")
        stack.start("registry-worker")
    databases = {"registry": stack.dsn("registry", "audit")}
    report = await audit(databases, stack.credentials("operator"), WAIT_SECONDS, lambda *_: None)
    assert (report.ok, report.findings) == (True, [])
    assert (report.events, report.aggregates) == (8, 5)
    registry = await asyncpg.connect(stack.dsn("registry", "registry"))
    try:
        said = await registry.fetch("SELECT type FROM outbox WHERE topic = 'umkm.licence' ORDER BY id")
        passes = await registry.fetch("SELECT facts FROM daily_pass WHERE finished_at IS NOT NULL")
    finally:
        await registry.close()
    assert [row[0].split(".")[-2] for row in said] == ["submitted", "verified", "expiring"]
    assert sum(row[0] for row in passes) == 1
