"""Every field has exactly one privacy class, and personal fields stand in the sealed part only."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact, PersonalFields
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, Privacy, privacy_of
from shared.contracts.schemas import models_of

FACTS = sorted(CONTRACTS.items())
SEALED_PATTERN = r"^nk1\."
SPEAKS_OF = {"attendance": "enrolment", "training": "enrolment", "booth": "exhibition", "sales": "application"}
"""What is named for itself, and is a fact of something else: on its topic, because the order with its other facts counts."""


@pytest.mark.parametrize(("name", "fact"), FACTS)
@pytest.mark.security(line="S11")
def test_every_field_has_exactly_one_privacy_class(name: str, fact: type[Fact]) -> None:
    roots: list[type[BaseModel]] = [fact, *([fact.PERSONAL] if fact.PERSONAL else [])]
    for root in roots:
        for model in models_of(root):
            for field in model.model_fields:
                assert isinstance(privacy_of(model, field), Privacy), f"{name}: {model.__name__}.{field}"


@pytest.mark.security(line="S11")
def test_a_field_without_or_with_two_classes_is_refused() -> None:
    class Bare(BaseModel):
        bare: str
        both: Annotated[str, PUBLIC, AGENCY]

    for field in Bare.model_fields:
        with pytest.raises(LookupError, match="expected one privacy class"):
            privacy_of(Bare, field)


@pytest.mark.parametrize(("name", "fact"), FACTS)
@pytest.mark.security(line="S11")
def test_personal_fields_travel_sealed_and_nowhere_else(name: str, fact: type[Fact]) -> None:
    for model in models_of(fact):
        assert not issubclass(model, PersonalFields), f"{name} carries {model.__name__} in the clear"
        personal = {field for field in model.model_fields if privacy_of(model, field) is PERSONAL}
        assert personal <= {"personal"}, f"{name}: {personal} belong into the sealed part"
    properties = fact.model_json_schema()["properties"]
    assert ("personal" in properties) == (fact.PERSONAL is not None)
    assert properties.get("personal", {"pattern": SEALED_PATTERN})["pattern"].startswith(SEALED_PATTERN)


@pytest.mark.parametrize(("name", "fact"), [(n, f) for n, f in FACTS if f.PERSONAL is not None])
@pytest.mark.security(line="S11")
def test_the_sealed_part_holds_personal_fields_only(name: str, fact: type[Fact]) -> None:
    assert fact.PERSONAL is not None
    for model in models_of(fact.PERSONAL):
        classes = {privacy_of(model, field) for field in model.model_fields}
        assert classes <= {Privacy.PERSONAL, Privacy.SENSITIVE}, f"{name}: {model.__name__}"


@pytest.mark.parametrize(("name", "fact"), FACTS)
@pytest.mark.security(line="S11")
def test_no_field_has_a_name_that_promises_personal_data(name: str, fact: type[Fact]) -> None:
    telling = {"name", "nik", "nib", "npwp", "phone", "phones", "email", "address", "birth_date", "note", "reason"}
    for model in models_of(fact):
        assert not telling & set(model.model_fields), f"{name}: {model.__name__}"


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_every_fact_names_its_topic_and_its_aggregate(name: str, fact: type[Fact]) -> None:
    assert fact.AGGREGATE in fact.model_fields, name
    assert fact.TOPIC.startswith("umkm.")
    named = fact.NAME.partition(".")[0]
    assert SPEAKS_OF.get(named, named) == fact.TOPIC.removeprefix("umkm.")
