"""When two requests are the same one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.idempotency import canonical, request_key


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_different_parts_are_different_requests(one: list[bytes], other: list[bytes]) -> None:
    assert (request_key("a", "k", *one) == request_key("a", "k", *other)) == (one == other)


@given(st.binary(max_size=30), st.sampled_from(["", "application/json", "APPLICATION/problem+JSON; charset=utf-8"]))
@pytest.mark.security(line="S20")
def test_any_body_has_a_canonical_form(body: bytes, kind: str) -> None:
    assert canonical(canonical(body, kind), kind) == canonical(body, kind)
