"""What may be seen of a parked event's content: fields of its contract that are not personal and hold what they may hold.

A parked event may be broken in any way, so nothing is trusted: names that the contract does not have are only counted, a value
that does not fit its field is kept back, and so is what the mask of the logs takes for a person's. No input or output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.privacy import Privacy, privacy_of
from shared.masking import mask_text

SEALED = "[pribadi]"
"""Stands for a personal field, sealed or not."""
WRONG = "[tidak sesuai kontrak]"
NESTED = "[bersusun]"
FREE = "[teks]"
"""Stands for words that no code and no form of the contract confines: a name may have come to stand there."""
LONGEST = 200
_CONFINED = {"pattern", "format", "enum", "const"}
_OPEN = {Privacy.PUBLIC, Privacy.AGENCY}

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a record's value."""

    size: int
    """Bytes."""
    readable: bool
    """It is a JSON object of a type that has a contract; without that no field is shown."""
    fields: dict[str, Value]
    """By the names of the contract, each value as it is or one of the words in brackets."""
    unknown_fields: int
    """How many fields the contract does not know."""


def shown(value: bytes | None, type_name: str | None) -> Shown:
    """Return what may be seen of a value."""
    size, fact = len(value or b""), CONTRACTS.get(type_name or "")
    try:
        content = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        content = None
    if fact is None or not isinstance(content, dict):
        return Shown(size, False, {}, 0)
    known = [name for name in fact.model_fields if name in content]
    fields = {name: _shown(fact, name, content[name]) for name in known}
    return Shown(size, True, fields, len(content) - len(known))


def _shown(fact: type[Fact], name: str, value: Any) -> Value:
    if privacy_of(fact, name) not in _OPEN:
        return SEALED
    if isinstance(value, dict | list):
        return NESTED  # whatever stands in it, and however deep
    if mask_text(str(value)) != str(value):
        return SEALED
    return _fitting(TypeAdapter(fact.model_fields[name].rebuild_annotation()), value)


def _fitting(adapter: TypeAdapter[Any], value: Any) -> Value:
    try:
        adapter.validate_json(orjson.dumps(value))
    except ValidationError:
        return WRONG
    if not isinstance(value, str):
        return value if value is None or isinstance(value, int | float) else WRONG
    return FREE if _free(adapter.json_schema()) else value[:LONGEST]


def _free(schema: dict[str, Any]) -> bool:
    """Tell whether a text in this field may be any words."""
    return any(part.get("type") == "string" and not _CONFINED & part.keys() for part in schema.get("anyOf", [schema]))
