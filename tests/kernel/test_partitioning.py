"""Partitions: the vectorised hash must equal the client's own, or order per key is lost."""

from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.partitioning import VECTORS_FROM, digests_of

few = st.lists(st.uuids().map(str), max_size=VECTORS_FROM - 1)
many = st.lists(st.uuids().map(str), min_size=VECTORS_FROM, max_size=2 * VECTORS_FROM)


@given(few | many | st.lists(st.text("abc-0123456789", max_size=40), max_size=40), st.integers(1, 12))
def test_partitions_equal_those_of_the_client(names: list[str], count: int) -> None:
    places = list(range(count))
    assert [DefaultPartitioner()(name.encode(), places, places) for name in names] == [
        digest % count for digest in digests_of(names)
    ]
