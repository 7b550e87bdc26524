"""The envelope: CloudEvents 1.0 in binary mode, judged by the official SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.registry import BusinessVerified
from shared.envelope import (
    EnvelopeError,
    Event,
    EventMeta,
    UnknownTypeError,
    from_kafka,
    headers_of,
    read_address,
    to_kafka,
)

BUSINESS = UUID("01900000-0000-7000-8000-000000000001")

events = st.builds(
    Event,
    st.builds(
        EventMeta,
        id=st.uuids(),
        type=st.just(BusinessVerified.type_name()),
        source=st.just("registry"),
        subject=st.just(str(BUSINESS)),
        time=st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
        sequence=st.integers(1, 10**15),
        correlation_id=st.text(min_size=1, max_size=40),
        causation_id=st.none() | st.uuids().map(str),
        origin=st.sampled_from(["command", "import"]),
        traceparent=st.none(),
    ),
    st.just(BusinessVerified(business_id=BUSINESS)),
)


@given(events)
def test_what_is_written_is_read(event: Event) -> None:
    _, value, headers = to_kafka(event)
    assert event == from_kafka(headers_of(headers), value)


@given(events)
def test_the_official_sdk_reads_what_we_write(event: Event) -> None:
    key, value, headers = to_kafka(event)
    parsed = from_binary_event(KafkaMessage(headers=dict(headers), key=key, value=value))
    assert str(event.meta.id) == parsed.get_id()
    assert event.meta.type == parsed.get_type()
    assert event.meta.source == parsed.get_source()
    assert event.meta.subject == parsed.get_subject()
    assert event.meta.time == parsed.get_time()
    assert str(event.meta.sequence) == parsed.get_extension("sequence")
    assert event.meta.subject == parsed.get_extension("partitionkey")
    assert json.loads(value) == parsed.get_data()


def _headers(**changes: bytes | None) -> list[tuple[str, bytes | None]]:
    event = Event(
        EventMeta(
            id=BUSINESS,
            type=BusinessVerified.type_name(),
            source="registry",
            subject=str(BUSINESS),
            time=datetime(2026, 11, 25, tzinfo=UTC),
            sequence=3,
            correlation_id="c",
            causation_id=None,
            origin="command",
            traceparent=None,
        ),
        BusinessVerified(business_id=BUSINESS),
    )
    headers: dict[str, bytes | None] = dict(to_kafka(event)[2])
    headers |= changes
    return list(headers.items())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ce_subject": None}, "ce_subject"),
        ({"ce_subject": b"\xff\xfe"}, "ce_subject"),
        ({"ce_subject": str(BUSINESS).upper().replace("7", "A").encode()}, "ce_subject"),
        ({"ce_sequence": b"0"}, "ce_sequence"),
        ({"ce_sequence": b"-1"}, "ce_sequence"),
        ({"ce_sequence": b"1e3"}, "ce_sequence"),
        ({"ce_sequence": b"9" * 30}, "ce_sequence"),
        ({"ce_type": None}, "ce_type"),
        ({"ce_type": b"a\x00b"}, "ce_type"),
    ],
)
def test_a_record_without_a_readable_address_names_the_header(changes: dict[str, bytes | None], named: str) -> None:
    with pytest.raises(EnvelopeError, match=named):
        read_address(headers_of(_headers(**changes)))


def test_a_fact_about_another_aggregate_than_the_subject_is_refused() -> None:
    body = BusinessVerified(business_id=UUID(int=9)).model_dump_json().encode()
    with pytest.raises(EnvelopeError, match="different aggregates"):
        from_kafka(headers_of(_headers()), body)


def test_an_unknown_major_version_is_told_from_a_broken_body() -> None:
    unknown = BusinessVerified.type_name().replace(".v1", ".v2").encode()
    with pytest.raises(UnknownTypeError):
        from_kafka(headers_of(_headers(ce_type=unknown)), b"{}")
    with pytest.raises(EnvelopeError, match=r"business_id: missing"):
        from_kafka(headers_of(_headers()), b"{}")


def test_an_error_never_holds_a_value_of_the_body() -> None:
    with pytest.raises(EnvelopeError) as caught:
        from_kafka(headers_of(_headers()), b'{"business_id": "6471014107909901"}')
    assert "6471014107909901" not in str(caught.value)


@given(
    st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary(max_size=30)), max_size=8), st.binary(max_size=80)
)
@pytest.mark.security(line="S20")
def test_any_bytes_are_refused_or_read_but_never_crash(headers: list[tuple[str, bytes | None]], value: bytes) -> None:
    with pytest.raises(EnvelopeError):
        from_kafka(headers_of(headers), value)
