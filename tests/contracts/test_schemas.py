"""Contracts both ways: old data with the new model, new data with every stored schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from ops.contracts import SCHEMAS, document_of, example, folder_of, outdated, revisions, write
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact

FACTS = sorted(CONTRACTS.items())


def _stored_properties(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of the document and of each nested definition, by the name of the model."""
    parts = {"": document, **document.get("$defs", {})}
    return {name: part["properties"] for name, part in parts.items() if "properties" in part}


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


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_no_field_of_a_stored_schema_has_gone_or_changed_its_privacy_class(name: str, fact: type[Fact]) -> None:
    now = _stored_properties(document_of(fact))
    for document in revisions(name):
        for model, properties in _stored_properties(document).items():
            for field, described in properties.items():
                assert field in now[model], f"{name}: {model}.{field} is gone; that is a new major version"
                assert now[model][field]["x-privacy"] == described["x-privacy"]


def test_a_reader_tolerates_fields_it_does_not_know() -> None:
    for _, fact in FACTS:
        data = example(document_of(fact), full=True) | {"from_the_future": 1}
        assert "from_the_future" not in fact.model_validate(data).model_dump()


def test_every_stored_folder_belongs_to_a_contract() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {folder_of(name).name for name in CONTRACTS}


def test_a_changed_contract_gets_a_new_revision_and_keeps_the_old_one(tmp_path: Path) -> None:
    first = write(tmp_path)
    assert len(first) == len(CONTRACTS)
    first[0].write_text(first[0].read_text(encoding="utf-8").replace("x-privacy", "x-older"), encoding="utf-8")
    assert len(outdated(tmp_path)) == 1
    assert [path.name for path in write(tmp_path)] == ["002.json"]
    assert first[0].exists()
    assert outdated(tmp_path) == []
