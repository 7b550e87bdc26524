"""JSON Schemas of the contracts, derived from their models: what is stored, compared, and published.

Pure: no input, no output.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from shared.contracts.fact import Fact
from shared.contracts.privacy import privacy_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_SEALED = "nk1." + "0190f0c0a0007000800000000000abcd" + ".example.AAECAwQFBgcICQoLDA0ODw"
_BY_PATTERN = {
    r"^nk1\.[0-9a-f]{32}\.[a-z_]+\.[A-Za-z0-9_-]+$": _SEALED,
    r"^(64\.71\.\d{2}\.\d{4}|TIDAK_DIKETAHUI)$": "64.71.01.1001",
    r"^\d{5}$": "56102",
    r"^[1-9][0-9]{0,17}$": "7",
}
_BY_FORMAT = {
    "uuid": "0190f0c0-a000-7000-8000-00000000abcd",
    "date": "2026-01-31",
    "date-time": "2026-01-31T00:30:00+08:00",
}
_BY_TYPE: dict[str, Any] = {"integer": 7, "number": 7.5, "boolean": True, "string": "teks", "null": None}


class NoExampleError(ValueError):
    """A schema has a form for which this module knows no example."""


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield ``model`` and every model nested in its fields, each once."""
    seen: set[type[BaseModel]] = set()
    queue: list[Any] = [model]
    while queue:
        item = queue.pop()
        if isinstance(item, type) and issubclass(item, BaseModel):
            if item not in seen:
                seen.add(item)
                yield item
                queue.extend(field.annotation for field in item.model_fields.values())
        else:
            queue.extend(get_args(item))


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of a model, each property with its privacy class as ``x-privacy``."""
    schema = model.model_json_schema(mode="validation")
    for part in models_of(model):
        properties = (schema if part is model else schema["$defs"][part.__name__])["properties"]
        for name, described in properties.items():
            described["x-privacy"] = str(privacy_of(part, name))
    return schema


@cache
def document_of(fact: type[Fact]) -> Schema:
    """Return what is stored and published for ``fact``: its schema, the schema of its sealed part, and two examples.

    Each property carries ``x-privacy``. ``x-personal`` is the schema of what ``personal`` seals. Callers must not change it.
    """
    schema = schema_of(fact)
    document: Schema = {
        "$schema": DIALECT,
        "$id": fact.type_name(),
        "x-topic": fact.TOPIC,
        "x-aggregate": fact.AGGREGATE,
        **schema,
        "examples": [example(schema, full=True), example(schema, full=False)],
    }
    if fact.PERSONAL is not None:
        personal = schema_of(fact.PERSONAL)
        document["x-personal"] = {**personal, "examples": [example(personal, full=True), example(personal, full=False)]}
    return document


def example(schema: Schema, *, full: bool) -> Any:
    """Return a value that ``schema`` accepts: with every property, or with the required ones only."""
    return _value(schema, schema.get("$defs", {}), full)


def _value(schema: Schema, defs: Schema, full: bool) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs, full)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], defs, full)
    for key in ("const", "enum"):
        if key in schema:
            return schema[key] if key == "const" else schema[key][0]
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, defs, full)
    if kind == "array":
        return [_value(schema["items"], defs, full)] if full and "items" in schema else []
    return _scalar(schema)


def _object(schema: Schema, defs: Schema, full: bool) -> Schema:
    required = schema.get("required", ())
    properties = schema.get("properties", {}).items()
    return {name: _value(described, defs, full) for name, described in properties if full or name in required}


def _scalar(schema: Schema) -> Any:
    if "pattern" in schema and schema["pattern"] not in _BY_PATTERN:
        raise NoExampleError(f"{__name__} has no example for the pattern {schema['pattern']}")
    if "pattern" in schema:
        return _BY_PATTERN[schema["pattern"]]
    found = _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "")))
    if found is None and schema.get("type") != "null":
        raise NoExampleError(f"{__name__} has no example for {schema}")
    return found
