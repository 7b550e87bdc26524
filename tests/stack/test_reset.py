"""``naikkelas consumer reset``: back to a moment, never forward over what nobody has read, never while somebody reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from ops.cli import consumer as command
from ops.kafka_admin import groups
from ops.kafka_admin.client import client_config
from ops.kafka_admin.groups import commit_for, commits_of, members_of, patiently
from ops.kafka_admin.resetting import Found, Move, ResetRefusedError, moving, plan_reset, refuse_before_log
from ops.stack import Stack
from ops.stack.databases import AUDIT
from shared.topology import Topic
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Kafka

RECORDS = 10
BEGIN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
TOPIC, OTHER = ("umkm.owner", 0), ("umkm.owner", 1)


def at(second: int) -> datetime:
    """Return when the record of this number happened, in either partition."""
    return BEGIN + timedelta(seconds=second)


def milliseconds(second: int) -> int:
    return int(at(second).timestamp() * 1000)


@pytest.fixture
def filled(kafka: Kafka) -> str:
    """A topic of two partitions with ten records in each, one a second."""
    topic = kafka.make_topic(Topic("test", partitions=2))
    producer = Producer(client_config(kafka.credentials()))
    for number in range(RECORDS):
        for partition in (0, 1):
            producer.produce(topic, b"x", partition=partition, timestamp=milliseconds(number))
    assert producer.flush(30) == 0
    return topic


@pytest.fixture
def group(kafka: Kafka, filled: str) -> str:
    """A group that has read 8 records of one partition, and all of the other."""
    name = f"uji-{uuid4().hex[:8]}"
    patiently(lambda: commit_for(kafka.admin, name, {(filled, 0): 8, (filled, 1): RECORDS}))
    return name


@pytest.mark.parametrize(
    ("move", "start", "again", "skipped"),
    [
        (Move("t", 0, 0, 10, 8, 3), 8, 5, 0),
        (Move("t", 0, 0, 10, 8, 8), 8, 0, 0),
        (Move("t", 0, 0, 10, 8, 9), 8, 0, 1),
        (Move("t", 0, 4, 10, 2, 4), 4, 0, 0),  # what it stood at was taken by retention: it goes on at the beginning
        (Move("t", 0, 0, 10, None, 4), 0, 0, 4),  # it never read this partition
        (Move("t", 0, 0, 10, 99, 0), 0, 0, 0),  # the topic was made anew: it begins anew by itself
    ],
)
def test_a_move_tells_what_is_read_again_and_what_would_be_lost(
    move: Move, start: int, again: int, skipped: int
) -> None:
    assert (move.start, move.again, move.skipped) == (start, again, skipped)


@pytest.mark.parametrize(
    ("begins", "found", "refused"),
    [
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(0, milliseconds(9)), OTHER: Found(0, milliseconds(8))}, True),
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(3, milliseconds(5)), OTHER: Found(0, milliseconds(8))}, False),
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(0, milliseconds(5)), OTHER: Found(0, milliseconds(8))}, False),
        ({TOPIC: 0, OTHER: 7}, {TOPIC: Found(3, milliseconds(5)), OTHER: Found(7, milliseconds(8))}, True),
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(0, None), OTHER: Found(0, milliseconds(8))}, True),
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(0, None), OTHER: Found(0, None)}, False),
        ({TOPIC: 0, OTHER: 0}, {TOPIC: Found(4, None), OTHER: Found(0, milliseconds(8))}, False),
        ({TOPIC: 0, OTHER: 7}, {TOPIC: Found(3, milliseconds(5)), OTHER: Found(7, None)}, True),
        ({TOPIC: 4, OTHER: 7}, {TOPIC: Found(4, None), OTHER: Found(7, None)}, True),
        ({TOPIC: 0, OTHER: 3}, {TOPIC: Found(3, milliseconds(5)), OTHER: Found(7, None)}, False),
    ],
    ids=[
        "all later",
        "one began later",
        "at its first",
        "taken",
        "one is empty",
        "nothing at all",
        "one is over",
        "all of one taken",
        "all taken",
        "one is over after some were taken",
    ],
)
def test_a_moment_before_the_log_is_one_of_which_nothing_is_kept(
    begins: dict[Any, int], found: dict[Any, Found], refused: bool
) -> None:
    if not refused:
        refuse_before_log(at(5), begins, found)
        return
    with pytest.raises(
        ResetRefusedError,
        match=r"^(What is kept of .* begins at|Nothing is kept any more of) .*: say --to-earliest .*\.$",
    ):
        refuse_before_log(at(5), begins, found)


def test_a_group_goes_back_to_the_first_record_of_the_moment(kafka: Kafka, filled: str, group: str) -> None:
    moves = plan_reset(kafka.admin, group, [filled], at(4), NOW)
    assert [(it.partition, it.committed, it.to, it.again) for it in moves] == [(0, 8, 4, 4), (1, RECORDS, 4, 6)]
    commit_for(kafka.admin, group, {(it.topic, it.partition): it.to for it in moving(moves)})
    assert commits_of(kafka.admin, [group])[group] == {(filled, 0): 4, (filled, 1): 4}
    assert [it.again for it in plan_reset(kafka.admin, group, [filled], None, NOW)] == [4, 4]


def test_it_never_goes_forward_over_what_nobody_has_read(kafka: Kafka, filled: str, group: str) -> None:
    for moment in (at(9), at(60)):  # after all of them: the end of the log
        with pytest.raises(ResetRefusedError, match=rf"has not read \d records from before that moment \({filled}/0\)"):
            plan_reset(kafka.admin, group, [filled], moment, NOW)
    assert [it.again for it in plan_reset(kafka.admin, group, [filled], at(8), NOW)] == [0, 2]
    commit_for(kafka.admin, group, {(filled, 0): RECORDS})
    assert [it.again for it in plan_reset(kafka.admin, group, [filled], at(60), NOW)] == [0, 0]


def test_what_is_kept_no_more_is_not_promised(kafka: Kafka, filled: str, group: str) -> None:
    with pytest.raises(ResetRefusedError, match="What is kept of the log begins at 2026-11-01T08:00:00"):
        plan_reset(kafka.admin, group, [filled], at(-1), NOW)
    places = [TopicPartition(filled, number, 4) for number in range(2)]
    for future in kafka.admin.delete_records(places).values():
        future.result(15)
    with pytest.raises(
        ResetRefusedError, match=rf"What is kept of {filled}/0, {filled}/1 begins at 2026-11-01T08:00:04"
    ):
        plan_reset(kafka.admin, group, [filled], at(2), NOW)
    assert [it.to for it in plan_reset(kafka.admin, group, [filled], None, NOW)] == [4, 4]
    all_of_it = [TopicPartition(filled, 1, RECORDS)]
    kafka.admin.delete_records(all_of_it)[all_of_it[0]].result(15)
    with pytest.raises(ResetRefusedError, match=rf"Nothing is kept any more of {filled}/1, and"):
        plan_reset(kafka.admin, group, [filled], at(5), NOW)
    assert [it.to for it in plan_reset(kafka.admin, group, [filled], None, NOW)] == [4, RECORDS]


def test_a_future_moment_and_a_group_that_never_read_are_refused(kafka: Kafka, filled: str, group: str) -> None:
    with pytest.raises(ResetRefusedError, match="has not come yet"):
        plan_reset(kafka.admin, group, [filled], NOW + timedelta(seconds=1), NOW)
    with pytest.raises(ResetRefusedError, match="has read nothing yet"):
        plan_reset(kafka.admin, f"uji-{uuid4().hex[:8]}", [filled], at(4), NOW)


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def training(kafka: Kafka, migrated_stack: Stack, filled: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The group of the trainings, which reads the filled topic here, and has read all of it."""
    monkeypatch.setitem(command.READS, "training", (filled,))
    patiently(lambda: commit_for(kafka.admin, "training", {(filled, 0): RECORDS, (filled, 1): RECORDS}))
    yield filled
    kafka.admin.delete_consumer_groups(["training"])["training"].result(15)


def ask(stack: Stack, given: dict[str, str], *words: str) -> tuple[int, Any]:
    """Run the command and return its exit code and what it says to programs."""
    done = naikkelas_here(*words, "--json", home=stack.home.path, given=given)
    return done.returncode, json.loads(done.stdout)


def test_the_command_looks_first_and_what_it_did_stands_in_the_trail(
    kafka: Kafka, migrated_stack: Stack, given_servers: dict[str, str], training: str
) -> None:
    by_audit = given_servers | {"POSTGRES_DSN": migrated_stack.dsn("training", AUDIT)}  # as the container `ops` has it

    def reset(*words: str) -> tuple[int, Any]:
        return ask(migrated_stack, by_audit, "consumer", "reset", "training", *words)

    moment = ("--to", at(4).isoformat())
    why = ("--reason", "basis data lama", "--by", "rina")
    code, told = reset(*moment, "--dry-run")
    assert (code, told["moved"], told["again"]) == (0, False, 12)
    assert told["partitions"][0] == {"topic": training, "partition": 0, "from": 10, "to": 4, "again": 6}
    assert reset(*moment, *why) == (3, told)
    before = len(trail(migrated_stack, given_servers))
    assert reset(*moment, "--yes", *why) == (0, told | {"moved": True})
    assert commits_of(kafka.admin, ["training"])["training"] == {(training, 0): 4, (training, 1): 4}
    [row] = trail(migrated_stack, given_servers)[before:]
    assert (row["deed"], row["object"], row["actor"], row["reason"]) == ("reset", "consumer/training", "rina", why[1])
    offsets = {f"{training}/0": [10, 4], f"{training}/1": [10, 4]}
    assert row["details"] == {"to": at(4).isoformat(), "again": 12, "offsets": offsets}
    # What is read already is not there to be read again, and that is no deed.
    code, told = reset(*moment, "--yes", *why)
    assert (code, told["moved"], len(trail(migrated_stack, given_servers))) == (3, False, before + 1)


@pytest.mark.parametrize(
    ("between", "part"), [(2, "has not read 2 records from before that moment"), (6, "moved since it was shown")]
)
def test_another_reset_before_it_was_confirmed_is_seen_and_nothing_goes_forward(
    between: int, part: str, kafka: Kafka, migrated_stack: Stack, given_servers: dict[str, str], training: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    places = {(training, 0): between, (training, 1): RECORDS}

    def confirm(name: str, _asked: str, *, yes: bool) -> bool:
        commit_for(kafka.admin, name, places)
        return yes

    monkeypatch.setattr(command, "is_sure", confirm)
    before = len(trail(migrated_stack, given_servers))
    words = ("--to", at(4).isoformat(), "--yes", "--reason", "basis data lama")
    code, told = ask(migrated_stack, given_servers, "consumer", "reset", "training", *words)
    assert (code, part in told["error"]) == (1, True), told
    assert commits_of(kafka.admin, ["training"])["training"] == places
    assert len(trail(migrated_stack, given_servers)) == before


def test_an_order_without_an_answer_is_told_as_one_whose_outcome_is_not_known(
    migrated_stack: Stack, given_servers: dict[str, str], training: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(*order: Any) -> None:
        monkeypatch.setattr(groups, "ANSWER_SECONDS", 0.0)
        commit_for(*order)

    monkeypatch.setattr(command, "commit_for", impatient)
    before = len(trail(migrated_stack, given_servers))
    words = ("--to-earliest", "--yes", "--reason", "basis data lama")
    code, told = ask(migrated_stack, given_servers, "consumer", "reset", "training", *words)
    assert (code, "not known to be done, or only in part (no answer in time)" in told["error"]) == (1, True), told
    rows = trail(migrated_stack, given_servers)[before:]
    assert [row["deed"] for row in rows] == ["reset", "reset_failed"]


def trail(stack: Stack, given: dict[str, str]) -> list[dict[str, Any]]:
    """Return the trail of the trainings, the oldest deed first."""
    rows = ask(stack, given, "trail", "list", "--limit", "1000")[1]
    return sorted((row for row in rows if row["service"] == "training"), key=lambda row: row["number"])


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("tidak-ada", "--to-earliest"), 2, "There is no consumer tidak-ada; there are training, events"),
        (("registry", "--to-earliest"), 2, "There is no consumer registry"),
        (("training",), 2, "either --to TIME or --to-earliest"),
        (("training", "--to-earliest", "--to", "2026-11-01T08:00:00+08:00"), 2, "either --to TIME or --to-earliest"),
        (("training", "--to", "2026-11-01T08:00:00", "--dry-run"), 2, "no moment with its zone"),
        (("training", "--to", "kemarin", "--dry-run"), 2, "no moment with its zone"),
        (("training", "--to-earliest", "--yes"), 2, "say why with --reason"),
        (("training", "--to-earliest", "--yes", "--reason", "Bu Siti 081200001234"), 1, "no number of a person"),
        (("training", "--to", "2999-01-01T00:00:00Z", "--dry-run"), 1, "has not come yet"),
        (("training", "--to", "1999-01-01T00:00:00Z", "--dry-run"), 1, "say --to-earliest"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    words: tuple[str, ...], code: int, part: str, migrated_stack: Stack, given_servers: dict[str, str], training: str
) -> None:
    ended, told = ask(migrated_stack, given_servers, "consumer", "reset", *words)
    assert (ended, told["ok"], part in told["error"]) == (code, False, True), told


def test_while_somebody_reads_nothing_is_moved_and_nothing_is_told(
    kafka: Kafka, migrated_stack: Stack, given_servers: dict[str, str], training: str
) -> None:
    options = {"group.id": "training", "enable.auto.commit": False, "client.id": "pembaca-lain"}
    before = len(trail(migrated_stack, given_servers))
    reader = Consumer(client_config(kafka.credentials()) | options)
    reader.subscribe([training])
    try:
        while not reader.assignment():
            reader.poll(0.2)
        assert [name.partition(" ")[0] for name in members_of(kafka.admin, "training")] == ["pembaca-lain"]
        words = ("consumer", "reset", "training", "--to-earliest", "--yes", "--reason", "coba saja")
        code, told = ask(migrated_stack, given_servers, *words)
        assert (code, "training is being read by pembaca-lain (" in told["error"]) == (1, True), told
    finally:
        reader.close()
    assert commits_of(kafka.admin, ["training"])["training"] == {(training, 0): RECORDS, (training, 1): RECORDS}
    assert len(trail(migrated_stack, given_servers)) == before
