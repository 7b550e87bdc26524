"""Random events that a JSON Schema accepts, and whether one is accepted, by a judge that nobody here wrote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from string import ascii_letters, digits
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = dict[str, Any]

_FORMATS: dict[str, SearchStrategy[Any]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(lambda day: day.isoformat()),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
}


def judge_of(schema: Schema) -> Callable[[Any], bool]:
    """Return what tells whether ``schema`` accepts a value, formats included."""
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid


def events_of(schema: Schema) -> SearchStrategy[Any]:
    """Return values as a model of this schema writes them: with its own fields and no others."""
    return _values(schema, schema.get("$defs", {}))


def _values(schema: Schema, defs: Schema) -> SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return st.one_of([_values(part, defs) for part in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type")
    if kind == "object":
        return _objects(schema, defs)
    if kind == "array":
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 3), least + 3)
        return st.lists(_values(schema["items"], defs), min_size=least, max_size=most)
    return _scalars(schema)


def _objects(schema: Schema, defs: Schema) -> SearchStrategy[Any]:
    if isinstance(schema.get("additionalProperties"), dict):
        return st.dictionaries(
            st.text(ascii_letters, max_size=3), _values(schema["additionalProperties"], defs), max_size=3
        )
    fields = {name: _values(part, defs) for name, part in schema.get("properties", {}).items()}
    needed = {name: fields[name] for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional={name: fields[name] for name in fields if name not in needed})


def _scalars(schema: Schema) -> SearchStrategy[Any]:
    kind = schema.get("type")
    if kind == "string" and "format" in schema:
        return _FORMATS[schema["format"]]
    if kind == "string" and "pattern" in schema:
        return st.from_regex(
            schema["pattern"], fullmatch=True, alphabet=st.sampled_from(ascii_letters + digits + "._-")
        )
    if kind == "string":
        least = schema.get("minLength", 0)
        return st.text(min_size=least, max_size=schema.get("maxLength", least + 8))
    if kind == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    if kind == "number":
        return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
    return {"boolean": st.booleans(), "null": st.none()}[kind or "null"]
