"""What the faults of the proof take for an event, so that they may follow one another in any order."""

from __future__ import annotations

from random import Random
from uuid import uuid4

from proof.faults import bad_records, is_event


def test_poison_that_an_earlier_promise_left_is_not_sent_again() -> None:
    assert [is_event(headers) for _, headers in bad_records(Random(7))] == [False] * 4


def test_a_fact_may_be_sent_again() -> None:
    subject, type_name = str(uuid4()).encode(), b"id.go.balikpapan.umkm.business.registered.v1"
    assert is_event([("ce_type", type_name), ("ce_subject", subject), ("ce_sequence", b"1")])
