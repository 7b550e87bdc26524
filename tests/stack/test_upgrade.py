"""``docs/upgrade.md`` does what it says: its commands are run in order, from the schemas of before the newest migrations."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from ops.backup.fitting import open_backup
from ops.backup.manifest import NAME
from ops.backup.restoring import empty_databases, note_restore, restore_databases
from ops.ledger import declared_ledger, migrations_of, read_ledger
from ops.stack import Stack
from ops.stack.databases import AUDIT, SERVICES, in_database, owner_of
from services.partners.commands import DraftAgreement, Terms
from services.partners.handlers.agreements import draft
from services.partners.handlers.sealing import SecretBox
from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis
from shared.contracts.registry import BusinessVerified
from shared.database import Migrations, migrate
from shared.outbox import Cause
from shared.sealing import KeyRing, new_key
from shared.trail import read_newest, verify
from shared.trail.keeping import NEWEST
from tests.house.tree import ROOT
from tests.stack.commanding import naikkelas_here

UPGRADE = ROOT / "docs" / "upgrade.md"
AGREEMENTS = 12
NOW = datetime.now(UTC)
TERMS = Terms(
    title="DPMPTSP",
    legal_basis=LegalBasis.TANPA_DATA_PRIBADI,
    legal_reference="PKS 119/2026",
    purpose="Perizinan",
    contact="Seksi Data",
    grants=(Grant(type=BusinessVerified.type_name(), fields=("business_id",)),),
    ways=(DeliveryWay.FEED,),
    starts_at=NOW,
    expires_at=NOW + timedelta(days=1),
)


def commands() -> list[tuple[str, int]]:
    """Return the commands of the page, each with the exit code that the page names (``# 1``), else 0."""
    blocks = re.findall(r"^```bash\n(.*?)^```", UPGRADE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line.partition("#") for block in blocks for line in block.splitlines()]
    return [(command.strip(), int(code.strip() or 0)) for command, _, code in lines]


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Stack]:
    """Servers of their own with the schemas of before the newest migration of each service, an owner's key, and agreements.

    The doctor looks at all that stands on them, so nobody else's may.
    """
    stack = Stack(Path(tempfile.mkdtemp(prefix="naikkelas-upgrade-")), environment={"NAIKKELAS_PORTS": "any"})
    try:
        stack.start_servers(owned=True)
        asyncio.run(_earlier(stack, tmp_path))
        yield stack
    finally:
        stack.down(wipe=True)


async def _earlier(stack: Stack, folder: Path) -> None:
    for service in SERVICES:
        *others, own = migrations_of(service)
        (folder / service).mkdir()
        for path in own.files()[:-1]:
            shutil.copy(path, folder / service)
        roles = {"app_role": service, "audit_role": AUDIT}
        await migrate(
            stack.dsn(service, owner_of(service)), [*others, Migrations(own.component, folder / service)], roles
        )
    await _fill(stack)


async def _fill(stack: Stack) -> None:
    """Store what a backup must bring back: a wrapped key and a wrapped secret, and facts that nobody reads but that Kafka must get."""
    ring, owner = KeyRing(stack.home.key_encryption_key()), uuid4()
    registry = await asyncpg.connect(stack.dsn("registry", "registry"))
    await registry.execute(
        "INSERT INTO owner_key (owner_id, kek_id, wrapped) VALUES ($1, $2, $3)", owner, ring.kek_id, ring.wrap(owner, new_key())
    )  # fmt: skip
    await registry.close()
    partners = await asyncpg.connect(stack.dsn("partners", "partners"))
    for number in range(AGREEMENTS):
        async with partners.transaction():
            cause = Cause(uuid4().hex, None, "petugas", "command", None, NOW)
            await draft(partners, DraftAgreement(uuid4(), f"instansi-{number}", TERMS), cause)
    _, secret = SecretBox([stack.home.webhook_key()]).new(uuid4())
    await partners.execute(
        "INSERT INTO webhook (id, version, agency, url, state, created_at) VALUES ($1, 1, 'instansi-0', 'https://instansi.example/', 'dijeda', $2)",
        secret.webhook_id, NOW,
    )  # fmt: skip
    await partners.execute(
        "INSERT INTO webhook_secret (id, webhook_id, wrapped, kek_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        secret.id, secret.webhook_id, secret.wrapped, secret.kek_id, NOW,
    )  # fmt: skip
    await partners.close()


def run(command: str, stack: Stack, backup: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page."""
    program, *words = shlex.split(command.replace("$BACKUP", str(backup)))
    assert program == "naikkelas"
    return naikkelas_here(*words, home=stack.home.path)


async def ledgers(stack: Stack) -> dict[str, dict[str, str]]:
    """Return what ran in each database."""
    found = {}
    for service in SERVICES:
        connection = await asyncpg.connect(in_database(stack.servers.superuser_dsn(), service))
        found[service] = await read_ledger(connection)
        await connection.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_of_upgrades_leads_from_an_earlier_schema_to_this_one(earlier: Stack, tmp_path: Path) -> None:
    backup, declared = tmp_path / "backup", {service: declared_ledger(service) for service in SERVICES}
    assert all(len(ran) == len(declared[service]) - 1 for service, ran in asyncio.run(ledgers(earlier)).items())
    told = []
    for command, code in commands():
        done = run(command, earlier, backup)
        assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        told.append(done.stdout)
    assert asyncio.run(ledgers(earlier)) == declared
    assert [deed for _, deed in asyncio.run(deeds(earlier, "training"))] == ["migrate"]
    assert "1 migrations did not run: registry/" in told[0]
    assert f"Kafka was refilled with {AGREEMENTS} records" in told[2]
    assert "The drill held." in told[2]
    _a_backup_that_does_not_fit_is_refused(earlier, backup)
    _what_was_lost_comes_back(earlier, backup)


def _a_backup_that_does_not_fit_is_refused(stack: Stack, backup: Path) -> None:
    """It is restored over nothing; and no key is in it, nor is it read by others."""
    manifest = json.loads((backup / NAME).read_text())
    assert [item["service"] for item in manifest["databases"]][-1] == "registry"
    assert not any(stack.home.key_encryption_key() in path.read_text("latin-1") for path in backup.iterdir())
    for setting in ("KEY_ENCRYPTION_KEY", "WEBHOOK_KEY"):
        other = {setting: b64encode(bytes(32)).decode()}
        drill = naikkelas_here("drill", str(backup), "--json", home=stack.home.path, given=other)
        assert (drill.returncode, f"{setting} is the wrong one" in json.loads(drill.stdout)["error"]) == (1, True)
    full = run('naikkelas restore "$BACKUP" --yes --json', stack, backup)
    assert full.returncode == 1
    assert json.loads(full.stdout)["error"].count("is not empty") == len(SERVICES)


def _what_was_lost_comes_back(stack: Stack, backup: Path) -> None:
    server, manifest = stack.servers.superuser_dsn(), open_backup(backup)
    asyncio.run(empty_databases(server, SERVICES))
    restore_databases(server, backup, manifest.databases, lambda *_: None)
    note_restore(server, manifest, "operator-a")
    assert asyncio.run(_restored(stack)) == (AGREEMENTS, [("operator-a", "restore")])


async def deeds(stack: Stack, service: str) -> list[tuple[str, str]]:
    """Return who did what, the newest first, as the trail of a service tells."""
    connection = await asyncpg.connect(in_database(stack.servers.superuser_dsn(), service))
    entries = await read_newest(connection, NEWEST, 10)
    await connection.close()
    return [(entry.actor, entry.deed) for entry in entries]


async def _restored(stack: Stack) -> tuple[int, list[tuple[str, str]]]:
    """Return how many agreements there are, and what the trail of their database holds: whole, or this fails."""
    partners = await asyncpg.connect(in_database(stack.servers.superuser_dsn(), "partners"))
    agreements = await partners.fetchval("SELECT count(*) FROM agreement")
    clusters = await partners.fetch("SELECT system_identifier FROM relay_cluster")
    assert {row[0] for row in clusters} <= {
        "restored"
    }  # so a relay publishes all again, though the cluster is the same
    checked, _ = await verify(partners)
    await partners.close()
    assert checked.faults == []
    return agreements, await deeds(stack, "partners")
