"""Facts of which a reader looks at some fields only, decoded by msgspec structs that are derived from the contracts. Pure.

An import tells its followers of a hundred thousand facts and more, of which they keep a few fields each (decision 26). A struct
with those fields is decoded in a fifth of the time in which the contract checks all of them. Fields, types and defaults are the
contract's; its patterns and ranges are not checked again: the registry checked them when it made the fact, and nobody else may
write its topics.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec
from pydantic import BaseModel

from shared.contracts.fact import Fact
from shared.envelope import EnvelopeError, Read, read_fact


def struct_of(model: type[BaseModel], fields: Collection[str]) -> type[msgspec.Struct]:
    """Return a struct with some of a model's fields; it bears the fact's name, major and topic, and where its aggregate's id is."""
    found: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, field in model.model_fields.items():
        if name in fields:
            kind = _kind(field.annotation)
            found.append((name, kind) if field.is_required() else (name, kind, field.default))
    namespace: dict[str, Any] = {}
    if issubclass(model, Fact):
        namespace = {name: getattr(model, name) for name in ("NAME", "MAJOR", "TOPIC", "AGGREGATE")}
        namespace["aggregate_id"] = property(attrgetter(model.AGGREGATE))
    return msgspec.defstruct(model.__name__, found, namespace=namespace, kw_only=True, frozen=True, gc=False)


def _kind(annotation: Any) -> Any:
    """Return the type that msgspec reads where pydantic reads ``annotation``: models become structs, marks go."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return Union[tuple(_kind(part) for part in get_args(annotation))]  # noqa: UP007 - made from a tuple
    if origin is tuple:
        return tuple[_kind(get_args(annotation)[0]), ...]  # type: ignore[misc]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return struct_of(annotation, annotation.model_fields)
    return NoneType if annotation is None else annotation


def lean_reader(kept: Mapping[type[Fact], Collection[str]]) -> Read:
    """Return what reads of these contracts the named fields and the aggregate's id alone, and all other facts whole.

    What it reads has the attributes of a fact, and is none: look at its ``NAME``, not at its class.
    """
    models = {model.type_name(): (model, fields) for model, fields in kept.items()}

    @cache  # made when the first record of a type comes, not when a module is imported
    def decoder_of(type_name: str) -> msgspec.json.Decoder[Any] | None:
        if type_name not in models:
            return None
        model, fields = models[type_name]
        return msgspec.json.Decoder(struct_of(model, {model.AGGREGATE, *fields}))

    def read(type_name: str, value: bytes | None) -> Fact:
        decoder = decoder_of(type_name)
        if decoder is None or value is None:
            return read_fact(type_name, value)
        try:
            return cast("Fact", decoder.decode(value))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EnvelopeError(f"{type_name}: {type(error).__name__}") from None  # its text may hold a value

    return read
