"""The AsyncAPI document over HTTP, and the same as a page for people: made on the server, nothing from elsewhere, no script.

The service that mounts it serves the style sheet of ``shared.web_pages`` too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from shared.asyncapi import asyncapi_document
from shared.auth import public
from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.schemas import document_of
from shared.topology import PRINCIPALS, PUBLIC_TOPICS, TOPICS, public_topic
from shared.web.contracts import cached_answer
from shared.web_pages import HERE, PAGE_HEADERS, page_environment

BROKER = "kafka.example:9093"
"""Stands for the broker in what everybody may read; its address comes with a reader's user."""

Schema = dict[str, Any]


class Field(NamedTuple):
    """A row of a type's table; ``path`` is the field's name, of parts as in ``scores[].score``."""

    path: str
    kind: str
    required: bool
    privacy: str


def fields_of(schema: Schema, defs: Schema, before: str = "") -> Iterator[Field]:
    """Yield the fields of a schema, and after each those of the part that it holds."""
    for name, described in schema.get("properties", {}).items():
        path = f"{before}{name}"
        yield Field(path, _kind(described, defs), name in schema.get("required", ()), described["x-privacy"])
        for part, many in _parts(described, defs):
            yield from fields_of(part, defs, f"{path}{'[]' if many else ''}.")


def _target(schema: Schema, defs: Schema) -> Schema:
    found: Schema = defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _parts(schema: Schema, defs: Schema, many: bool = False) -> Iterator[tuple[Schema, bool]]:
    """Yield the objects that a field holds, and whether it holds a list of them."""
    target = _target(schema, defs)
    if "properties" in target:
        yield target, many
    for inner in target.get("anyOf", ()):
        yield from _parts(inner, defs, many)
    if isinstance(target.get("items"), dict):
        yield from _parts(target["items"], defs, True)


def _kind(schema: Schema, defs: Schema) -> str:
    target = _target(schema, defs)
    if "anyOf" in target:
        return " or ".join(_kind(part, defs) for part in target["anyOf"])
    if "enum" in target or "const" in target:
        return f"one of {', '.join(map(str, target.get('enum') or [target['const']]))}"
    if target.get("type") == "array":
        return f"list of {_kind(target.get('items', {}), defs)}"
    if "properties" in target:
        return str(target.get("title", "object"))
    return str(target.get("format") or target.get("type", "anything"))


def _told(name: str, fact: type[Fact]) -> dict[str, Any]:
    document = document_of(fact)
    sealed = document.get("x-personal", {})
    return {
        "name": name,
        "short": name.removeprefix(f"{TYPE_PREFIX}."),
        "what": document.get("description", ""),
        "fields": list(fields_of(document, document.get("$defs", {}))),
        "sealed": list(fields_of(sealed, sealed.get("$defs", {}), "personal/")),
    }


def _topics() -> list[dict[str, Any]]:
    return [
        {
            "name": topic.name,
            "writers": [item.name for item in PRINCIPALS if topic.name in item.writes],
            "readers": [item.name for item in PRINCIPALS if topic.name in item.reads],
            "messages": [_told(name, fact) for name, fact in sorted(CONTRACTS.items()) if fact.TOPIC == topic.name],
        }
        for topic in TOPICS
    ]


def _public() -> list[dict[str, Any]]:
    """Return the public topics, each with the types that it carries."""
    return [
        {
            "name": topic.name,
            "messages": [
                fact.type_name().removeprefix(f"{TYPE_PREFIX}.")
                for fact in PUBLIC_FACTS
                if public_topic(fact.TOPIC) == topic
            ],
        }
        for topic in PUBLIC_TOPICS
    ]


@cache
def _document(schemas: str) -> dict[str, Any]:
    return asyncapi_document(bootstrap=BROKER, schemas=schemas)


@cache
def _body(schemas: str) -> bytes:
    return orjson.dumps(_document(schemas), option=orjson.OPT_INDENT_2)


@cache
def _page(schemas: str) -> bytes:
    document = _document(schemas)
    headers = next(iter(document["components"]["messages"].values()))["headers"]
    template = page_environment(HERE).get_template("asyncapi.html")
    return template.render(info=document["info"], headers=headers, topics=_topics(), public=_public()).encode()


def asyncapi_router(schemas: str) -> APIRouter:
    """Return the routes ``/asyncapi`` and ``/asyncapi.json``; ``schemas`` begins the ``dataschema`` of events.

    Both are made when they are first asked for, in a thread: it takes a tenth of a second.
    """
    router = APIRouter(include_in_schema=False, dependencies=[Depends(public())])

    @router.get("/asyncapi.json")
    def asyncapi(request: Request) -> Response:
        return cached_answer(request, _body(schemas), "application/json")

    @router.get("/asyncapi")
    def asyncapi_page(request: Request) -> Response:
        response = cached_answer(request, _page(schemas), "text/html; charset=utf-8")
        response.headers.update(PAGE_HEADERS)
        return response

    return router
