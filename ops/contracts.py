"""Stored JSON Schemas of the contracts: one folder per type and major version, one file per revision.

``python -m ops.contracts write`` adds a revision where a contract differs from its newest one and leaves the old
ones as they are, so that new data can be held against every schema that a reader may still have.
``python -m ops.contracts check`` exits 1 and names the contracts whose newest revision is not the code's.
Both are the gate: they refuse a contract that cannot read what is in the topics, or that readers at work cannot read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
from pydantic import BaseModel, ValidationError

from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.contracts.privacy import privacy_of

SCHEMAS = Path(__file__).parents[1] / "tests" / "contracts" / "schemas"

_SEALED = "nk1." + "0190f0c0a0007000800000000000abcd" + ".example.AAECAwQFBgcICQoLDA0ODw"
_BY_PATTERN = {
    r"^nk1\.[0-9a-f]{32}\.[a-z_]+\.[A-Za-z0-9_-]+$": _SEALED,
    r"^(64\.71\.\d{2}\.\d{4}|TIDAK_DIKETAHUI)$": "64.71.01.1001",
    r"^\d{5}$": "56102",
}
_BY_FORMAT = {
    "uuid": "0190f0c0-a000-7000-8000-00000000abcd",
    "date": "2026-01-31",
    "date-time": "2026-01-31T00:30:00+08:00",
}
_BY_TYPE: dict[str, Any] = {"integer": 7, "number": 7.5, "boolean": True, "string": "teks", "null": None}


class IncompatibleContractError(ValueError):
    """Contracts that may not be published under their major version; the message has a line for each reason."""


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


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    for part in models_of(model):
        properties = (schema if part is model else schema["$defs"][part.__name__])["properties"]
        for name, described in properties.items():
            described["x-privacy"] = str(privacy_of(part, name))
    return schema


def document_of(fact: type[Fact]) -> dict[str, Any]:
    """Return what is stored for ``fact``: its schema, the schema of its sealed part, and two examples.

    Each property carries ``x-privacy``. ``x-personal`` is the schema of what ``personal`` seals.
    """
    schema = _schema(fact)
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": fact.type_name(),
        "x-topic": fact.TOPIC,
        "x-aggregate": fact.AGGREGATE,
        **schema,
        "examples": [example(schema, full=True), example(schema, full=False)],
    }
    if fact.PERSONAL is not None:
        personal = _schema(fact.PERSONAL)
        document["x-personal"] = {**personal, "examples": [example(personal, full=True), example(personal, full=False)]}
    return document


def example(schema: dict[str, Any], *, full: bool) -> Any:
    """Return a value that ``schema`` accepts: with every property, or with the required ones only."""
    return _value(schema, schema.get("$defs", {}), full)


def _value(schema: dict[str, Any], defs: dict[str, Any], full: bool) -> Any:
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


def _object(schema: dict[str, Any], defs: dict[str, Any], full: bool) -> dict[str, Any]:
    required = schema.get("required", ())
    properties = schema.get("properties", {}).items()
    return {name: _value(described, defs, full) for name, described in properties if full or name in required}


def _scalar(schema: dict[str, Any]) -> Any:
    if "pattern" in schema and schema["pattern"] not in _BY_PATTERN:
        raise NoExampleError(f"ops/contracts.py has no example for the pattern {schema['pattern']}")
    if "pattern" in schema:
        return _BY_PATTERN[schema["pattern"]]
    found = _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "")))
    if found is None and schema.get("type") != "null":
        raise NoExampleError(f"ops/contracts.py has no example for {schema}")
    return found


def folder_of(type_name: str, root: Path = SCHEMAS) -> Path:
    """Return the folder of a type's revisions, for example ``business.registered.v1``."""
    return root / type_name.removeprefix(f"{TYPE_PREFIX}.")


def revisions(type_name: str, root: Path = SCHEMAS) -> list[dict[str, Any]]:
    """Return the stored documents of a type, oldest first."""
    paths = sorted(folder_of(type_name, root).glob("[0-9][0-9][0-9].json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def outdated(root: Path = SCHEMAS) -> list[str]:
    """Return the types whose newest stored revision is not what the code says."""
    return [name for name, fact in CONTRACTS.items() if revisions(name, root)[-1:] != [document_of(fact)]]


def incompatibilities(fact: type[Fact], root: Path = SCHEMAS) -> list[str]:
    """Return why this contract is another major version: what it cannot read of old data, or others of its own."""
    name, now, found = fact.type_name(), document_of(fact), list[str]()
    new = [example(now, full=True), example(now, full=False)]
    for number, document in enumerate(revisions(name, root), 1):
        found += [f"{name}: {text} of revision {number}" for text in _unreadable(fact, document)]
        found += [f"{name}: {text} of revision {number}" for text in _foreign(fact, document, new)]
        found += [f"{name}: {text}, which revision {number} has" for text in _gone(now, document)]
    return list(dict.fromkeys(found))


def _unreadable(fact: type[Fact], document: dict[str, Any]) -> Iterator[str]:
    """Yield what the model cannot read of the stored examples."""
    parts = [
        (fact, document),
        *([(fact.PERSONAL, document["x-personal"])] if fact.PERSONAL and "x-personal" in document else []),
    ]
    for model, described in parts:
        for old in described["examples"]:
            try:
                model.model_validate(old)
            except ValidationError as error:
                first = error.errors()[0]
                yield f"its model cannot read {'.'.join(map(str, first['loc']))} ({first['type']})"


def _foreign(fact: type[Fact], document: dict[str, Any], new: Sequence[Any]) -> Iterator[str]:
    """Yield what readers that have the stored schema cannot read of new data."""
    for data in new:
        try:
            jsonschema_rs.validate(document, json.loads(fact.model_validate(data).model_dump_json()))
        except jsonschema_rs.ValidationError as error:
            where = ".".join(map(str, error.instance_path))
            yield f"new data does not fit the schema ({where + ': ' if where else ''}{error.message[:80]})"


def _gone(now: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """Yield fields that are no longer there, or of another privacy class."""
    present = properties_of(now)
    for model, properties in properties_of(document).items():
        for field, described in properties.items():
            if field not in present.get(model, {}):
                yield f"{f'{model}.' if model else ''}{field} is gone"
            elif present[model][field]["x-privacy"] != described["x-privacy"]:
                yield f"{f'{model}.' if model else ''}{field} has another privacy class"


def properties_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of the document and of each nested definition, by the name of the model."""
    parts = {"": document, **document.get("$defs", {})}
    return {name: part["properties"] for name, part in parts.items() if "properties" in part}


def _refuse_incompatible(root: Path) -> None:
    reasons = [reason for fact in CONTRACTS.values() for reason in incompatibilities(fact, root)]
    if reasons:
        raise IncompatibleContractError(
            "\n".join([*reasons, "That is a new major version, published beside the old one."])
        )


def write(root: Path = SCHEMAS) -> list[Path]:
    """Store a new revision for each outdated type and return the files written. Raises ``IncompatibleContractError``."""
    _refuse_incompatible(root)
    written: list[Path] = []
    for name in outdated(root):
        folder = folder_of(name, root)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(revisions(name, root)) + 1:03}.json"
        path.write_text(json.dumps(document_of(CONTRACTS[name]), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def main(arguments: list[str]) -> int:
    """Run ``write`` or ``check``."""
    if arguments not in (["write"], ["check"]):
        sys.stderr.write("usage: python -m ops.contracts write|check\n")
        return 2
    try:
        _refuse_incompatible(SCHEMAS)
    except IncompatibleContractError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments == ["write"]:
        paths = write()
        sys.stdout.write("".join(f"{path.relative_to(SCHEMAS)}\n" for path in paths) or "nothing changed\n")
        return 0
    late = outdated()
    sys.stdout.write("".join(f"{name}: run `make schemas`\n" for name in late))
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
