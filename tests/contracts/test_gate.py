"""The gate of contracts: what each kind of change is said to break, in each direction, and whether that is true."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, event, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, Field, create_model, field_validator

from ops.contracts.comparing import Breaks, differences
from ops.contracts.gate import IncompatibleContractError, all_findings, incompatibilities, refused, release
from ops.contracts.storing import SCHEMAS, folder_of, outdated, revisions, stored_types
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact, PersonalFields, Sealed
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC
from shared.contracts.registry import BusinessVerified, BusinessWorkersRecorded
from shared.contracts.schemas import document_of
from tests.contracts.events import events_of, judge_of

OLD, NEW, AGREED = Breaks.OLD_READERS, Breaks.NEW_READERS, Breaks.AGREEMENTS
FACTS = sorted(CONTRACTS.items())


def needed(kind: Any, privacy: Any = PUBLIC) -> tuple[Any, Any]:
    return Annotated[kind, privacy], ...


def optional(kind: Any, default: Any = None, privacy: Any = PUBLIC) -> tuple[Any, Any]:
    return Annotated[kind, privacy], default


def contract(**fields: Any) -> type[Fact]:
    """Return a contract with these fields beside its id."""
    made = create_model("ThingDone", __base__=Fact, thing_id=needed(UUID), **fields)
    made.NAME, made.TOPIC, made.AGGREGATE = "thing.done", "umkm.thing", "thing_id"
    return made


def part(**fields: Any) -> type[BaseModel]:
    return create_model("Part", **fields)


class Row(NamedTuple):
    """A change of fields, what is said of it, and whom it breaks."""

    old: dict[str, Any]
    new: dict[str, Any]
    said: str
    breaks: set[Breaks]
    shown: bool = True
    """An event shows each break. Not so where a reader goes on with less than it was told, or with another meaning."""


PLACE, KBLI = r"^(64\.71\.\d{2}\.\d{4}|TIDAK_DIKETAHUI)$", r"^\d{5}$"
A_OR_B, A_B_C = Literal["a", "b"], Literal["a", "b", "c"]

TABLE = {
    "a required field is removed": Row({"a": needed(str)}, {}, "a: the field is gone", {OLD}),
    "an optional field is removed": Row({"a": optional(str | None)}, {}, "a: the field is gone", {OLD}, shown=False),
    "an optional field is added": Row({}, {"a": optional(str | None)}, "a: the field is new; an event without", set()),
    "a required field is added": Row({}, {"a": needed(str)}, "a: the field is new and required", {NEW}),
    "a field is renamed": Row({"a": needed(int)}, {"b": needed(int)}, "(renamed to b?)", {OLD, NEW}),
    "a type is widened": Row({"a": needed(int)}, {"a": needed(float)}, "a: its type was integer", {OLD}),
    "a type is narrowed": Row({"a": needed(float)}, {"a": needed(int)}, "a: its type was number", {NEW}),
    "a type is another": Row({"a": needed(str)}, {"a": needed(int)}, "a: it was string and is integer", {OLD, NEW}),
    "null is let in": Row({"a": needed(str)}, {"a": needed(str | None)}, "a: it may also be null", {OLD}),
    "null is shut out": Row({"a": needed(str | None)}, {"a": needed(str)}, "a: it may no longer be null", {NEW}),
    "a union grows": Row({"a": needed(int | None)}, {"a": needed(int | str | None)}, "a: it may also be string", {OLD}),
    "a value is added": Row({"a": needed(A_OR_B)}, {"a": needed(A_B_C)}, 'a: the value "c" is new', {OLD}),
    "a value is removed": Row({"a": needed(A_B_C)}, {"a": needed(A_OR_B)}, 'a: the value "c" is gone', {NEW}),
    "values become free": Row({"a": needed(A_OR_B)}, {"a": needed(str)}, "a: other values than those", {OLD}),
    "values are listed": Row({"a": needed(str)}, {"a": needed(A_OR_B)}, "may stand there now", {NEW}),
    "a format is another": Row({"a": needed(date)}, {"a": needed(datetime)}, "a: format was date", {OLD, NEW}),
    "a format is asked for": Row({"a": needed(str)}, {"a": needed(date)}, "a: format is date now", {NEW}),
    "a format is given up": Row({"a": needed(date)}, {"a": needed(str)}, "a: format was date and is free", {OLD}),
    "a length is tightened": Row(
        {"a": needed(Annotated[str, Field(max_length=9)])},
        {"a": needed(Annotated[str, Field(max_length=5)])},
        "a: maxLength was 9 and is 5",
        {NEW},
    ),
    "a length is loosened": Row(
        {"a": needed(Annotated[str, Field(min_length=3)])},
        {"a": needed(Annotated[str, Field(min_length=1)])},
        "a: minLength was 3 and is 1",
        {OLD},
    ),
    "a bound is set": Row({"a": needed(int)}, {"a": needed(Annotated[int, Field(ge=0)])}, "a: minimum is 0 now", {NEW}),
    "a bound is lifted": Row({"a": needed(Annotated[int, Field(le=9)])}, {"a": needed(int)}, "maximum was 9", {OLD}),
    "a pattern is another": Row(
        {"a": needed(Annotated[str, Field(pattern=PLACE)])},
        {"a": needed(Annotated[str, Field(pattern=KBLI)])},
        "a: pattern was ^(64",
        {OLD, NEW},
    ),
    "a field becomes optional": Row({"a": needed(int)}, {"a": optional(int, 1)}, "a: it may be missing now", {OLD}),
    "a field becomes required": Row({"a": optional(int, 1)}, {"a": needed(int)}, "a: it is required now", {NEW}),
    "a default is another": Row(
        {"a": optional(bool, False)}, {"a": optional(bool, True)}, "means true", {NEW}, shown=False
    ),
    "a class is another": Row(
        {"a": needed(int, AGENCY)}, {"a": needed(int)}, "a: its privacy class was agency", {AGREED}, shown=False
    ),
    "an optional field of a part is added": Row(
        {"a": needed(tuple[part(x=needed(int)), ...])},
        {"a": needed(tuple[part(x=needed(int), y=optional(int | None)), ...])},
        "a[].y: the field is new",
        set(),
    ),
    "a required field of a part is added": Row(
        {"a": needed(tuple[part(x=needed(int)), ...])},
        {"a": needed(tuple[part(x=needed(int), y=needed(int)), ...])},
        "a[].y: the field is new and required",
        {NEW},
    ),
    "a value of a mapping is narrowed": Row(
        {"a": needed(dict[str, int | None])}, {"a": needed(dict[str, int])}, "a{}: it may no longer be null", {NEW}
    ),
    "a list has a least length": Row(
        {"a": needed(tuple[int, ...])},
        {"a": needed(Annotated[tuple[int, ...], Field(min_length=1)])},
        "a: minItems is 1 now",
        {NEW},
    ),
}


def _refused_by(reader: dict[str, Any], writer: dict[str, Any]) -> Any:
    """Return an event of ``writer`` that ``reader`` does not accept; raises where there is none."""
    accepts, quickly = judge_of(reader), settings(max_examples=300, database=None, phases=[Phase.generate])
    return find(events_of(writer), lambda data: not accepts(data), settings=quickly)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_each_kind_of_change_has_its_verdict_in_both_directions(row: Row) -> None:
    old, new = document_of(contract(**row.old)), document_of(contract(**row.new))
    found = differences(old, new)
    assert {item for change in found for item in change.breaks} == row.breaks, found
    assert any(row.said in change.sentence() for change in found), found
    assert all(bool(change.advice) == bool(change.breaks) for change in found)
    if row.shown:
        for reader, writer, whom in ((old, new, OLD), (new, old, NEW)):
            if whom in row.breaks:
                assert not judge_of(reader)(_refused_by(reader, writer))


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_a_contract_that_stays_has_no_change(row: Row) -> None:
    assert differences(document_of(contract(**row.old)), document_of(contract(**row.old))) == []


def test_another_topic_and_another_aggregate_are_told() -> None:
    before, after = contract(), contract(other_id=needed(UUID))
    after.TOPIC, after.AGGREGATE = "umkm.other", "other_id"
    found = {change.what: set(change.breaks) for change in differences(document_of(before), document_of(after))}
    assert found["its topic was umkm.thing and is umkm.other"] == {OLD}
    assert found["its aggregate was thing_id and is other_id"] == {OLD, NEW}


def test_the_sealed_part_is_judged_like_the_rest() -> None:
    made = []
    for fields in ({"name": needed(str, PERSONAL)}, {"name": needed(str, PERSONAL), "nik": needed(str, PERSONAL)}):
        fact = contract(personal=needed(Sealed, PERSONAL))
        fact.PERSONAL = create_model("ThingPersonal", __base__=PersonalFields, **fields)  # type: ignore[call-overload]
        made.append(document_of(fact))
    (change,) = differences(*made)
    assert (change.path, change.breaks) == ("personal/nik", (NEW,))
    (change,) = differences(made[1], made[0])
    assert (change.path, change.breaks) == ("personal/nik", (OLD,))


def test_what_means_the_same_is_told_as_that() -> None:
    document = document_of(contract(a=needed(int)))
    described = {**document, "description": "Something was done."}
    assert [(c.what, c.breaks) for c in differences(document, described)] == [("it is described otherwise", ())]
    titled = {**document, "title": "Done"}
    assert [c.what for c in differences(document, titled)] == ["it is written otherwise and means the same"]


NAMES = "abcd"


def _bounded(kind: str, least: str, most: str) -> SearchStrategy[Any]:
    bounds = st.fixed_dictionaries({}, optional={least: st.integers(0, 3), most: st.integers(3, 6)})
    return bounds.map(lambda found: {"type": kind, **found})


def _fields() -> SearchStrategy[Any]:
    scalar = st.one_of(
        _bounded("string", "minLength", "maxLength"),
        _bounded("integer", "minimum", "maximum"),
        _bounded("number", "minimum", "maximum"),
        st.sampled_from(["uuid", "date", "date-time"]).map(lambda name: {"type": "string", "format": name}),
        st.sets(st.sampled_from("xyz"), min_size=1).map(lambda found: {"type": "string", "enum": sorted(found)}),
        st.just({"type": "boolean"}),
        st.just({"$ref": "#/$defs/Part"}),
    )
    nullable = scalar.map(lambda one: {"anyOf": [one, {"type": "null"}]})
    many = st.tuples(scalar, _bounded("array", "minItems", "maxItems")).map(lambda two: {**two[1], "items": two[0]})
    named = scalar.map(lambda one: {"type": "object", "additionalProperties": one})
    union = st.tuples(scalar, scalar).map(lambda two: {"anyOf": list(two)})
    return st.one_of(scalar, nullable, many, named, union)


@st.composite
def changed_contracts(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a schema and what a change or two made of it."""

    def document(fields: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
        required = sorted(draw(st.sets(st.sampled_from(sorted(fields)))) if fields else ())
        return {"type": "object", "properties": fields, "required": required, "$defs": {"Part": inner}}

    leaf = st.sampled_from([{"type": "integer"}, {"type": "string", "maxLength": 4}, {"type": "string"}])
    inner = {"type": "object", "properties": {"x": draw(leaf)}, "required": ["x"]}
    old = document(draw(st.dictionaries(st.sampled_from(NAMES), _fields(), min_size=1)), inner)
    fields = dict(old["properties"])
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=2)):
        fields[name] = draw(_fields())
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=1)):
        fields.pop(name, None)
    changed = draw(st.sampled_from([inner, {**inner, "required": []}, {**inner, "properties": {"x": draw(leaf)}}]))
    new = document(fields, changed)
    if draw(st.booleans()):
        new["required"] = [name for name in old["required"] if name in fields]
    return old, new


def test_where_the_gate_says_compatible_every_event_of_one_side_is_read_by_the_other() -> None:
    tried: Counter[str] = Counter()

    @settings(max_examples=250, suppress_health_check=list(HealthCheck))
    @given(changed_contracts(), st.data())
    def hold(pair: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject) -> None:
        old, new = pair
        found = differences(old, new)
        broken = {item for change in found for item in change.breaks}
        for whom, reader, writer in ((OLD, old, new), (NEW, new, old)):
            verdict = f"{whom}: {'broken' if whom in broken else 'changed' if found else 'the same'}"
            tried[verdict] += 1
            event(verdict)
            if whom not in broken:
                sample = data.draw(events_of(writer))
                assert judge_of(reader)(sample), (found, sample)

    hold()
    assert min(tried[f"{whom}: {verdict}"] for whom in (OLD, NEW) for verdict in ("broken", "changed")) > 12, tried


BROKEN_BEFORE_THE_GATE = {"exhibition.opened.v1": 'criteria[].kind: the value "legalitas" is new'}
"""What went out, before values were compared, as a revision of the same major version: it is not to happen again."""


@pytest.mark.parametrize("name", stored_types())
def test_every_stored_revision_may_follow_the_one_before(name: str) -> None:
    stored = revisions(name)
    found = [change for old, new in pairwise(stored) for change in differences(old, new) if change.breaks]
    known = BROKEN_BEFORE_THE_GATE.get(folder_of(name).name)
    assert [change.sentence() for change in found] == ([known] if known else [])


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_random_events_of_every_contract_are_read_by_every_stored_schema_and_back(name: str, fact: type[Fact]) -> None:
    now, stored = document_of(fact), revisions(name)
    new_readers = judge_of(now)
    old_events = st.one_of([events_of(document) for document in stored])
    known_break = folder_of(name).name in BROKEN_BEFORE_THE_GATE
    old_readers = [judge_of(document) for document in (stored[-1:] if known_break else stored)]

    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        assert new_readers(data.draw(old_events))
        new_event = data.draw(events_of(now))
        assert all(accepts(new_event) for accepts in old_readers)

    hold()


class _MoreRequired(BusinessWorkersRecorded):
    counted_by: Annotated[str, PUBLIC]


class _OtherType(BusinessWorkersRecorded):
    as_of: Annotated[int, PUBLIC]  # type: ignore[assignment]


class _OtherPrivacy(BusinessWorkersRecorded):
    as_of: Annotated[date, AGENCY]


class _Choosy(BusinessWorkersRecorded):
    @field_validator("as_of")
    @classmethod
    def _recent(cls, day: date) -> date:
        if day.year < 3000:
            raise ValueError("too old")
        return day


class _FieldRemoved(BusinessVerified):
    NAME = BusinessWorkersRecorded.NAME


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (_MoreRequired, "counted_by: the field is new and required: old events do not have it [of revision 1]"),
        (_OtherType, "as_of: it was string date and is integer"),
        (_OtherPrivacy, "as_of: its privacy class was public and is agency"),
        (_FieldRemoved, "workers: the field is gone"),
        (_Choosy, "as_of: the model cannot read the stored example (value_error)"),
    ],
)
def test_the_gate_names_type_field_change_and_what_to_do(fact: type[Fact], said: str) -> None:
    reasons = incompatibilities(fact)
    assert any(said in reason for reason in reasons), reasons
    assert all(reason.startswith(BusinessWorkersRecorded.type_name()) for reason in reasons)
    assert all("Breaks " in reason and reason.endswith(".") for reason in reasons)


def test_the_gate_lets_every_contract_pass() -> None:
    assert refused(all_findings()) == []


def test_a_type_that_is_gone_is_refused_and_a_new_major_version_is_welcome(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    root, gone = tmp_path / "schemas", BusinessWorkersRecorded.type_name()
    without = {name: fact for name, fact in CONTRACTS.items() if name != gone}
    (finding,) = refused(all_findings(root, without))
    assert (finding.type, set(finding.change.breaks)) == (gone, {OLD, NEW})
    assert "Keep its model" in finding.sentence()

    class Second(_OtherType):
        MAJOR = 2

    both = {**CONTRACTS, Second.type_name(): Second}
    assert [(f.type, f.change.what) for f in all_findings(root, both)] == [
        (Second.type_name(), "major version 2 is new")
    ]
    assert [path.parent.name for path in release(root, both)] == ["business.workers_recorded.v2"]
    assert all_findings(root, both) == []
    (finding,) = refused(all_findings(root, {**without, Second.type_name(): Second}))
    assert finding.type == gone


def test_a_changed_contract_gets_a_new_revision_and_keeps_the_old_one(tmp_path: Path) -> None:
    first = release(tmp_path)
    assert len(first) == len(CONTRACTS) == len(stored_types(tmp_path))
    text = first[0].read_text(encoding="utf-8")
    first[0].write_text(text.replace('"title": "', '"x-unheard-of": "', 1), encoding="utf-8")
    (finding,) = refused(all_findings(tmp_path))
    assert "x-unheard-of differs" in finding.sentence()
    first[0].write_text(text.replace('"title": "', '"title": "Old ', 1), encoding="utf-8")
    assert len(outdated(tmp_path)) == 1
    assert [path.name for path in release(tmp_path)] == ["002.json"]
    assert first[0].exists()
    assert outdated(tmp_path) == []


def test_no_revision_is_written_while_one_contract_breaks(tmp_path: Path) -> None:
    release(tmp_path)
    name = BusinessWorkersRecorded.type_name()
    with pytest.raises(IncompatibleContractError, match="counted_by"):
        release(tmp_path, {**CONTRACTS, name: _MoreRequired, "id.go.balikpapan.umkm.thing.done.v1": contract()})
    assert [path.name for path in folder_of(name, tmp_path).iterdir()] == ["001.json"]
    assert len(stored_types(tmp_path)) == len(CONTRACTS)
