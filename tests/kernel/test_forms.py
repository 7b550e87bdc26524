"""Forms of pages: what they send, and that no other page can send it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.problems import Problem
from shared.web_pages.forms import FormCodes, read_fields

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@given(st.text(max_size=30), st.uuids(), st.uuids(), st.text(max_size=60))
@pytest.mark.security(line="S22")
def test_only_our_codes_are_ours(sub: str, thing: object, another: object, other: str) -> None:
    old, new = FormCodes([b"lama"]), FormCodes([b"baru", b"lama"])
    deed = f"hapus|{thing}"
    code = old.make(sub, deed, "a1b2")
    assert new.is_ours(code, sub, deed)
    assert not new.is_ours(code, sub + "x", deed)
    assert new.is_ours(code, sub, f"hapus|{another}") is (thing == another)
    assert not new.is_ours(code, sub, f"jeda|{thing}")
    assert not FormCodes([b"lain"]).is_ours(code, sub, deed)
    assert not new.is_ours(other, sub, deed)


@given(st.dictionaries(TEXTS, TEXTS, max_size=8))
def test_fields_are_read_as_browsers_send_them(fields: dict[str, str]) -> None:
    assert read_fields(urlencode(fields).encode()) == fields


def test_of_a_field_that_comes_twice_the_first_counts_and_a_flood_is_no_form() -> None:
    assert read_fields(b"a=1&a=2&b=&c=%ff") == {"a": "1", "c": "\ufffd"}
    assert read_fields(b"&".join(b"f%d=1" % number for number in range(51))) == {}


@given(TEXTS, TEXTS, TEXTS)
@pytest.mark.security(line="S20")
def test_a_nul_in_a_field_or_its_name_is_refused_with_the_field(name: str, before: str, after: str) -> None:
    for sent, shown in ({name: f"{before}\0{after}"}, name), ({f"{name}\0": before}, f"{name}\ufffd"):
        with pytest.raises(Problem) as refused:
            read_fields(urlencode({"aman": "x", **sent}).encode())
        assert (refused.value.status, refused.value.extra["errors"][0]["field"]) == (422, shown)
        assert "yang boleh: teks tanpa karakter NUL" in str(refused.value.detail)
