"""``naikkelas parked`` and ``naikkelas trail`` on real databases: deeds once, refusals in one sentence, tampering found."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from errno import EBUSY, ENOSPC, EROFS
from pathlib import Path
from time import sleep
from typing import Any

import asyncpg
import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from ops.audit.report import Finding, Report
from ops.cli.audit import keep_run
from ops.cli.noting import noted
from ops.cli.trail import _keep_heads
from ops.kafka_admin import plan
from ops.kafka_admin.plan import make_plan
from ops.ledger import migrations_of
from ops.stack import Stack
from ops.stack.databases import in_database
from shared.database import Migrations, connected
from shared.topology import DECLARED_TOPICS, IMPORT_TOPIC, PRINCIPALS
from shared.trail import Deed
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Database, Kafka

PARKED = """
INSERT INTO parked_event (consumer, topic, partition, "offset", kind, reason, headers)
SELECT 'training', 'uji.trail', 0, n, 'unreadable', 'no address', '[]' FROM generate_series(1, 3) AS n RETURNING id
"""
EMPTY = ("DELETE FROM trail", "UPDATE trail_head SET number = 0, digest = decode(repeat('00', 32), 'hex')")
"""What leaves a trail as it was made."""


def by_superuser(stack: Stack, *statements: str) -> list[Any]:
    """Run statements in the database of the trainings, around whatever is in their way; return the rows of the last."""

    async def run() -> list[Any]:
        async with connected(in_database(stack.servers.superuser_dsn(), "training")) as connection:
            await connection.execute("SET session_replication_role = replica")
            return [await connection.fetch(statement) for statement in statements][-1]

    return asyncio.run(run())


def test_deeds_by_the_command_stand_in_the_trail_and_tampering_is_found(
    migrated_stack: Stack, given_servers: dict[str, str], tmp_path: Path
) -> None:
    by_superuser(migrated_stack, *EMPTY)  # other tests leave deeds too

    def ask(*words: str) -> tuple[int, Any]:
        done = naikkelas_here(*words, "--json", home=migrated_stack.home.path, given=given_servers)
        return done.returncode, json.loads(done.stdout)

    why = ("--reason", "sudah diperbaiki", "--by", "rina")
    first, second, third = (str(row[0]) for row in by_superuser(migrated_stack, PARKED))
    assert ask("parked", "show", "training", first)[1]["content"]["readable"] is False
    assert ask("parked", "discard", "training", first, *why)[0] == 2
    assert ask("parked", "redrive", "training", first, "--reason", "x")[0] == 2
    assert ask("parked", "discard", "training", first, "--yes", *why) == (0, {"discarded": int(first)})
    code, refused = ask("parked", "redrive", "training", first, *why)
    assert (code, "sudah dibuang oleh rina" in refused["error"]) == (1, True)
    assert ask("parked", "redrive", "training", second, *why) == (0, {"requested": 1})
    assert ask("parked", "redrive", "training", *why) == (0, {"requested": 1})
    assert ask("parked", "redrive", "training", *why)[0] == 1
    trail = [row for row in ask("trail", "list")[1] if row["service"] == "training"]
    assert [(row["deed"], row["object"], row["actor"], row["way"]) for row in trail] == [
        ("redrive", "parked", "rina", "cli"),
        ("redrive", f"parked/{second}", "rina", "cli"),
        ("discard", f"parked/{first}", "rina", "cli"),
    ]
    heads = ("--heads", str(tmp_path / "heads.json"))
    code, told = ask("trail", "verify", *heads)
    assert (code, told["ok"], told["services"]["training"]["deeds"]) == (0, True, 3)
    by_superuser(migrated_stack, "UPDATE trail SET reason = 'lain' WHERE number = 2")
    code, told = ask("trail", "verify", *heads)
    assert (code, [fault["number"] for fault in told["services"]["training"]["faults"]]) == (1, [2])
    by_superuser(
        migrated_stack,
        *EMPTY,
        f"DELETE FROM parked_event WHERE id IN ({second}, {third})",
    )
    assert ask("trail", "verify")[0] == 0
    code, told = ask("trail", "verify", *heads)
    assert (code, [fault["kind"] for fault in told["services"]["training"]["faults"]]) == (1, ["known"])
    assert json.loads((tmp_path / "heads.json").read_text())["training"]["number"] == 3


def test_heads_that_cannot_be_kept_are_no_fault_of_the_trail_and_a_file_without_any_is_told(
    migrated_stack: Stack, given_servers: dict[str, str], tmp_path: Path
) -> None:
    by_superuser(migrated_stack, *EMPTY)

    def verify_with(heads: Path) -> tuple[int, Any, str]:
        words = ("trail", "verify", "--heads", str(heads))
        done = [
            naikkelas_here(*words, *more, home=migrated_stack.home.path, given=given_servers)
            for more in ((), ("--json",))
        ]
        assert done[0].returncode == done[1].returncode
        return done[0].returncode, json.loads(done[1].stdout), done[0].stderr

    code, told, said = verify_with(tmp_path / "no-such-folder" / "heads.json")
    assert (code, told["ok"], told["compared"], "cannot be written" in told["error"]) == (2, True, [], True)
    assert "held no earlier heads" in said
    assert "cannot be written" in said
    heads = tmp_path / "heads.json"
    naikkelas_here("trail", "verify", "--heads", str(heads), home=migrated_stack.home.path, given=given_servers)
    code, told, said = verify_with(heads)
    assert (code, said, sorted(told["services"]) == told["compared"]) == (0, "", True)
    assert [path.name for path in tmp_path.iterdir()] == ["heads.json"]


@pytest.mark.parametrize(("number", "kept"), [(EBUSY, True), (EROFS, True), (ENOSPC, False)])
def test_heads_in_a_file_that_is_mounted_by_itself_are_kept_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kept: bool
) -> None:
    def refuse(_: Path, __: Path) -> None:
        raise OSError(number, os.strerror(number))

    heads = tmp_path / "heads.json"
    heads.write_text("{}")
    monkeypatch.setattr(Path, "replace", refuse)
    why = _keep_heads(heads, {"training": {"number": 3}})
    assert (why is None, json.loads(heads.read_text())) == (kept, {"training": {"number": 3}} if kept else {})
    assert [path.name for path in tmp_path.iterdir()] == ["heads.json"]


def test_what_the_command_changes_stands_in_the_trail_and_what_changes_nothing_does_not(
    kafka: Kafka, migrated_stack: Stack, given_servers: dict[str, str]
) -> None:
    def ask(*words: str) -> Any:
        done = naikkelas_here(*words, "--json", home=migrated_stack.home.path, given=given_servers)
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)

    def told() -> list[dict[str, Any]]:
        rows = [row for row in ask("trail", "list", "--limit", "1000") if row["service"] == "registry"]
        return sorted(rows, key=lambda row: row["number"])

    ask("topics", "apply")  # whatever somebody has left
    before = len(told())
    ask("topics", "apply", "--by", "rina")
    ask("migrate", "registry", "--by", "rina")
    assert len(told()) == before  # all was as declared already
    spoil(kafka)
    assert ask("topics", "apply", "--by", "rina")["configure"] == {IMPORT_TOPIC: {"retention.ms": "-1"}}
    [row] = told()[before:]
    assert (row["deed"], row["object"], row["actor"], row["way"]) == ("apply_topics", "topics", "rina", "cli")
    assert row["details"] == {"changes": [f"set retention.ms=-1 on {IMPORT_TOPIC}"]}


def test_topics_that_were_applied_without_an_answer_are_told_as_not_known_to_be_done(
    kafka: Kafka, migrated_stack: Stack, given_servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*words: str) -> tuple[int, Any]:
        done = naikkelas_here(*words, "--json", home=migrated_stack.home.path, given=given_servers)
        return done.returncode, json.loads(done.stdout)

    def impatient(*order: Any) -> None:
        with monkeypatch.context() as hurry:
            hurry.setattr(plan, "ANSWER_SECONDS", 0.0)
            plan.apply_plan(*order)

    spoil(kafka)
    try:
        with monkeypatch.context() as hurry:
            hurry.setattr("ops.cli.topics.apply_plan", impatient)
            code, told = ask("topics", "apply", "--by", "rina")
        assert (code, "not known to be done, or only in part (no answer in time)" in told["error"]) == (1, True), told
        rows = [row for row in ask("trail", "list", "--limit", "1000")[1] if row["service"] == "registry"]
        newest = sorted(rows, key=lambda row: row["number"])[-2:]
        assert [row["deed"] for row in newest] == ["apply_topics", "apply_topics_failed"]
    finally:
        assert ask("topics", "apply")[0] == 0


def spoil(kafka: Kafka) -> None:
    """Set what is not as declared, and wait until the broker goes by it."""
    wrong = ConfigResource(ConfigResource.Type.TOPIC, IMPORT_TOPIC, incremental_configs=[
        ConfigEntry("retention.ms", "1000000000", incremental_operation=AlterConfigOpType.SET)
    ])  # fmt: skip
    kafka.admin.incremental_alter_configs([wrong])[wrong].result(15)
    while not ask_plan(kafka):
        sleep(0.1)


def ask_plan(kafka: Kafka) -> bool:
    """Tell whether the broker goes by another retention of the imports' topic already."""
    return not make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS).empty


def test_a_deed_that_failed_after_it_was_told_is_told_as_such(migrated_stack: Stack) -> None:
    deed = Deed("rina", "cli", "reset", "consumer/training", "coba saja", {})
    with pytest.raises(KeyboardInterrupt), noted(migrated_stack, "training", deed, as_json=False):
        raise KeyboardInterrupt
    newest = by_superuser(migrated_stack, "SELECT deed, object FROM trail ORDER BY number DESC LIMIT 2")
    assert [tuple(row) for row in newest] == [("reset_failed", "consumer/training"), ("reset", "consumer/training")]


FIRST, SECOND = "0001_ada.sql", "0002_gagal.sql"


@pytest.fixture
def failing(migrated_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service whose second migration of two fails."""
    service = "training"
    migrated_stack.migrate(service)
    (tmp_path / FIRST).write_text("CREATE TABLE uji_migrasi ();")
    (tmp_path / SECOND).write_text("SELECT 1 / 0;")

    def declared(name: str) -> list[Migrations]:
        return [*migrations_of(name), Migrations("uji", tmp_path)]

    for module in ("ops.ledger", "ops.stack.stack"):
        monkeypatch.setattr(f"{module}.migrations_of", declared)
    yield service
    by_superuser(migrated_stack, "DROP TABLE uji_migrasi", "DELETE FROM schema_migration WHERE component = 'uji'")


def test_what_ran_before_a_migration_that_failed_stands_in_the_trail(
    migrated_stack: Stack, given_servers: dict[str, str], failing: str
) -> None:
    newest = "SELECT deed, object, actor, details::text FROM trail ORDER BY number DESC LIMIT 1"
    done = naikkelas_here("migrate", failing, "--by", "rina", home=migrated_stack.home.path, given=given_servers)
    assert (done.returncode, "could not be brought up to date: division by zero" in done.stderr) == (1, True), done
    [row] = by_superuser(migrated_stack, newest)
    assert tuple(row)[:3] == ("migrate", f"schema/{failing}", "rina")
    assert json.loads(row["details"]) == {"ran": [f"uji/{FIRST}"]}
    [count] = by_superuser(migrated_stack, "SELECT count(*) FROM trail")
    again = naikkelas_here("migrate", failing, home=migrated_stack.home.path, given=given_servers)
    assert (again.returncode, by_superuser(migrated_stack, "SELECT count(*) FROM trail")) == (1, [count])  # nothing ran


def test_an_audit_keeps_what_it_came_to_and_who_ran_it(projections_db: Database) -> None:
    report = Report(events=7, aggregates=3, seconds=1.5)
    keep_run(projections_db.audit_dsn, "rina", report)
    report.add(Finding("lost", "umkm.business", None, 1, 0, "x"))
    keep_run(projections_db.audit_dsn, "sari", report)
    keep_run(projections_db.audit_dsn, "sari", Report(events=5, left_out=["registry: x", "events: y"]))

    async def kept() -> list[Any]:
        async with connected(projections_db.dsn) as connection:
            rows = await connection.fetch(
                "SELECT actor, ok, events, findings::text, left_out FROM audit_run ORDER BY id"
            )
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("SELECT audit.keep_run('x', true, 1, 1, 1, '{}', '')")
            return [tuple(row) for row in rows]

    assert asyncio.run(kept()) == [
        ("rina", True, 7, "{}", ""),
        ("sari", False, 7, '{"lost": 1}', ""),
        ("sari", True, 5, "{}", "registry: x; events: y"),
    ]
