"""The facts of an import, written without the models: sign by sign what the models of the contracts would write."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.registry.importing import facts
from services.registry.importing.planning import Business, Owner
from services.registry.importing.rows import BusinessCells
from shared.contracts.fact import Fact
from shared.contracts.registry import (
    BusinessChanged,
    BusinessClass,
    BusinessDuplicateProposed,
    BusinessPersonal,
    BusinessRegistered,
    BusinessWorkersRecorded,
    ClassBasis,
    OwnerContactChanged,
    OwnerPersonal,
    OwnerRegistered,
)
from shared.identifiers import id_of, new_id, new_ids
from shared.sealing import new_key, open_text

DAY = date(2026, 11, 25)
MODELS: dict[str, type[Fact]] = {
    model.type_name(): model
    for model in (
        OwnerRegistered,
        OwnerContactChanged,
        BusinessRegistered,
        BusinessChanged,
        BusinessWorkersRecorded,
        BusinessDuplicateProposed,
    )
}
counts = st.none() | st.integers(0, 99)
amounts = st.none() | st.integers(0, 10**15)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
cells = st.builds(
    BusinessCells,
    texts,
    st.just("siti"),
    st.none() | texts,
    st.sampled_from(["64.71.01.1001", "TIDAK_DIKETAHUI"]),
    st.sampled_from(["jasa", "lainnya"]),
    st.none() | st.just(("2025", "56101")),
    st.none() | st.just("0812345678901"),
    amounts,
    amounts,
    st.none() | st.just(2022),
    st.sampled_from(BusinessClass),
    st.none() | st.sampled_from(ClassBasis),
    st.none() | st.tuples(counts, counts, counts, counts),
)
owners = st.builds(
    Owner,
    st.builds(new_id),
    st.just(3),
    st.none() | st.just("6471014107909901"),
    st.none(),
    texts,
    st.just("siti"),
    st.none() | st.dates(date(1920, 1, 1), date(2010, 1, 1)),
    st.lists(st.just("+6281200000001"), max_size=2),
    st.none() | st.just("siti@example.test"),
    st.lists(st.just("nik_kosong"), max_size=1),
)


def as_the_model_writes_it(row: facts.OutboxRow) -> str:
    """Return the JSON that the contract's model makes of a fact."""
    _, aggregate, kind, _, data = row
    fact = MODELS[kind].model_validate_json(data)
    assert fact.aggregate_id == aggregate
    return fact.model_dump_json()


@given(st.lists(owners, max_size=4))
def test_facts_of_owners_are_what_the_contracts_write(people: list[Owner]) -> None:
    keys = {owner.id: new_key() for owner in people}
    rows = [
        *facts.owners_registered(people, facts.Seals(keys)),
        *facts.owner_contacts_changed(people, facts.Seals(keys)),
    ]
    assert [as_the_model_writes_it(row) for row in rows] == [row[4] for row in rows]
    for owner, row in zip([*people, *people], rows, strict=True):
        sealed = MODELS[row[2]].model_validate_json(row[4]).personal  # type: ignore[attr-defined]
        expected = OwnerPersonal(
            name=owner.name, nik=owner.nik, birth_date=owner.birth_date, phones=tuple(owner.phones), email=owner.email
        )
        assert expected.model_dump_json().encode() == open_text(keys[owner.id], sealed)


@given(st.lists(cells, max_size=4), st.booleans(), st.sampled_from([("address",), ("workers",), ("nib", "workers")]))
def test_facts_of_businesses_are_what_the_contracts_write(
    told: list[BusinessCells], is_double: bool, changed: tuple[str, ...]
) -> None:
    owner = new_id()
    keys = {owner: new_key()}
    businesses = [
        Business(
            new_id(), 0, (owner,), new_id(), one, "diajukan", ["nib_ganda"], changed if one.workers else ("address",),
            None, new_id() if is_double else None, "telepon_nama",
        )
        for one in told
    ]  # fmt: skip
    rows = [
        *facts.businesses_registered(businesses, facts.Seals(keys), DAY),
        *facts.businesses_changed(businesses, facts.Seals(keys), DAY),
    ]
    assert [as_the_model_writes_it(row) for row in rows] == [row[4] for row in rows]
    registered = [
        MODELS[row[2]].model_validate_json(row[4]) for row in rows if row[2] == BusinessRegistered.type_name()
    ]
    for one, fact in zip(told, registered, strict=True):
        expected = BusinessPersonal(name=one.name, address=one.address, nib=one.nib)
        assert isinstance(fact, BusinessRegistered)
        assert expected.model_dump_json().encode() == open_text(keys[owner], fact.personal)


def test_identifiers_made_at_once_are_in_order_and_all_different() -> None:
    made = new_ids(1_000)
    assert made == sorted(set(made))
    assert {one.version for one in made} == {7}
    assert [UUID(bytes=one.bytes) for one in made] == made == [id_of(one.bytes) for one in made]
