"""Backups: the order of the dumps, what a manifest says, and each reason why one is not restored. ``test_upgrade`` makes one."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from ops.audit import Finding, Report
from ops.backup.drilling import Drill
from ops.backup.fitting import Place, Rings, Target, misfits, obstacles, open_backup
from ops.backup.making import digest_of, dump_database
from ops.backup.manifest import NAME, Dumped, Manifest, ManifestError, backup_order, read_manifest
from ops.backup.programs import ProgramError
from ops.backup.restoring import restore_database
from ops.cli.backup import _other_keys
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.services import ROOT
from shared.sealing import KeyRing
from shared.topology import PRINCIPALS
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Database, Postgres

KEY, OTHER_KEY, WEBHOOK = (KeyRing(b64encode(bytes([number]) * 32).decode()) for number in (1, 2, 3))
BOTH_KEYS = KeyRing("\n".join(b64encode(bytes([number]) * 32).decode() for number in (2, 1)))
"""While a key is changed: the newer one first."""
RINGS = Rings(KEY, WEBHOOK)
LEDGER = {"registry/0001.sql": "a"}
DECLARED = dict.fromkeys(SERVICES, LEDGER)
MANIFEST = Manifest(
    "2026-11-27T12:00:00+00:00", "0.1.0", "18.1", "7001", "kafka-1",
    (
        *(Dumped(service, f"{service}.dump", 1, "x", LEDGER) for service in SERVICES if service not in ("registry", "partners")),
        Dumped("partners", "partners.dump", 1, "x", LEDGER, keys={WEBHOOK.kek_id: 3}),
        Dumped("registry", "registry.dump", 1, "x", LEDGER, 2, 10, 7, {KEY.kek_id: 2}),
    ),
)  # fmt: skip
TARGET = Target(
    "18.3", "7002", superuser=True, places=dict.fromkeys(SERVICES, Place(0, 0)),
    logins=frozenset({"audit", *SERVICES, *(f"{service}_migrate" for service in SERVICES)}),
)  # fmt: skip


def test_each_reader_is_dumped_before_its_sources() -> None:
    order = backup_order()
    assert sorted(order) == sorted(SERVICES)
    writers = {topic: principal.name for principal in PRINCIPALS for topic in principal.writes}
    pairs = {
        (p.name, writers[topic]) for p in PRINCIPALS for topic in p.reads if p.name in SERVICES and topic in writers
    }
    assert len(pairs) > 8
    assert [pair for pair in pairs if pair[0] != pair[1] and order.index(pair[0]) > order.index(pair[1])] == []


def test_a_manifest_is_read_as_it_was_written_and_says_that_the_key_is_not_in_it() -> None:
    told = json.loads(MANIFEST.text())
    assert read_manifest(MANIFEST.text()) == MANIFEST
    assert "not in this backup" in told["secrets"]
    assert MANIFEST.webhook_key_ids == {WEBHOOK.kek_id: 3}
    assert (MANIFEST.key_ids, MANIFEST.events, MANIFEST.retained, MANIFEST.major) == ({KEY.kek_id: 2}, 10, 7, 18)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 1}', json.dumps(asdict(MANIFEST) | {"format": 9}), MANIFEST.text()[:-40]],
    ids=["empty", "list", "nothing", "half", "later form", "cut off"],
)
def test_what_is_no_manifest_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ManifestError, match=r"^[^\n]+\.$"):
        read_manifest(text)


def test_a_folder_without_a_backup_and_files_that_changed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="holds no whole backup"):
        open_backup(tmp_path)
    dump = tmp_path / "registry.dump"
    dump.write_bytes(b"inhalt")
    dumped = Dumped("registry", dump.name, 6, digest_of(dump), LEDGER)
    (tmp_path / NAME).write_text(replace(MANIFEST, databases=(dumped,)).text(), encoding="utf-8")
    assert open_backup(tmp_path).databases == (dumped,)
    dump.write_bytes(b"inhalb")
    with pytest.raises(ManifestError, match="is not what was backed up"):
        open_backup(tmp_path)
    dump.unlink()
    with pytest.raises(ManifestError, match="holds no whole backup"):
        open_backup(tmp_path)


def test_what_fits_is_not_refused() -> None:
    assert misfits(MANIFEST, DECLARED, RINGS) == misfits(MANIFEST, DECLARED, Rings(BOTH_KEYS, WEBHOOK)) == []
    assert obstacles(MANIFEST, TARGET) == []
    older = DECLARED | {"registry": LEDGER | {"registry/0002.sql": "b"}}
    assert misfits(MANIFEST, older, RINGS) == []  # a migration that is to come is run after the restore


@pytest.mark.parametrize(
    ("declared", "rings", "part"),
    [
        (
            DECLARED,
            Rings(None, WEBHOOK),
            f"KEY_ENCRYPTION_KEY is not given: the backup needs the one with the fingerprint {KEY.kek_id}",
        ),
        (DECLARED, Rings(OTHER_KEY, WEBHOOK), "KEY_ENCRYPTION_KEY is the wrong one"),
        (
            DECLARED,
            Rings(KEY, None),
            f"WEBHOOK_KEY is not given: the backup needs the one with the fingerprint {WEBHOOK.kek_id}",
        ),
        (DECLARED, Rings(KEY, KEY), "WEBHOOK_KEY is the wrong one"),
        (DECLARED | {"registry": {}}, RINGS, "registry was backed up by another release"),
        (DECLARED | {"registry": {"registry/0001.sql": "other"}}, RINGS, "registry was backed up by another release"),
        (DECLARED | {"tourism": {}}, RINGS, "does not hold tourism"),
        ({"registry": LEDGER}, RINGS, "does not know"),
    ],
)
def test_a_backup_that_this_code_and_these_keys_cannot_take_is_refused(
    declared: dict[str, dict[str, str]], rings: Rings, part: str
) -> None:
    found = misfits(MANIFEST, declared, rings)
    assert found
    assert all(part in sentence and sentence.endswith(".") and "\n" not in sentence for sentence in found)


@pytest.mark.parametrize(
    ("target", "part"),
    [
        (replace(TARGET, version="17.2"), "same major"),
        (replace(TARGET, superuser=False), "no superuser"),
        (replace(TARGET, logins=TARGET.logins - {"events"}), "Logins are missing (events)"),
        (replace(TARGET, running=("registry-api",)), "Services are running (registry-api)"),
        (replace(TARGET, places={**TARGET.places, "events": Place(3, 0)}), "events is not empty"),
        (replace(TARGET, places={**TARGET.places, "events": Place(0, 2)}), "connected to the database events"),
        (replace(TARGET, places={**TARGET.places, "events": None}), "no database events"),
        (replace(TARGET, records=12), "Kafka took 12 records before"),
        (replace(TARGET, records=None), "Kafka does not answer"),
    ],
)
def test_each_obstacle_is_one_sentence(target: Target, part: str) -> None:
    [sentence] = obstacles(MANIFEST, target)
    assert part in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("findings", "lost", "older", "ok"),
    [
        ([], 0, 0, True),
        ([Finding("lost", "umkm.owner", "a", 5, 2, "")], 3, 3, True),
        ([Finding("lost", "umkm.owner", "a", 5, 2, "")], 3, 2, False),
        ([Finding("topic", "umkm.agency.bps", None, 5, 0, "")], 0, 0, True),
        ([Finding("topic", "umkm.public.course", None, 5, 0, "")], 0, 0, False),
        ([Finding("behind", "events", "a", 5, 2, "")], 3, 9, False),
    ],
)
def test_a_drill_holds_if_only_that_is_missing_which_no_backup_holds(
    findings: list[Finding], lost: int, older: int, ok: bool
) -> None:
    outcome = Drill(older=older, report=Report(lost=lost))
    for finding in findings:
        outcome.report.add(finding)
    assert outcome.ok is ok


async def test_a_dump_is_of_one_snapshot_and_comes_back_whole_or_not_at_all(
    postgres_server: Postgres, registry_db: Database, tmp_path: Path
) -> None:
    """A database that was dumped is restored into an empty one; into one that holds something nothing of it comes."""
    owner = await asyncpg.connect(registry_db.superuser_dsn)
    await owner.execute("INSERT INTO owner_key (owner_id, kek_id, wrapped) VALUES (gen_random_uuid(), 'k', 'x')")
    dump = dump_database(registry_db.superuser_dsn, registry_db.name, tmp_path)
    assert (dump.keys, dump.aggregates, dump.migrations["registry/0001_registry.sql"][:1] != "") == ({"k": 1}, 0, True)
    with postgres_server.empty("registry") as other:
        into = await asyncpg.connect(other.superuser_dsn)
        restore_database(other.superuser_dsn, other.name, tmp_path / dump.file)
        assert await into.fetchval("SELECT count(*) FROM owner_key") == 1
        await owner.execute("TRUNCATE owner_key")
        with pytest.raises(ProgramError, match="already exists"):
            restore_database(registry_db.superuser_dsn, registry_db.name, tmp_path / dump.file)
        assert await owner.fetchval("SELECT count(*) FROM owner_key") == 0
        await into.close()
    await owner.close()


def test_a_stack_that_has_another_key_than_is_given_would_read_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(tmp_path / "home", environment={})
    stack.home.prepare()
    given = b64encode(bytes(32)).decode()
    monkeypatch.setenv("KEY_ENCRYPTION_KEY", given)
    assert list(_other_keys(stack)) == []
    stack.home.key_encryption_key()
    [reason] = _other_keys(stack)
    assert "has another registry.key_encryption_key already" in reason
    monkeypatch.setenv("KEY_ENCRYPTION_KEY", stack.home.key_encryption_key())
    assert list(_other_keys(stack)) == []


def as_in_compose(name: str, stack: Stack, folder: Path) -> dict[str, str]:
    """Return the environment of a container of the compose file, with the servers of this run and secrets in a folder."""
    operator = stack.credentials("operator")
    secrets = {
        "kafka_operator_password": operator.password,
        "superuser_dsn": stack.servers.superuser_dsn(),
        "key_encryption_key": stack.home.key_encryption_key(),
        "webhook_key": stack.home.webhook_key(),
    }
    for secret, value in secrets.items():
        (folder / secret).write_text(value, encoding="utf-8")
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"][name]
    told = {
        variable: str(value).replace("/run/secrets", str(folder)) for variable, value in service["environment"].items()
    }
    here = {"KAFKA_BOOTSTRAP": operator.bootstrap, "KAFKA_SECURITY_PROTOCOL": operator.security_protocol}
    return told | here | {"NAIKKELAS_HOME": str(folder / "home")}


def test_the_containers_of_the_compose_file_make_a_backup_and_know_whether_it_fits(
    migrated_stack: Stack, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"

    def run(name: str, *words: str) -> tuple[int, Any]:
        given = as_in_compose(name, migrated_stack, tmp_path)
        done = naikkelas_here(name, str(backup), *words, "--json", home=given["NAIKKELAS_HOME"], given=given)
        return done.returncode, json.loads(done.stdout)

    code, told = run("backup")
    assert (code, set(told["databases"])) == (0, set(SERVICES))
    assert read_manifest((backup / NAME).read_text(encoding="utf-8")).databases
    code, told = run("restore", "--dry-run")  # into the same databases: nothing but that is in the way
    assert code == 1
    assert "is not empty" in told["error"]
    assert not any(word in told["error"] for word in ("superuser", "Logins", "KEY", "does not answer"))
