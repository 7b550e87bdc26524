"""``naikkelas doctor``: what it judges, and what it sees of real servers."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from ops.cli.lag import GroupLag
from ops.doctor.broker_rules import judge_kafka, release_of
from ops.doctor.database_rules import WRAPPING, judge_database, judge_keys, judge_server
from ops.doctor.finding import Finding, Level, worst
from ops.doctor.kafka import KafkaSeen, TopicSeen, look_at_kafka
from ops.doctor.local import Disk, Ending, ProcessSeen, look_at_addresses, look_at_issuer
from ops.doctor.local_rules import judge_disk, judge_endings, judge_issuer, judge_processes
from ops.doctor.postgresql import (
    DatabaseSeen,
    ServerSeen,
    Transaction,
    Unreachable,
    WrappedKey,
    look_at_database,
    look_at_server,
)
from ops.doctor.settings import judge_settings
from ops.kafka_admin.plan import Plan
from ops.kafka_admin.rights import Right
from ops.ledger import compare_ledgers, declared_ledger
from ops.stack import Stack
from shared.sealing import KeyRing
from shared.topology import TOPICS
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Database, Kafka, Postgres

KEY, OTHER_KEY = (KeyRing(b64encode(bytes([number]) * 32).decode()) for number in (1, 2))
BOTH_KEYS = KeyRing("\n".join(b64encode(bytes([number]) * 32).decode() for number in (2, 1)))
"""While a key is changed: the newer one first."""
DECLARED = {"shared/outbox/0001.sql": "a", "registry/0001.sql": "b", "registry/0002.sql": "c"}
SERVER = ServerSeen(
    180_001, "18.1", 0.001, 0.002, in_recovery=False, connections=3, most_connections=200, sees_all=True,
    switches=dict.fromkeys(("autovacuum", "fsync", "full_page_writes", "synchronous_commit"), "on"),
)  # fmt: skip
DATABASE = DatabaseSeen("registry", DECLARED, 9_000_000, 1_000, parked={}, backlog=(0, 0.0), keys=())
BROKER = KafkaSeen(3, {1: (4, 18)}, Plan(), topics=(TopicSeen("umkm.owner", 3, 3, 2),))
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ill(findings: list[Finding]) -> list[tuple[str, str]]:
    """Return level and text of what is not well; each such finding says why and what to do, in one sentence each."""
    found = [finding for finding in findings if finding.level is not Level.OK]
    for finding in found:
        for sentence in (finding.what, finding.why, finding.do):
            assert sentence.endswith("."), finding
    return [(str(finding.level), finding.what) for finding in found]


# -- what is judged --------------------------------------------------------------------------------------------------


def test_all_faults_of_settings_are_named_at_once_and_no_value_is_repeated(tmp_path: Path) -> None:
    given = {
        "KAFKA_BOOTSTRAP": "rahasia-1",
        "KAFKA_SECURITY_PROTOCOL": "rahasia-2",
        "POSTGRES_DSN": "rahasia-3",
        "KEY_ENCRYPTION_KEY": "rahasia-4",
        "WEBHOOK_KEY": "rahasia-6",
        "KAFKA_PASSWORD_FILE": str(tmp_path / "nowhere"),
        "KAFKA_PASSWORD": "rahasia-5",
    }
    told = " ".join(what for _, what in ill(judge_settings(given)))
    for name in given:
        assert name in told
    assert "rahasia" not in told


@pytest.mark.parametrize(
    "given",
    [{}, {"KAFKA_BOOTSTRAP": "a:9092,b:9092", "KAFKA_PASSWORD": "x", "POSTGRES_DSN": "postgresql://audit:x@db:5432/postgres"}],
    ids=["embedded", "given"],
)  # fmt: skip
def test_settings_that_fit_are_fine(given: dict[str, str]) -> None:
    assert ill(judge_settings(given)) == []


def test_a_broker_without_password_and_a_password_without_broker_are_named() -> None:
    assert "KAFKA_PASSWORD is not set" in ill(judge_settings({"KAFKA_BOOTSTRAP": "a:9092"}))[0][1]
    assert "without KAFKA_BOOTSTRAP" in ill(judge_settings({"KAFKA_PASSWORD": "x"}))[0][1]


def test_a_server_that_is_well_asks_for_nothing() -> None:
    assert ill(judge_server(SERVER)) == []


@pytest.mark.parametrize(
    ("seen", "level", "part"),
    [
        (Unreachable("Connection refused"), "fail", "Connection refused"),
        (replace(SERVER, version_num=160_004, version="16.4"), "fail", "16.4, older than 17"),
        (replace(SERVER, ahead_seconds=-90.0), "fail", "behind the one here"),
        (replace(SERVER, ahead_seconds=5.0), "warn", "5.0 s before the one here"),
        (replace(SERVER, in_recovery=True), "fail", "a replica"),
        (replace(SERVER, switches={"fsync": "off"}), "fail", "fsync is off"),
        (replace(SERVER, connections=180), "warn", "180 of 200 connections"),
        (replace(SERVER, sees_all=False), "warn", "does not see the transactions"),
        (replace(SERVER, long=(Transaction(7, "registry", "ops", "idle in transaction", 600.0),)), "warn", "process 7"),
        (replace(SERVER, prepared=1), "warn", "1 prepared"),
    ],
)
def test_each_fault_of_the_server_is_named(seen: ServerSeen | Unreachable, level: str, part: str) -> None:
    [(found, what)] = ill(judge_server(seen))
    assert found == level
    assert part in what


def test_a_clock_that_may_be_right_by_the_time_of_the_way_is_not_blamed() -> None:
    assert ill(judge_server(replace(SERVER, ahead_seconds=5.0, unsure_seconds=4.0))) == []


@pytest.mark.parametrize(
    ("ran", "level", "part"),
    [
        (DECLARED, None, ""),
        (DECLARED | {"registry/0900.sql": "z"}, "fail", "A foreign schema version: registry/0900.sql"),
        (DECLARED | {"registry/0002.sql": "other"}, "fail", "registry/0002.sql ran with another text"),
        ({}, "fail", "3 migrations did not run"),
        (None, "warn", "may not read"),
    ],
)
def test_each_fault_of_a_schema_is_named(ran: dict[str, str] | None, level: str | None, part: str) -> None:
    found = ill(judge_database("registry", replace(DATABASE, ledger=ran), DECLARED))
    assert [item[0] for item in found] == ([] if level is None else [level])
    assert all(part in what for _, what in found)


@pytest.mark.parametrize(
    ("seen", "level", "part"),
    [
        (Unreachable("no such database"), "fail", "no such database"),
        (replace(DATABASE, parked={"gap": 2}), "warn", "2 events are parked (2 gap)"),
        (replace(DATABASE, parked={"gap": 2, "poison": 1}), "fail", "3 events are parked"),
        (replace(DATABASE, backlog=(5, 120.0)), "warn", "5 events that are not published, the oldest for 120 s"),
        (replace(DATABASE, backlog=(5, 4_000.0)), "fail", "the oldest for 4,000 s"),
        (replace(DATABASE, dead=("outbox",)), "warn", "dead than alive in outbox"),
        (replace(DATABASE, transactions=600_000_000), "warn", "600 million"),
        (replace(DATABASE, transactions=1_600_000_000), "fail", "1,600 million"),
    ],
)
def test_each_fault_of_a_database_is_named(seen: DatabaseSeen | Unreachable, level: str, part: str) -> None:
    [(found, what)] = ill(judge_database("registry", seen, DECLARED))
    assert found == level
    assert part in what


@pytest.mark.parametrize(
    ("service", "setting", "what"),
    [("registry", "KEY_ENCRYPTION_KEY", "all owners' keys"), ("partners", "WEBHOOK_KEY", "all secrets of webhooks")],
)
def test_a_key_that_does_not_open_what_is_stored_is_named_with_the_one_that_does(
    service: str, setting: str, what: str
) -> None:
    one = uuid4()
    seen = replace(DATABASE, service=service, keys=(WrappedKey(KEY.kek_id, 12, one, KEY.wrap(one, bytes(32))),))
    judge = partial(judge_database, service, seen, DECLARED)
    assert ill(judge(KEY)) == ill(judge(BOTH_KEYS)) == []
    [(level, told)] = ill(judge(OTHER_KEY))
    assert level == "fail"
    assert f"does not open {what}: 12 under {KEY.kek_id}" in told
    [none] = [finding for finding in judge(None) if finding.level is not Level.OK]
    assert none.level is Level.WARN
    assert f"Give {setting} or {setting}_FILE" in none.do


@pytest.mark.parametrize(
    ("versions", "release"),
    [
        ({1: (4, 18)}, "4.1 or newer"),
        ({1: (4, 17)}, "4.0"),
        ({1: (0, 17)}, None),
        ({}, None),
    ],
)
def test_the_release_of_a_broker_is_known_by_what_it_takes(
    versions: dict[int, tuple[int, int]], release: str | None
) -> None:
    assert release_of(versions) == release


@pytest.mark.parametrize(
    ("seen", "level", "part"),
    [
        (Unreachable("no broker"), "fail", "no broker"),
        (replace(BROKER, versions={1: (0, 16)}), "fail", "An older broker"),
        (replace(BROKER, versions={}), "warn", "does not tell its release"),
        (replace(BROKER, plan=None, unfit="It has more."), "fail", "It has more."),
        (replace(BROKER, plan=Plan(create=list(TOPICS[:1]))), "fail", "Topics are missing: umkm.owner."),
        (replace(BROKER, plan=Plan(grow=[("umkm.owner", 6)])), "warn", "fewer partitions than declared: umkm.owner."),
        (replace(BROKER, plan=Plan(users=["training"])), "fail", "Users are missing: training."),
        (replace(BROKER, plan=Plan(grant=[Right("events", "topic", "t", "literal", "read")])), "fail", "of events"),
        (replace(BROKER, plan=Plan(revoke=[Right("x", "topic", "t", "literal", "read")])), "warn", "1 rights are not"),
        (replace(BROKER, topics=(TopicSeen("t", 3, 1, 2),)), "fail", "Too few copies"),
        (replace(BROKER, topics=(TopicSeen("t", 3, 2, 2),)), "warn", "A copy is behind"),
        (replace(BROKER, topics=(TopicSeen("t", 3, 3, 3),)), "warn", "Every copy must be in sync"),
        (replace(BROKER, topics=(TopicSeen("t", 3, 3, 1),)), "warn", "min.insync.replicas is 1"),
        (replace(BROKER, topics=(TopicSeen("t", 1, 1, 1),)), "warn", "One copy only"),
        (replace(BROKER, groups=(GroupLag("events", "empty", "t", 3, 5),)), "fail", "Nobody reads as events"),
        (replace(BROKER, groups=(GroupLag("events", "absent", None, 0, 0),)), "warn", "0 events behind"),
        (replace(BROKER, groups=(GroupLag("events", "stable", "t", 0, 20_000),)), "warn", "20,000 events behind"),
    ],
)
def test_each_fault_of_kafka_is_named(seen: KafkaSeen | Unreachable, level: str, part: str) -> None:
    [(found, what)] = ill(judge_kafka(seen))
    assert found == level
    assert part in what


def test_kafka_that_is_well_asks_for_nothing_nor_does_a_single_broker() -> None:
    assert ill(judge_kafka(BROKER)) == []
    alone = replace(BROKER, brokers=1, topics=(TopicSeen("t", 1, 1, 1),))
    assert ill(judge_kafka(alone)) == []


def test_processes_that_are_not_well_are_named_with_their_cause() -> None:
    seen = [
        ProcessSeen("registry-api", "ready"),
        ProcessSeen("registry-relay", "dead", "its log is x"),
        ProcessSeen("events-worker", "not ready", "broker: away"),
        ProcessSeen("training-api", "ready", restarts=2),
        ProcessSeen("partners-api", "not started"),
    ]
    assert ill(judge_processes(seen)) == [
        ("fail", "registry-relay is dead (its log is x)."),
        ("fail", "events-worker is not ready (broker: away)."),
        ("warn", "training-api died 2 times and was started again."),
        ("warn", "Not started here: partners-api."),
    ]


@pytest.mark.parametrize(("free", "level"), [(500, "fail"), (5_000, "warn"), (50_000, "ok")])
def test_a_disk_is_judged_by_what_is_free(free: int, level: str) -> None:
    assert judge_disk(Disk("/data", free, 100_000)).level == level


def test_what_ends_is_told_of_before_it_ends() -> None:
    ends = [NOW - timedelta(1), NOW + timedelta(hours=1), NOW + timedelta(days=9), None]
    found = judge_endings([Ending("t", end) for end in ends], NOW, timedelta(days=1), "Why.", "Do.")
    assert [finding.level for finding in found] == ["fail", "warn", "ok", "fail"]


# -- what is seen of real servers ------------------------------------------------------------------------------------


async def test_a_migrated_database_is_well_and_one_of_another_release_is_not(registry_db: Database) -> None:
    declared, owner = declared_ledger("registry"), uuid4()
    # By the login that only looks: that is what an operator's container has.
    seen = await look_at_database(registry_db.audit_dsn, "registry")
    assert ill(judge_database("registry", seen, declared, KEY)) == [
        ("warn", "This login may not see how owners' keys are wrapped.")
    ]
    connection = await asyncpg.connect(registry_db.superuser_dsn)
    await connection.execute(
        "INSERT INTO owner_key (owner_id, kek_id, wrapped) VALUES ($1, $2, $3)", owner, KEY.kek_id, KEY.wrap(owner, bytes(32))
    )  # fmt: skip
    await connection.execute("INSERT INTO schema_migration VALUES ('registry', '9999_later.sql', 'x')")
    await connection.close()
    seen = await look_at_database(registry_db.superuser_dsn, "registry")
    assert isinstance(seen, DatabaseSeen)
    assert compare_ledgers(declared, seen.ledger or {}).foreign == ("registry/9999_later.sql",)
    kept = WRAPPING["registry"]
    assert [what for _, what in ill(judge_keys(kept, seen.keys or (), OTHER_KEY))] == [
        f"The key-encryption key {OTHER_KEY.kek_id} does not open all owners' keys: 1 under {KEY.kek_id}."
    ]
    assert ill(judge_keys(kept, seen.keys or (), KEY)) == []


async def test_a_webhook_key_that_does_not_open_what_is_stored_is_found(partners_db: Database) -> None:
    declared, old, new = declared_ledger("partners"), uuid4(), uuid4()
    seen = await look_at_database(partners_db.audit_dsn, "partners")
    assert ill(judge_database("partners", seen, declared, KEY)) == [
        ("warn", "This login may not see how secrets of webhooks are wrapped.")
    ]
    connection = await asyncpg.connect(partners_db.superuser_dsn)
    await connection.execute(
        "SET session_replication_role = replica"
    )  # the endpoints that they are of are not looked at
    for ring, secret in ((KEY, old), (OTHER_KEY, new)):
        row = (secret, uuid4(), ring.wrap(secret, bytes(32)), ring.kek_id)
        await connection.execute("INSERT INTO webhook_secret (id, webhook_id, wrapped, kek_id, created_at) VALUES ($1, $2, $3, $4, now())", *row)  # fmt: skip
    await connection.close()
    seen = await look_at_database(partners_db.superuser_dsn, "partners")
    assert ill(judge_database("partners", seen, declared, BOTH_KEYS)) == []
    assert ill(judge_database("partners", seen, declared, KEY)) == [
        ("fail", f"The webhook key {KEY.kek_id} does not open all secrets of webhooks: 1 under {OTHER_KEY.kek_id}.")
    ]


async def test_a_database_that_was_never_migrated_lacks_all(empty_db: Database) -> None:
    seen = await look_at_database(empty_db.superuser_dsn, "registry")
    [(level, what)] = ill(judge_database("registry", seen, declared_ledger("registry")))
    assert level == "fail"
    assert f"{len(declared_ledger('registry'))} migrations did not run" in what


async def test_the_server_is_seen_with_a_transaction_that_somebody_forgot(
    postgres_server: Postgres, registry_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.doctor.postgresql.TRANSACTION_SECONDS", 0.0)
    forgotten = await asyncpg.connect(registry_db.dsn)
    await forgotten.execute("BEGIN; SELECT 1")
    pid = await forgotten.fetchval("SELECT pg_backend_pid()")
    seen = await look_at_server(postgres_server.superuser_dsn, "registry")
    await forgotten.close()
    assert isinstance(seen, ServerSeen)
    assert abs(seen.ahead_seconds) <= seen.unsure_seconds + 0.5
    assert pid in {one.pid for one in seen.long}
    assert ill(judge_server(replace(seen, long=()))) == []


async def test_a_wrong_password_is_told_without_repeating_it(postgres_server: Postgres) -> None:
    seen = await look_at_server(postgres_server.superuser_dsn.replace("postgres:", "postgres:salah-", 1), "registry")
    assert isinstance(seen, Unreachable)
    assert "password" in seen.cause
    assert "salah" not in seen.cause


def test_the_brokers_are_seen_with_topics_and_rights_as_declared(kafka: Kafka) -> None:
    seen = look_at_kafka(kafka.credentials())
    assert isinstance(seen, KafkaSeen)
    assert release_of(seen.versions) == "4.1 or newer"
    assert {what for _, what in ill(judge_kafka(replace(seen, groups=())))} == set()


def test_a_wrong_password_for_kafka_is_told_as_such(kafka: Kafka) -> None:
    seen = look_at_kafka(replace(kafka.credentials(), password="salah"), patience=5.0)
    assert isinstance(seen, Unreachable)
    assert "uthentication" in seen.cause


def test_who_is_asked_by_address_and_does_not_answer_is_dead(tmp_path: Path) -> None:
    [seen] = look_at_addresses(["http://127.0.0.1:9"])
    assert seen.state == "dead"
    assert judge_issuer(look_at_issuer(str(tmp_path / "no.json"))).level is Level.FAIL


def test_wrong_settings_end_with_78_before_anything_is_asked(tmp_path: Path) -> None:
    given = {"KAFKA_BOOTSTRAP": "nowhere", "POSTGRES_DSN_FILE": str(tmp_path / "none")}
    done = naikkelas_here("doctor", "--json", home=tmp_path, given=given)
    assert done.returncode == 78, done.stderr
    told = json.loads(done.stdout)
    assert (told["ok"], told["worst"], len(told["findings"])) == (False, "fail", 3)


def test_who_may_only_look_is_told_what_cannot_be_seen(server_stack: Stack, tmp_path: Path) -> None:
    """As in the operator's container: given servers, the login of the audit, no folder and no key."""
    operator = server_stack.credentials("operator")
    given = {
        "KAFKA_BOOTSTRAP": operator.bootstrap,
        "KAFKA_PASSWORD": operator.password,
        "POSTGRES_DSN": server_stack.dsn("registry", "audit"),
    }
    done = naikkelas_here("doctor", "--json", home=tmp_path / "none", given=given)
    told = {finding["what"]: finding["level"] for finding in json.loads(done.stdout)["findings"]}
    assert told["This login does not see the transactions of others."] == "warn"
    assert told["Topics, users and rights are as declared."] == "ok"
    assert not any("processes" in what or "MB are free" in what for what in told)
    assert not (tmp_path / "none").exists()


def test_the_worst_of_nothing_is_that_all_is_well() -> None:
    assert worst([]) is Level.OK
