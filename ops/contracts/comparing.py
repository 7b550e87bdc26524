"""What changed between two JSON Schemas of a contract, and whom each change breaks.

Two directions are asked: may a reader with the old schema be given new events, and may one with the new schema be given old
events? A change is let through in a direction only where that follows from the change alone; what cannot be judged, such as
one pattern in the place of another, counts as breaking. Events are those that a model writes: with no field but its own.
Pure: no input, no output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Any

Schema = Mapping[str, Any]


class Breaks(StrEnum):
    """Who cannot go on as before."""

    OLD_READERS = "old readers with new events"
    NEW_READERS = "new readers with old events"
    AGREEMENTS = "what agencies may see"


OLD, NEW, BOTH = (Breaks.OLD_READERS,), (Breaks.NEW_READERS,), (Breaks.OLD_READERS, Breaks.NEW_READERS)

NEXT_MAJOR = "Make a model of the next major version, and publish both until nobody reads this one."
GIVE_DEFAULT = (
    "Give the field a default, so that events without it are read; else " + NEXT_MAJOR[0].lower() + NEXT_MAJOR[1:]
)
KEEP_FIELD = "Keep the field and fill it; else " + NEXT_MAJOR[0].lower() + NEXT_MAJOR[1:]
KEEP_CLASS = "Keep the class, and add a field of the other class with a default beside it."


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``path`` is the field, as in ``scores[].score``; empty for the event itself."""

    path: str
    what: str
    breaks: tuple[Breaks, ...] = ()
    advice: str = ""
    """What to do where it breaks something."""

    def sentence(self) -> str:
        """Return the field and what became of it."""
        return f"{self.path}: {self.what}" if self.path else self.what


def differences(old: Schema, new: Schema) -> list[Change]:
    """Return every change from the document ``old`` to ``new``, each once; empty only if they say the same."""
    found = [
        *_head(old, new),
        *Comparison(old.get("$defs", {}), new.get("$defs", {})).of(old, new),
        *_sealed(old.get("x-personal"), new.get("x-personal")),
    ]
    if not found and _told(old) != _told(new):
        found = [Change("", "it is written otherwise and means the same")]
    return list(dict.fromkeys(found))


def _told(document: Schema) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "examples"}


def _head(old: Schema, new: Schema) -> Iterator[Change]:
    for key, breaks in (("x-topic", OLD), ("x-aggregate", BOTH)):
        if old.get(key) != new.get(key):
            what = f"its {key.removeprefix('x-')} was {old.get(key)} and is {new.get(key)}"
            yield Change("", what, breaks, NEXT_MAJOR)


def _sealed(old: Schema | None, new: Schema | None) -> Iterator[Change]:
    """Compare what is sealed in ``personal``; its fields are shown as ``personal/name``."""
    if old is not None and new is not None:
        for change in Comparison(old.get("$defs", {}), new.get("$defs", {})).of(old, new):
            yield Change(f"personal/{change.path}".rstrip("/"), change.what, change.breaks, change.advice)
    elif old is not None:
        yield Change("personal", "the event no longer has a sealed part", OLD, KEEP_FIELD)
    elif new is not None:
        yield Change("personal", "the event has a sealed part now")


_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("format", "pattern", "multipleOf")
_TOLD = {"title", "description", "default", "examples", "x-privacy", "$defs", "$schema", "$id"}
_TOLD |= {"x-topic", "x-aggregate", "x-personal"}
_JUDGED = {
    *_LOWER,
    *_UPPER,
    *_EXACT,
    "type",
    "enum",
    "const",
    "items",
    "properties",
    "required",
    "additionalProperties",
}


class Comparison:
    """Compares two schemas whose references lead into ``old_defs`` and ``new_defs``."""

    def __init__(self, old_defs: Schema, new_defs: Schema) -> None:
        self._old_defs, self._new_defs = old_defs, new_defs
        self._open: list[tuple[str, str]] = []
        """The references that are being compared, so that one that leads to itself ends."""

    def of(self, old: Schema, new: Schema, path: str = "") -> Iterator[Change]:
        """Yield the changes from ``old`` to ``new``."""
        place = (str(old.get("$ref")), str(new.get("$ref")))
        if place != ("None", "None") and place in self._open:
            return
        self._open.append(place)
        yield from self._unions(path, old, new)
        self._open.pop()

    def _unions(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        befores, nows = alternatives(old, self._old_defs), alternatives(new, self._new_defs)
        pairs = _pair(befores, nows)
        if not pairs:
            yield Change(path, f"it was {_kinds(befores)} and is {_kinds(nows)}", BOTH, NEXT_MAJOR)
            return
        for kind in befores:
            yield Change(path, f"it may no longer be {_kind(kind)}", NEW, NEXT_MAJOR)
        for kind in nows:
            yield Change(path, f"it may also be {_kind(kind)}", OLD, NEXT_MAJOR)
        for before, now in pairs:
            yield from self._alternative(path, before, now)

    def _alternative(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        """Compare two schemas that are neither references nor unions."""
        yield from _types(path, old, new)
        yield from _values(path, old, new)
        yield from _bounds(path, old, new)
        for key in sorted((set(old) | set(new)) - _JUDGED - _TOLD):
            if old.get(key) != new.get(key):
                yield Change(path, f"{key} differs, and nobody here can judge that", BOTH, NEXT_MAJOR)
        if old.get("description") != new.get("description"):
            yield Change(path, "it is described otherwise")
        if "items" in old or "items" in new:
            yield from self.of(old.get("items", {}), new.get("items", {}), f"{path}[]")
        yield from self._members(path, old, new)
        yield from self._fields(path, old, new)

    def _members(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        """Compare the values of objects whose names are free."""
        before, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            yield from self.of(before, now, f"{path}{{}}")
        elif before != now:
            yield Change(path, "what it holds beside its fields differs", BOTH, NEXT_MAJOR)

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name in before:
            where = f"{path}.{name}" if path else name
            if name in now:
                yield from _duty(where, name, old, new)
                yield from self.of(before[name], now[name], where)
            else:
                perhaps = _renamed(name, before, now)
                yield Change(where, f"the field is gone{perhaps}: who reads it hears nothing more", OLD, KEEP_FIELD)
        for name in now:
            if name not in before:
                yield _added(f"{path}.{name}" if path else name, now[name], name in new.get("required", ()))


def alternatives(schema: Schema, defs: Schema) -> list[Schema]:
    """Return the schemas of which a value must meet one, references followed."""
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return [{**found, **beside} for found in alternatives(defs[schema["$ref"].rpartition("/")[2]], defs)]
    if "anyOf" in schema:
        beside = {key: value for key, value in schema.items() if key not in {"anyOf", *_TOLD}}
        return [{**found, **beside} for part in schema["anyOf"] for found in alternatives(part, defs)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _pair(befores: list[Schema], nows: list[Schema]) -> list[tuple[Schema, Schema]]:
    """Take from both lists those that answer to each other, and return them."""
    pairs = []
    ways: tuple[Callable[[Schema], Any], ...] = (
        lambda schema: schema,
        lambda schema: (schema.get("type"), schema.get("format"), schema.get("title")),
        lambda schema: (schema.get("type"), schema.get("format")),
        lambda schema: schema.get("type"),
        lambda schema: "number" if schema.get("type") == "integer" else schema.get("type"),
    )
    for way in ways:
        for before in list(befores):
            now = next((item for item in nows if way(item) == way(before)), None)
            if now is not None:
                befores.remove(before)
                nows.remove(now)
                pairs.append((before, now))
    return pairs


def _kind(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return f"one of {', '.join(sorted(_enum(schema) or ()))}"
    return " ".join(str(schema[key]) for key in ("type", "format") if key in schema) or "anything"


def _kinds(schemas: list[Schema]) -> str:
    return " or ".join(_kind(schema) for schema in schemas)


def _types(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, now = old.get("type"), new.get("type")
    if before != now:
        # Only an integer and a number are ever paired with types that differ.
        yield Change(path, f"its type was {before} and is {now}", OLD if before == "integer" else NEW, NEXT_MAJOR)


def _enum(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {dumps(schema["const"])}
    return {dumps(value) for value in schema["enum"]} if "enum" in schema else None


def _values(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, now = _enum(old), _enum(new)
    if before is None and now is not None:
        yield Change(path, f"only {', '.join(sorted(now))} may stand there now", NEW, NEXT_MAJOR)
    elif before is not None and now is None:
        yield Change(path, "other values than those listed may stand there now", OLD, NEXT_MAJOR)
    elif before is not None and now is not None:
        for value in sorted(before - now):
            yield Change(path, f"the value {value} is gone", NEW, "Keep the value, also if nobody writes it any more.")
        for value in sorted(now - before):
            yield Change(path, f"the value {value} is new", OLD, NEXT_MAJOR)


def _bounds(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    for key in (*_LOWER, *_UPPER, *_EXACT):
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        if before is None:
            yield Change(path, f"{key} is {now} now", NEW, NEXT_MAJOR)
        elif now is None:
            yield Change(path, f"{key} was {before} and is free now", OLD, NEXT_MAJOR)
        elif key in _EXACT:
            yield Change(path, f"{key} was {before} and is {now}", BOTH, NEXT_MAJOR)
        else:
            tighter = (now > before) if key in _LOWER else (now < before)
            yield Change(path, f"{key} was {before} and is {now}", NEW if tighter else OLD, NEXT_MAJOR)


def _duty(where: str, name: str, old: Schema, new: Schema) -> Iterator[Change]:
    """Compare how a field stands in its object: required or not, with which default, for whom."""
    was, now = name in old.get("required", ()), name in new.get("required", ())
    before, after = old["properties"][name], new["properties"][name]
    if was and not now:
        yield Change(where, "it may be missing now", OLD, "Keep it required; else " + NEXT_MAJOR)
    elif now and not was:
        yield Change(where, "it is required now", NEW, GIVE_DEFAULT)
    elif not now and before.get("default") != after.get("default"):
        what = f"an event without it meant {dumps(before.get('default'))} and means {dumps(after.get('default'))}"
        yield Change(where, what, NEW, NEXT_MAJOR)
    if before.get("x-privacy") != after.get("x-privacy"):
        what = f"its privacy class was {before.get('x-privacy')} and is {after.get('x-privacy')}"
        yield Change(where, what, (Breaks.AGREEMENTS,), KEEP_CLASS)


def _added(where: str, schema: Schema, required: bool) -> Change:
    if required:
        return Change(where, "the field is new and required: old events do not have it", NEW, GIVE_DEFAULT)
    return Change(where, f"the field is new; an event without it means {dumps(schema.get('default'))}")


def _renamed(name: str, before: Schema, now: Schema) -> str:
    """Return a guess at the field's new name: a new field of the same form."""
    form = _form(before[name])
    found = [other for other in now if other not in before and _form(now[other]) == form]
    return f" (renamed to {found[0]}?)" if len(found) == 1 else ""


def _form(schema: Schema) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"title", "description", "default"}}
