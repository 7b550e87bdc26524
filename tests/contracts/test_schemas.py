"""Contracts both ways: old data with the new model, new data with every stored schema."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar

import jsonschema_rs
import pytest

from ops.contracts import (
    SCHEMAS,
    IncompatibleContractError,
    document_of,
    example,
    folder_of,
    incompatibilities,
    outdated,
    properties_of,
    revisions,
    write,
)
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC
from shared.contracts.registry import BusinessVerified, BusinessWorkersRecorded

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


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_no_field_of_a_stored_schema_has_gone_or_changed_its_privacy_class(name: str, fact: type[Fact]) -> None:
    now = properties_of(document_of(fact))
    for document in revisions(name):
        for model, properties in properties_of(document).items():
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
    first[0].write_text(first[0].read_text(encoding="utf-8").replace('"title"', '"x-title"'), encoding="utf-8")
    assert len(outdated(tmp_path)) == 1
    assert [path.name for path in write(tmp_path)] == ["002.json"]
    assert first[0].exists()
    assert outdated(tmp_path) == []


class _MoreRequired(BusinessWorkersRecorded):
    counted_by: Annotated[str, PUBLIC]


class _OtherType(BusinessWorkersRecorded):
    as_of: Annotated[int, PUBLIC]  # type: ignore[assignment]


class _OtherPrivacy(BusinessWorkersRecorded):
    as_of: Annotated[date, AGENCY]


class _FieldRemoved(BusinessVerified):
    NAME: ClassVar[str] = BusinessWorkersRecorded.NAME


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (_MoreRequired, "its model cannot read counted_by (missing) of revision 1"),
        (_OtherType, "its model cannot read as_of"),
        (_OtherType, "new data does not fit the schema (as_of: "),
        (_OtherPrivacy, "as_of has another privacy class, which revision 1 has"),
        (_FieldRemoved, "workers is gone, which revision 1 has"),
        (_FieldRemoved, "new data does not fit the schema"),
    ],
)
def test_the_gate_says_why_a_contract_is_another_major_version(fact: type[Fact], said: str) -> None:
    reasons = incompatibilities(fact)
    assert any(said in reason for reason in reasons), reasons


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_the_gate_lets_every_contract_pass(name: str, fact: type[Fact]) -> None:
    assert incompatibilities(fact) == []


def test_no_revision_of_an_incompatible_contract_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setitem(CONTRACTS, BusinessWorkersRecorded.type_name(), _MoreRequired)
    with pytest.raises(IncompatibleContractError, match="counted_by"):
        write(tmp_path)
    assert [path.name for path in folder_of(BusinessWorkersRecorded.type_name(), tmp_path).iterdir()] == ["001.json"]
