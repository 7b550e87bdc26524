"""Reading some fields of a fact: the same values as the contract reads, and what is no such fact is refused without its values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessRegistered, BusinessVerified, OwnerRegistered
from shared.contracts.schemas import document_of, example
from shared.envelope import EnvelopeError, UnknownTypeError, read_fact
from shared.lean import lean_reader

FACTS = sorted(CONTRACTS.items())


def plain(value: Any) -> Any:
    """Return a value as JSON has it, of a struct as of a model."""
    names = getattr(value, "__struct_fields__", None) or getattr(type(value), "model_fields", None)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, int | float) else str(value)


@pytest.mark.parametrize(("name", "fact"), FACTS)
@pytest.mark.parametrize("full", [True, False])
def test_every_field_of_every_contract_is_read_as_the_contract_reads_it(
    name: str, fact: type[Fact], full: bool
) -> None:
    value = json.dumps(example(document_of(fact), full=full)).encode()
    whole, lean = read_fact(name, value), lean_reader({fact: fact.model_fields})(name, value)
    assert (lean.NAME, lean.TOPIC, lean.aggregate_id) == (whole.NAME, whole.TOPIC, whole.aggregate_id)
    for field in fact.model_fields:
        assert plain(getattr(lean, field)) == plain(getattr(whole, field)), field


def test_only_what_is_kept_is_read_and_other_types_are_read_whole() -> None:
    read = lean_reader({BusinessRegistered: ("kelurahan",)})
    name = BusinessRegistered.type_name()
    value = json.dumps(example(document_of(BusinessRegistered), full=True) | {"capital": "banyak"}).encode()
    lean = read(name, value)
    assert plain(lean) == {"business_id": str(lean.aggregate_id), "kelurahan": "64.71.01.1001"}
    with pytest.raises(EnvelopeError):
        read_fact(name, value)
    other = json.dumps(example(document_of(BusinessVerified), full=True)).encode()
    assert isinstance(read(BusinessVerified.type_name(), other), BusinessVerified)


@pytest.mark.parametrize(
    "value",
    [
        b"bukan json",
        b"[]",
        b"{}",
        b'{"owner_id": "6471014107909901"}',
        b'{"owner_id": 6471014107909901}',
        b"\xff",
        None,
    ],
)
def test_what_is_no_such_fact_is_refused_without_its_values(value: bytes | None) -> None:
    with pytest.raises(EnvelopeError) as caught:
        lean_reader({OwnerRegistered: ()})(OwnerRegistered.type_name(), value)
    assert "6471014107909901" not in str(caught.value)


def test_a_type_without_contract_is_unknown_here_too() -> None:
    with pytest.raises(UnknownTypeError):
        lean_reader({})("id.go.balikpapan.umkm.owner.registered.v9", b"{}")
