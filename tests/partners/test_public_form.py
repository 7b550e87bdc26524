"""The public form of random events of every contract: only declared types, only public fields, nobody's number."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.partners.domain.public import PUBLIC_STREAMS, public_form
from services.partners.domain.records import record_parts
from shared.contracts import CONTRACTS
from shared.contracts.privacy import PUBLIC, privacy_of
from shared.contracts.public import PUBLIC_FACTS, public_fields
from shared.envelope import Event
from tests.partners.test_showing import ENVELOPE, an_event, canary
from tests.personal import personal_in

NAMES = sorted(CONTRACTS)
NUMBERS = (
    "hubungi 0812 0000 0001",
    "WA +62 812-0000-0002",
    "wa.me/6281200000003",
    "NIK 6471014107909901",
    "6471 0141 0790 9902",
    "siti@umkm.example",
    "081200000004 atau budi.s@umkm.example",
)
SEEN: Counter[str] = Counter()


@settings(max_examples=2_000, database=None)
@given(seed=st.integers(0, 2**64 - 1))
def _only_what_is_public_leaves(seed: int) -> None:
    dice = Random(seed)
    fact = CONTRACTS[dice.choice(NAMES)]
    event = an_event(fact, dice)
    shown = public_form(event)
    SEEN[fact.NAME] += 1
    if fact not in PUBLIC_FACTS:
        assert shown is None
        return
    assert shown is not None
    assert set(shown) == ENVELOPE
    assert set(shown["data"]) == set(public_fields(fact))
    text = json.dumps(shown, ensure_ascii=False)
    for name in fact.model_fields:
        assert (privacy_of(fact, name) is PUBLIC) or canary(f"{fact.NAME}.{name}")[:-1] not in text


@pytest.mark.timeout(120)
def test_only_public_fields_of_declared_types_leave() -> None:
    SEEN.clear()
    _only_what_is_public_leaves()
    assert {fact.NAME for fact in CONTRACTS.values()} == set(SEEN), "every contract was tried"


def _typed(value: Any, words: str) -> Any:
    """Return a value in which somebody typed ``words`` behind every text."""
    if type(value) is str:
        return f"{value} {words}"
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _typed(getattr(value, name), words) for name in type(value).model_fields})
    return tuple(_typed(item, words) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("fact", PUBLIC_FACTS, ids=lambda fact: fact.NAME)
@pytest.mark.security(line="S11")
def test_a_number_that_was_typed_into_a_text_does_not_leave(fact: type[Any]) -> None:
    typed = 0
    for number, words in enumerate(NUMBERS):
        meta, plain = an_event(fact, Random(number))
        event = Event(meta, _typed(plain, words))
        shown = public_form(event)
        assert shown is not None
        key, value, headers = record_parts(shown)
        assert key.decode() == meta.subject
        assert personal_in(value, headers) == [], value
        before = event.fact.model_dump_json().encode()
        typed += bool(personal_in(before, ())) or words.encode() in before
        assert (b"[telepon]" in value or b"[nik]" in value or b"[surel]" in value) == (words.encode() in before)
    assert typed or all(field.annotation is not str for field in fact.model_fields.values())


def test_what_is_no_number_of_a_person_stays_as_it_is() -> None:
    for fact in PUBLIC_FACTS:
        event = an_event(fact, Random(7))
        shown = public_form(event)
        assert shown is not None
        for name in public_fields(fact):
            told = getattr(event.fact, name)
            if type(told) in {int, bool} or told is None:
                assert shown["data"][name] == told
    course = an_event(PUBLIC_FACTS[0], Random(8))
    titled = Event(course.meta, course.fact.model_copy(update={"title": "Pemasaran Digital 2026, angkatan 12"}))
    shown = public_form(titled)
    assert shown is not None
    assert shown["data"]["title"] == "Pemasaran Digital 2026, angkatan 12"


def test_a_stream_leads_into_the_topic_of_its_name() -> None:
    assert PUBLIC_STREAMS == {name: f"umkm.public.{name}" for name in ("course", "exhibition", "outlet")}
