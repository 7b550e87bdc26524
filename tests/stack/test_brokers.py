"""A Kafka of three nodes on this machine: every topic on each of them, and no fact waits for the one that died."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.kafka_admin.client import operator_client
from ops.stack import Stack, StackError
from ops.stack.kafka import name_of, node_of
from ops.stack.processes import wait_until
from shared.broker import make_producer
from shared.contracts.registry import BUSINESS_TOPIC
from tests.stack.commanding import naikkelas_here

ANY_PORT = {"NAIKKELAS_PORTS": "any"}
SECONDS = 60.0


@pytest.fixture
def three() -> Iterator[Stack]:
    """The servers of a stack whose Kafka has three nodes, which it keeps."""
    stack = Stack(Path(tempfile.mkdtemp(prefix="naikkelas-three-")), environment=ANY_PORT)
    try:
        stack.start_servers(owned=True, brokers=3)
        yield stack
    finally:
        stack.down(wipe=True)


def in_sync(stack: Stack) -> set[frozenset[int]]:
    """Return the sets of nodes that have all of a partition, over all partitions of all topics."""
    found = operator_client(stack.credentials("operator")).list_topics(timeout=10)
    return {frozenset(part.isrs) for topic in found.topics.values() for part in topic.partitions.values()}


@pytest.mark.timeout(240)
async def test_a_fact_is_on_all_nodes_and_waits_for_none_that_died(three: Stack) -> None:
    assert {name for name in three.record().processes if node_of(name)} == set(map(name_of, (1, 2, 3)))
    assert in_sync(three) == {frozenset({1, 2, 3})}
    producer = make_producer(three.credentials("registry"), "three")
    await producer.start()
    try:
        three.kill("kafka")
        for key in (b"satu", b"dua", b"tiga", b"empat"):
            await producer.send_and_wait(BUSINESS_TOPIC, b"{}", key=key)
        others = {name: three.record().processes[name].pid for name in ("kafka-2", "kafka-3", "postgres")}
        three.start_servers()  # as `naikkelas up` does: what goes on is left alone
        assert others == {name: three.record().processes[name].pid for name in others}
        assert wait_until(lambda: in_sync(three) == {frozenset({1, 2, 3})}, SECONDS)
    finally:
        await producer.stop()
    said = naikkelas_here("up", "--servers-only", "--brokers", "1", home=three.home.path)
    assert (said.returncode, "up already" in said.stderr) == (1, True)
    three.down()
    with pytest.raises(StackError, match="was started with 3 brokers, not 1"):
        three.start_servers(brokers=1)


def test_so_many_nodes_as_are_no_cluster_are_refused(tmp_path: Path) -> None:
    said = naikkelas_here("up", "--brokers", "2", home=tmp_path)
    assert said.returncode == 1
    assert "1 or 3 brokers" in said.stderr
