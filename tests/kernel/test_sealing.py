"""Sealing: only the owner's own key opens, and nothing readable is left in the text."""

from __future__ import annotations

import base64
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.contracts.fact import Sealed
from shared.contracts.registry import BusinessPersonal, OwnerPersonal
from shared.sealing import KeyRing, UnreadableError, new_key, open_sealed, owner_of, seal

OWNER = UUID("01900000-0000-7000-8000-00000000000a")
KEK = base64.b64encode(b"k" * 32).decode()

people = st.builds(
    OwnerPersonal,
    name=st.text(min_size=1, max_size=100),
    nik=st.none() | st.just("6471014107909901"),
    birth_date=st.none() | st.dates(date(1920, 1, 1), date(2010, 1, 1)),
    phones=st.lists(st.just("+6281200000001"), max_size=2).map(tuple),
    email=st.none() | st.just("siti@example.test"),
)


@given(people)
def test_the_owners_key_opens_what_it_sealed(person: OwnerPersonal) -> None:
    key = new_key()
    sealed = seal(key, OWNER, person)
    assert person == open_sealed(key, sealed, OwnerPersonal)
    assert owner_of(sealed) == OWNER
    assert TypeAdapter(Sealed).validate_python(sealed) == sealed


def test_nothing_readable_is_left() -> None:
    sealed = seal(new_key(), OWNER, OwnerPersonal(name="Siti Aminah", nik="6471014107909901"))
    raw = base64.urlsafe_b64decode(sealed.rpartition(".")[2] + "===")
    assert b"Siti" not in raw
    assert "6471014107909901" not in sealed


@pytest.mark.parametrize("change", ["key", "owner", "label", "body", "shape"])
def test_a_wrong_key_or_a_changed_text_is_unreadable(change: str) -> None:
    key = new_key()
    sealed = seal(key, OWNER, OwnerPersonal(name="Siti"))
    scheme, owner, label, body = sealed.split(".")
    texts = {
        "key": sealed,
        "owner": ".".join([scheme, uuid4().hex, label, body]),
        "label": ".".join([scheme, owner, "business", body]),
        "body": ".".join([scheme, owner, label, ("A" if body[20] != "A" else "B").join([body[:20], body[21:]])]),
        "shape": "bukan segel",
    }
    model = BusinessPersonal if change == "label" else OwnerPersonal
    with pytest.raises(UnreadableError):
        open_sealed(new_key() if change == "key" else key, texts[change], model)


def test_a_wrapped_key_opens_only_for_its_owner_and_its_key_encryption_key() -> None:
    ring, key = KeyRing(KEK), new_key()
    wrapped = ring.wrap(OWNER, key)
    assert key == ring.unwrap(OWNER, wrapped)
    with pytest.raises(UnreadableError):
        ring.unwrap(uuid4(), wrapped)
    with pytest.raises(UnreadableError):
        KeyRing(base64.b64encode(b"x" * 32).decode()).unwrap(OWNER, wrapped)


@pytest.mark.parametrize("value", ["", "bukan base64!", base64.b64encode(b"kurang").decode()])
def test_a_bad_key_encryption_key_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="KEY_ENCRYPTION_KEY"):
        KeyRing(value)


def test_of_several_keys_the_first_wraps_all_open_and_marks_outlive_their_key() -> None:
    newer = base64.b64encode(b"n" * 32).decode()
    old, both, new = KeyRing(KEK), KeyRing(f"{newer}\n{KEK}\n"), KeyRing(newer)
    key, stranger = new_key(), uuid4()
    assert (both.kek_id, both.kek_ids) == (new.kek_id, (new.kek_id, old.kek_id))
    assert both.unwrap(OWNER, old.wrap(OWNER, key)) == new.unwrap(OWNER, both.wrap(OWNER, key)) == key
    [(owner, wrapped)] = both.rewrap_all([(OWNER, old.wrap(OWNER, key)), (stranger, old.wrap(OWNER, key))])
    assert (owner, new.unwrap(owner, wrapped)) == (OWNER, key)
    [(name, marking)] = both.marking_keys()
    assert name == old.kek_id
    assert old.mark("6471") not in new.marks("6471")
    with pytest.raises(UnreadableError):
        new.learn_marking_key("another", marking)
    new.learn_marking_key(name, marking)
    assert set(new.marks("6471")) == {old.mark("6471"), new.mark("6471")} == set(both.marks("6471"))
    with pytest.raises(UnreadableError):
        old.unwrap(OWNER, both.wrap(OWNER, key))
