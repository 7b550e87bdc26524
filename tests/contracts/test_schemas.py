"""Contracts both ways: old data with the new model, new data with every stored schema."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from ops.contracts.storing import SCHEMAS, folder_of, revisions
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.schemas import document_of, example

FACTS = sorted(CONTRACTS.items())


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_the_newest_stored_schema_is_what_the_code_says(name: str, fact: type[Fact]) -> None:
    assert revisions(name)[-1:] == [document_of(fact)], "run `make schemas` and commit the new revision"


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_old_data_is_read_by_the_new_model(name: str, fact: type[Fact]) -> None:
    for document in revisions(name):
        for old in document["examples"]:
            assert json.loads(fact.model_validate(old).model_dump_json(exclude_unset=True)) == old


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_old_sealed_parts_are_read_by_the_new_model(name: str, fact: type[Fact]) -> None:
    for document in revisions(name):
        for old in document.get("x-personal", {}).get("examples", ()):
            assert fact.PERSONAL is not None
            assert json.loads(fact.PERSONAL.model_validate(old).model_dump_json(exclude_unset=True)) == old


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_new_data_is_accepted_by_every_stored_schema(name: str, fact: type[Fact]) -> None:
    schema = document_of(fact)
    for new in (example(schema, full=True), example(schema, full=False)):
        written = json.loads(fact.model_validate(new).model_dump_json())
        for document in revisions(name):
            jsonschema_rs.validate(document, written)


def test_a_reader_tolerates_fields_it_does_not_know() -> None:
    for _, fact in FACTS:
        data = example(document_of(fact), full=True) | {"from_the_future": 1}
        assert "from_the_future" not in fact.model_validate(data).model_dump()


def test_every_stored_folder_belongs_to_a_contract() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {folder_of(name).name for name in CONTRACTS}
