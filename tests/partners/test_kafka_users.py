"""What an agency's user may do on the broker, and what not: clients nobody here wrote, kcat and librdkafka; and rotation without loss."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DescribeClientQuotasRequest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
)

from ops.demo.examples import newer_librdkafka
from ops.kafka_admin.agencies import Access, AgencyUserError, create_user, revoke_users, rotate_user
from ops.kafka_admin.client import client_config
from ops.kafka_admin.plan import apply_plan, change_rights, make_plan, present_rights
from ops.kafka_admin.quotas import LIMITS
from ops.kafka_admin.rights import Right, agency_rights, is_agency_code, is_agency_right, own_right, public_right
from ops.stack import Stack
from ops.stack.databases import AUDIT
from ops.stack.services import ROOT
from shared.topology import DECLARED_TOPICS, PRINCIPALS, PUBLIC_TOPICS, Topic
from tests.partners.agency_topics import an_agency, parsed, poll, reader_of, settings_of, writer_of, writing
from tests.partners.bureau import Bureau
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Kafka

TIMEOUT = 15.0
WRONG = {"password": "bukan-kata-sandinya"}


def kcat(kafka: Kafka, access: Access, folder: Path, *words: str, given: str = "", **changes: str) -> str:
    """Run kcat as an agency; return what it says on standard error, empty if it did what was asked."""
    config = replace(settings_of(kafka, access), **changes)
    options = {
        "bootstrap.servers": config.bootstrap,
        "security.protocol": config.security_protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": config.username,
        "sasl.password": config.password,
        "message.timeout.ms": "8000",
    }
    file = folder / f"kcat-{uuid4().hex[:8]}.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
    library = folder / f"lib-{uuid4().hex[:8]}"
    library.mkdir()
    env = os.environ | newer_librdkafka(library)
    done = subprocess.run(
        ["kcat", "-F", str(file), *words], input=given, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("topic", PUBLIC_TOPICS, ids=lambda topic: topic.name)
def test_kcat_reads_what_is_public_without_an_agreement(kafka: Kafka, tmp_path: Path, topic: Topic) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs kcat")
    with an_agency(kafka) as (_, access):
        assert kcat(kafka, access, tmp_path, "-C", "-e", "-t", topic.name) == ""


@pytest.mark.parametrize("inner", ["umkm.business", "umkm.owner", "umkm.agreement", "umkm.certificate"])
@pytest.mark.security(line="S4")
def test_kcat_is_refused_the_inner_topics(kafka: Kafka, tmp_path: Path, inner: str) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs kcat")
    with an_agency(kafka) as (_, access):
        assert kcat(kafka, access, tmp_path, "-C", "-e", "-t", access.topic) == ""
        said = kcat(kafka, access, tmp_path, "-C", "-e", "-t", inner)
        assert "uthorization failed" in said, said


@pytest.mark.security(line="S4")
def test_kcat_is_refused_what_is_not_the_agencys(kafka: Kafka, tmp_path: Path) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs kcat")
    with an_agency(kafka) as (_, access), an_agency(kafka) as (_, other):
        ask = partial(partial, kcat, kafka, access, tmp_path)
        own, another = access.topic, other.topic
        asked = {
            "another's topic": ask("-C", "-e", "-t", another),
            "another's group": ask("-G", f"{other.group_prefix}pembaca", "-e", own),
            "a group without prefix": ask("-G", "pembaca", "-e", own),
            "a service's group": ask("-G", "partners", "-e", own),
            "writing to its own": ask("-P", "-t", own, given="x\n"),
            "writing to an inner one": ask("-P", "-t", "umkm.business", given="x\n"),
            "writing to a public one": ask("-P", "-t", "umkm.public.course", given="x\n"),
            "a public one in another's group": ask("-G", f"{other.group_prefix}pembaca", "-e", "umkm.public.course"),
            "another's password": ask("-C", "-e", "-t", own, password=other.password),
            "a wrong password": ask("-C", "-e", "-t", own, **WRONG),
            "no such user": ask("-C", "-e", "-t", own, username="agency-tidak-ada-a"),
        }
        with ThreadPoolExecutor(len(asked)) as pool:
            refused = {
                what: done.result() for what, done in {what: pool.submit(it) for what, it in asked.items()}.items()
            }
        words = ("uthorization failed", "uthentication fail")
        assert {what: any(word in said for word in words) for what, said in refused.items()} == dict.fromkeys(
            refused, True
        ), refused


def code_of(work: Callable[[], Any]) -> str:
    """Return the name of the error that librdkafka raises, or nothing."""
    try:
        work()
    except KafkaException as error:
        found: KafkaError = error.args[0]
        return str(found.name())
    return ""


def produced(config: dict[str, Any], topic: str) -> str:
    """Return what became of a record that somebody writes; empty: it is in."""
    told: list[str] = []

    def heard(error: KafkaError | None, _message: Message) -> None:
        told.append("" if error is None else error.name())

    producer = Producer(config | {"message.timeout.ms": 8_000})
    producer.produce(topic, b"x", on_delivery=heard)
    producer.flush(TIMEOUT)
    return told[0] if told else "nothing was heard"


def joined(config: dict[str, Any], group: str, topic: str) -> str:
    """Return the name of the error with which somebody who joins a group is refused; empty: it got partitions."""
    consumer, deadline = Consumer(config | {"group.id": group}), monotonic() + TIMEOUT
    consumer.subscribe([topic])
    try:
        while monotonic() < deadline and not consumer.assignment():
            message = consumer.poll(0.1)
            if message is not None and (error := message.error()) is not None:
                return str(error.name())
        return "" if consumer.assignment() else "neither refused nor let in"
    finally:
        consumer.close()


@pytest.mark.security(line="S4")
def test_librdkafka_is_refused_everything_else_by_name(kafka: Kafka) -> None:
    with an_agency(kafka) as (code, access), an_agency(kafka) as (_, other):
        config = client_config(settings_of(kafka, access))
        admin = AdminClient(config)

        topic = NewTopic(f"umkm.agency.{code}-2", num_partitions=1)
        right = Right(access.user, "topic", other.topic, "literal", "read").binding()
        gone = UserScramCredentialDeletion(other.user, ScramMechanism.SCRAM_SHA_512)
        outlets = "umkm.public.outlet"
        found = {
            "own group": joined(config, f"{code}.a", access.topic),
            "another's group": joined(config, f"{other.group_prefix}a", access.topic),
            "group without dot": joined(config, code, access.topic),
            "write its own": produced(config, access.topic),
            "write another's": produced(config, other.topic),
            "write an inner one": produced(config, "umkm.business"),
            "read a public one": joined(config, f"{code}.b", "umkm.public.course"),
            "a public one in another's group": joined(config, f"{other.group_prefix}b", "umkm.public.course"),
            "write a public one": produced(config, "umkm.public.course"),
            "delete a public one": code_of(lambda: admin.delete_topics([outlets])[outlets].result(TIMEOUT)),
            "create": code_of(lambda: admin.create_topics([topic])[topic.topic].result(TIMEOUT)),
            "delete": code_of(lambda: admin.delete_topics([access.topic])[access.topic].result(TIMEOUT)),
            "grant": code_of(lambda: admin.create_acls([right])[right].result(TIMEOUT)),
            "take a user": code_of(lambda: admin.alter_user_scram_credentials([gone])[other.user].result(TIMEOUT)),
        }
        assert found == {
            "own group": "",
            "another's group": "GROUP_AUTHORIZATION_FAILED",
            "group without dot": "GROUP_AUTHORIZATION_FAILED",
            "write its own": "TOPIC_AUTHORIZATION_FAILED",
            "write another's": "TOPIC_AUTHORIZATION_FAILED",
            "write an inner one": "TOPIC_AUTHORIZATION_FAILED",
            "read a public one": "",
            "a public one in another's group": "GROUP_AUTHORIZATION_FAILED",
            "write a public one": "TOPIC_AUTHORIZATION_FAILED",
            "delete a public one": "TOPIC_AUTHORIZATION_FAILED",
            "create": "TOPIC_AUTHORIZATION_FAILED",
            "delete": "TOPIC_AUTHORIZATION_FAILED",
            "grant": "CLUSTER_AUTHORIZATION_FAILED",
            "take a user": "CLUSTER_AUTHORIZATION_FAILED",
        }
        assert admin.describe_acls(every_acl()).result(TIMEOUT) == []  # librdkafka's client keeps the refusal to itself
        public = {topic.name for topic in PUBLIC_TOPICS}
        seen = {name for name in admin.list_topics(timeout=TIMEOUT).topics if not name.startswith("umkm.public.")}
        assert seen == {access.topic}
        assert public <= set(admin.list_topics(timeout=TIMEOUT).topics)


def every_acl() -> Any:
    """Return the filter that finds all rights."""
    return AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )


def rights_on_broker(kafka: Kafka, user: str) -> set[Right]:
    """Return what the broker lets a user do."""
    rights, foreign = present_rights(kafka.admin)
    assert foreign == []
    return {right for right in rights if right.principal == user}


@pytest.mark.security(line="S4")
def test_a_user_has_exactly_four_rights_and_applying_the_topology_leaves_them(kafka: Kafka) -> None:
    with an_agency(kafka) as (code, access):
        exact = agency_rights(code, access.user)
        assert rights_on_broker(kafka, access.user) == exact
        assert len(exact) == 4
        surplus = Right(access.user, "topic", "umkm.business", "literal", "read")
        change_rights(kafka.admin, [surplus.binding()], [])
        plan = make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS)
        assert plan.revoke == [surplus]
        apply_plan(kafka.admin, plan, lambda name: kafka.credentials(name).password)
        assert rights_on_broker(kafka, access.user) == exact
        assert make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS).empty


def test_applying_gives_a_user_of_before_what_is_public_and_none_that_is_being_taken_away(kafka: Kafka) -> None:
    with an_agency(kafka) as (code, access), an_agency(kafka) as (leaving, half_gone):
        public = public_right(access.user)
        own = own_right(leaving, half_gone.user)
        change_rights(kafka.admin, [], [right.binding() for right in (public, public_right(half_gone.user), own)])
        plan = make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS)
        assert (plan.grant, plan.revoke, plan.create) == ([public], [], [])
        apply_plan(kafka.admin, plan, lambda name: kafka.credentials(name).password)
        assert rights_on_broker(kafka, access.user) == agency_rights(code, access.user)
        assert rights_on_broker(kafka, half_gone.user) == agency_rights(leaving, half_gone.user) - {
            own,
            public_right(half_gone.user),
        }


def test_only_the_exact_rights_of_an_agency_are_an_agencys() -> None:
    user = "agency-dinas-x-a"
    assert all(is_agency_right(right) for right in agency_rights("dinas-x", user))
    wrong = [
        Right(user, "topic", "umkm.agency.dinas", "literal", "read"),
        Right(user, "topic", "umkm.agency.dinas-x", "prefixed", "read"),
        Right(user, "topic", "umkm.agency.dinas-x", "literal", "write"),
        Right(user, "group", "dinas-x", "prefixed", "read"),
        Right("agency-dinas-x", "topic", "umkm.agency.dinas-x", "literal", "read"),
        Right("training", "topic", "umkm.agency.dinas-x", "literal", "read"),
    ]
    assert not any(is_agency_right(right) for right in wrong)
    assert is_agency_code("dpmptsp")
    assert not any(map(is_agency_code, ["training", "partners-2", "Dinas", "a.b", "x", "dinas_umkm", "../x", ""]))


@pytest.mark.security(line="S3")
async def test_a_password_is_rotated_under_load_without_loss_and_the_old_one_is_dead(
    bureau: Bureau, kafka: Kafka
) -> None:
    rounds, count = 12, 10
    with an_agency(kafka) as (code, access):
        await bureau.agree(agency=code, ways=["kafka"])
        subjects = await bureau.businesses(count)
        read: list[Message] = []

        async def speak(times: int) -> None:
            for _ in range(times):
                await bureau.hear(*(bureau.story.verified(subject) for subject in subjects))

        def follow(consumer: Consumer, wanted: int) -> None:
            """Read and commit until so many events are there: as an agency's program does."""
            while len(read) < wanted:
                if found := poll(consumer, 5, 1.0):
                    read.extend(found)
                    consumer.commit(asynchronous=False)

        async with writing(writer_of(kafka, bureau.pool)), asyncio.timeout(90):
            speaking = asyncio.create_task(speak(rounds))
            old = reader_of(kafka, access)
            await asyncio.to_thread(follow, old, 3 * count)
            fresh = await asyncio.to_thread(rotate_user, kafka.admin, code)
            with pytest.raises(AgencyUserError, match="revoke the one"):
                rotate_user(kafka.admin, code)
            await asyncio.to_thread(follow, old, 5 * count)  # both are let in
            await asyncio.to_thread(old.close)
            new = reader_of(kafka, fresh)
            await asyncio.to_thread(follow, new, 6 * count)
            open_still = reader_of(kafka, access, "lama")
            assert await asyncio.to_thread(poll, open_still, 1)
            assert revoke_users(kafka.admin, code, access.user) == [access.user]
            await asyncio.to_thread(follow, new, count * (rounds + 1))
            await speaking
            await asyncio.to_thread(new.close)
        events = parsed(read)
        assert len(events) == len({event.get_id() for event in events}) == count * (rounds + 1)
        assert fresh.user != access.user
        assert fresh.password != access.password
        await asyncio.to_thread(refused_now, kafka, open_still, access)
        assert rights_on_broker(kafka, access.user) == set()


def refused_now(kafka: Kafka, open_still: Consumer, old: Access) -> None:
    """Check that a revoked user reads nothing more by a connection that is open, and opens none."""
    told: set[str] = set()
    deadline = monotonic() + 30.0
    while monotonic() < deadline:
        message = open_still.poll(0.1)  # first what it had fetched before
        if message is not None and (error := message.error()) is not None:
            told.add(error.name())
        if told & {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}:
            break
    open_still.close()
    assert told & {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}, told
    admin = AdminClient(client_config(settings_of(kafka, old)))
    assert code_of(lambda: admin.list_topics(timeout=5.0)) != ""


async def limits_of(kafka: Kafka, user: str) -> dict[str, float]:
    """Return what the broker limits a user to."""
    admin = AIOKafkaAdminClient(**kafka.credentials().client())
    await admin.start()
    try:
        asked = DescribeClientQuotasRequest(components=[("user", 0, user)], strict=True)
        answer = await admin._send_request(asked)
        return {key: value for entry in answer.entries or [] for key, value in entry[1]}
    finally:
        await admin.close()


def naikkelas(stack: Stack, given: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``naikkelas agency``."""
    env = os.environ | {"NAIKKELAS_HOME": str(stack.home.path), "PYTHONPATH": str(ROOT), **given}
    command = [sys.executable, "-m", "ops", "agency", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=90)


def test_the_command_makes_rotates_lists_and_revokes(
    migrated_stack: Stack, given_servers: dict[str, str], kafka: Kafka
) -> None:
    ask, code = partial(naikkelas, migrated_stack, given_servers), f"perintah-{uuid4().hex[:8]}"
    would = {"would_make": f"agency-{code}-a", "topic": f"umkm.agency.{code}"}
    assert json.loads(ask("create-user", code, "--dry-run", "--json").stdout) == would
    made = json.loads(ask("create-user", code, "--json").stdout)
    assert (made["user"], made["topic"]) == (f"agency-{code}-a", f"umkm.agency.{code}")
    assert made["kcat"]["sasl.password"]
    assert asyncio.run(limits_of(kafka, made["user"])) == LIMITS
    again = ask("create-user", code, "--json")
    assert (again.returncode, "rotate" in json.loads(again.stdout)["error"]) == (1, True)
    assert f"agency-{code}-b would be made" in ask("rotate", code, "--dry-run").stdout
    by_audit = given_servers | {"POSTGRES_DSN": migrated_stack.dsn("partners", AUDIT)}  # as the container `ops` has it
    rotated = naikkelas(migrated_stack, by_audit, "rotate", code, "--by", "rina")
    assert rotated.returncode == 0
    assert f"sasl.username=agency-{code}-b" in rotated.stdout
    assert "once" in rotated.stderr
    listed = {item["agency"]: item for item in json.loads(ask("list", "--json").stdout)}
    assert listed[code]["users"] == [f"agency-{code}-a", f"agency-{code}-b"]
    assert listed[code]["stopped"] is None  # no partner service runs here: what stopped is not known, and that is said
    first = ("--user", f"agency-{code}-a")
    assert ask("revoke", code, *first, "--dry-run").returncode == 0
    unsure = ask("revoke", code, *first, "--json")  # nobody at a terminal says yes
    assert (unsure.returncode, json.loads(unsure.stdout)) == (3, {"revoked": [], "would_revoke": [first[1]]})
    assert ask("revoke", code, *first, "--yes").returncode == 0
    assert json.loads(ask("revoke", code, "--yes", "--by", "rina", "--json").stdout) == {
        "revoked": [f"agency-{code}-b"]
    }
    told = naikkelas_here("trail", "list", "--json", home=migrated_stack.home.path, given=given_servers).stdout
    deeds = [(row["deed"], row["details"]) for row in json.loads(told) if row["object"] == f"agency/{code}"]
    assert deeds == [  # the newest first; neither a refusal nor what nobody confirmed is a deed
        ("revoke_user", {"users": [f"agency-{code}-b"]}),
        ("revoke_user", {"users": [f"agency-{code}-a"]}),
        ("rotate_user", {"user": f"agency-{code}-b"}),
        ("create_user", {"user": f"agency-{code}-a"}),
    ]
    nobody = ask("revoke", code)
    assert (nobody.returncode, "no user" in nobody.stderr) == (1, True)
    assert ask("create-user", "Bukan Kode").returncode == 1
    kafka.admin.delete_topics([f"umkm.agency.{code}"])[f"umkm.agency.{code}"].result(TIMEOUT)


def test_a_code_that_is_a_services_is_refused(kafka: Kafka) -> None:
    with pytest.raises(AgencyUserError, match="cannot be"):
        create_user(kafka.admin, "training")
