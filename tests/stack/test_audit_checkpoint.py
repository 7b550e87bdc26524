"""What a checkpoint holds and how it is sealed, and which part of the platform an audit of some services looks at."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.audit.checkpoint import (
    ENTRY_BYTES,
    Checkpoint,
    Ground,
    MovedError,
    Place,
    RefusedError,
    Total,
    moved_on,
    opened,
    pack,
    seal_key,
    sealed,
    sealed_red,
    version_in,
)
from ops.audit.comparing import told
from ops.audit.ground import compare_ground
from ops.audit.keeping import keep
from ops.audit.scope import OWNS, STREAMS, scope_of
from ops.stack.databases import SERVICES
from shared.broker import KafkaSettings

A, B = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
KAFKA, DSN = KafkaSettings("127.0.0.1:1", "operator", "rahasia"), "postgresql://audit:sandi@127.0.0.1/projections"
GROUND = Ground("k", {"umkm.owner": "1/2"}, {"registry": "7"}, {"registry": "1/16384"}, {"registry": "x"}, "g")
HEADS = st.dictionaries(st.uuids(), st.integers(1, 2**40), max_size=40)


def checkpoint() -> Checkpoint:
    places = {"umkm.owner": [Place(0, 2, A), Place(0, 0)]}
    return Checkpoint(
        "2026-11-27T00:00:00+00:00", "2026-11-27T01:00:00+00:00", 1, 5, GROUND, places,
        {"umkm.owner": Total(2, -(2**70))}, {"registry": "5:5:"}, {"umkm.owner": pack({A: 2, B: 3}), "umkm.brand": b""},
    )  # fmt: skip


@given(HEADS, HEADS)
def test_versions_are_found_again_and_go_on(first: dict[UUID, int], later: dict[UUID, int]) -> None:
    before = {str(key): number for key, number in first.items()}
    after = {str(key): number for key, number in later.items()}
    packed = pack(before)
    assert len(packed) == ENTRY_BYTES * len(before)
    assert moved_on(packed, after) == pack(before | after)
    for subject in before | after:
        assert version_in(packed, subject) == before.get(subject, 0)


def test_what_was_sealed_is_opened_as_it_was() -> None:
    key = seal_key(KAFKA, DSN)
    assert opened(key, *sealed(key, checkpoint())) == checkpoint()
    assert checkpoint().aggregates == 2


def test_after_an_audit_that_found_faults_nothing_is_there_to_continue_from() -> None:
    key = seal_key(KAFKA, DSN)
    seal, body = sealed_red(key, "the last audit of the whole found 3 faults")
    with pytest.raises(MovedError, match="found 3 faults"):
        opened(key, seal, body)
    with pytest.raises(RefusedError):
        opened(key, seal, body + b"0")


async def test_a_database_that_does_not_take_a_checkpoint_takes_nothing_from_what_was_found() -> None:
    said = await keep("postgresql://audit:sandi@127.0.0.1:1/projections", KAFKA, checkpoint())
    assert said.startswith("not kept: the database of projections did not take it")


@given(st.integers(0, 10**6))
def test_no_byte_of_it_can_be_changed(place: int) -> None:
    key = seal_key(KAFKA, DSN)
    seal, body = sealed(key, checkpoint())
    changed = bytearray(body)
    changed[place % len(body)] ^= 1
    with pytest.raises(RefusedError):
        opened(key, seal, bytes(changed))


def test_who_knows_one_password_only_seals_nothing() -> None:
    seal, body = sealed(seal_key(KAFKA, DSN), checkpoint())
    for kafka, dsn in ((KafkaSettings("127.0.0.1:1", "operator", "lain"), DSN), (KAFKA, DSN.replace("sandi", "lain"))):
        with pytest.raises(RefusedError):
            opened(seal_key(kafka, dsn), seal, body)
    with pytest.raises(RefusedError, match="password"):
        seal_key(KafkaSettings("127.0.0.1:1", "operator", ""), "postgresql://127.0.0.1/projections")


@pytest.mark.parametrize(
    ("now", "error", "why"),
    [
        (Ground("l", {}, {}, {}, {}), RefusedError, "Kafka"),
        (Ground("k", {}, {"registry": "8"}, {}, {}), RefusedError, "PostgreSQL of registry"),
        (Ground("k", {"umkm.owner": "1/3"}, {}, {}, {}), MovedError, "made anew"),
        (Ground("k", {"umkm.brand": "1/2"}, {}, {}, {}), MovedError, "umkm.brand"),
        (Ground("k", {}, {}, {"registry": "2/16384"}, {}), MovedError, "recovered"),
        (Ground("k", {}, {}, {}, {"registry": "y"}), MovedError, "schema of registry"),
        (Ground("k", {}, {}, {}, {}, "h"), MovedError, "rebuilt"),
        (Ground("k", {}, {"baru": "7"}, {"baru": "1/5"}, {"baru": "x"}), MovedError, "database of baru"),
    ],
)
def test_ground_that_moved_carries_nothing(now: Ground, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        compare_ground(GROUND, now)


def test_the_same_ground_carries_also_a_part() -> None:
    compare_ground(GROUND, GROUND)
    compare_ground(GROUND, Ground("k", {}, {"registry": "7"}, {}, {}))


@pytest.mark.parametrize(
    ("head", "version", "position", "expected"),
    [
        (3, 3, 3, 3),
        (3, 3, 2, 3),  # behind: its own fault
        (2, 3, 2, 2),  # the topic lacks what the source stored: not its fault
        (2, 3, 3, 3),  # it was applied before the topic lost it
        (2, 2, 3, 2),  # ahead of both
        (0, 1, 0, 0),
    ],
)
def test_a_reader_must_be_where_its_topic_is(head: int, version: int, position: int, expected: int) -> None:
    assert told({A: version}, {A: head} if head else {}, {A: position}) == {A: expected}


def test_every_topic_has_one_owner_and_every_part_says_what_it_leaves_out() -> None:
    assert sorted(topic for topics in OWNS.values() for topic in topics) == sorted(STREAMS)
    assert scope_of([]).left_out() == []
    assert scope_of(SERVICES).whole
    for service in SERVICES:
        scope = scope_of([service])
        assert [line.split(":")[0] for line in scope.left_out()] == [name for name in SERVICES if name != service]
        assert not scope.whole
    assert scope_of(["projections"]).owned == ()
    assert set(scope_of(["projections"]).asked) == {"registry", "training", "events", "projections"}
    with pytest.raises(ValueError, match="gudang"):
        scope_of(["gudang"])
