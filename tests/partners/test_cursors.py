"""Cursors: only what we signed, for that agency and that stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain.cursors import read_cursor, write_cursor
from services.partners.domain.refusals import CursorAgencyError, CursorError, CursorStreamError
from shared.refusals import DeedRefusedError

KEY, OLD = b"kunci-baru", b"kunci-lama"
POSITIONS = st.integers(0, 2**63 - 1)


@given(POSITIONS)
@pytest.mark.security(line="S3")
def test_a_cursor_is_read_as_it_was_written_under_the_new_key_and_the_old_one(position: int) -> None:
    for key in (KEY, OLD):
        assert (
            read_cursor((KEY, OLD), "bank", "business", write_cursor(key, "bank", "business", position))[0] == position
        )


@given(POSITIONS, st.data())
@pytest.mark.security(line="S20")
@pytest.mark.security(line="S21")
def test_one_changed_sign_is_refused(position: int, data: st.DataObject) -> None:
    cursor = write_cursor(KEY, "bank", "business", position)
    place = data.draw(st.integers(0, len(cursor) - 1))
    sign = data.draw(st.sampled_from("ABCxyz019-_.=+/ é"))
    changed = cursor[:place] + sign + cursor[place + 1 :]
    if changed != cursor:
        with pytest.raises(DeedRefusedError):
            read_cursor((KEY,), "bank", "business", changed)


@given(st.text(max_size=80))
@pytest.mark.security(line="S21")
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        read_cursor((KEY,), "bank", "business", text)


@pytest.mark.security(line="S21")
def test_another_agencys_another_streams_and_another_keys_are_refused() -> None:
    cursor = write_cursor(KEY, "bank", "business", 7)
    with pytest.raises(CursorAgencyError):
        read_cursor((KEY,), "ipemi", "business", cursor)
    with pytest.raises(CursorStreamError):
        read_cursor((KEY,), "bank", "owner", cursor)
    with pytest.raises(CursorError):
        read_cursor((OLD,), "bank", "business", cursor)
