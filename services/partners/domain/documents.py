"""The AsyncAPI 3 document of one agreement: the types, fields and ways that it grants, and what is public; nothing else. Pure.

What of a type may leave is decided where events are made (``showing``); here the same is said as a JSON Schema. From the side of who reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.partners.commands import Terms
from services.partners.domain.labels import stream_of
from services.partners.domain.models import Agreement
from services.partners.domain.public import PUBLIC_STREAMS
from services.partners.domain.showing import (
    OPEN,
    PERSONAL_PREFIX,
    SEALED,
    contract_of,
    shown_fields,
    wants_personal,
)
from shared.asyncapi import (
    SCHEMA_FORMAT,
    SCRAM,
    SHOWN_ATTRIBUTES,
    VERSION,
    Json,
    info_of,
    kafka_server,
    key_of,
    object_of,
    public_key,
    public_message,
    rooted,
    shown_headers_of,
)
from shared.contracts.partnership import DeliveryWay
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.schemas import document_of, example
from shared.topology import agency_topic

BROKER, PARTNERS, ENDPOINT = "kafka.example:9093", "partners.example", "instansi.example"
"""Stand for the broker, for us, and for the agency's own address: where they are is told with a user, a token, an endpoint."""
EVENT_TYPE, BATCH_TYPE = "application/cloudevents+json", "application/cloudevents-batch+json"
_TEXT, _UUID = {"type": "string"}, {"type": "string", "format": "uuid"}
_ENVELOPE: Json = {
    "specversion": {"const": "1.0"},
    "id": {**_UUID, "description": "The event's own id, the same each time that it comes."},
    "source": _TEXT,
    "type": _TEXT,
    "subject": {**_UUID, "description": "The aggregate's id."},
    "time": {"type": "string", "format": "date-time", "description": "When it happened, UTC."},
    "datacontenttype": {"const": "application/json"},
    "partitionkey": _UUID,
    "sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,17}$",
        "description": "Gapless per subject, from 1; of those you may be granted only some.",
    },
}
_QUERY: Json = {
    "type": "object",
    "properties": {
        "after": {**_TEXT, "description": "The cursor `Feed-Next` of the page before."},
        "since": {"type": "string", "format": "date-time"},
        "until": {"type": "string", "format": "date-time"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
        "wait": {"type": "number", "minimum": 0, "maximum": 30, "description": "Seconds to wait for the first event."},
    },
}
_REPLAY: Json = {**_UUID, "description": "Absent, or the id of the replay that it was posted again for."}
_SIGNED: Json = {
    "type": "object",
    "properties": {
        "content-type": {"const": EVENT_TYPE},
        "webhook-id": {**_UUID, "description": "The event's id."},
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$", "description": "Seconds since 1970."},
        "webhook-signature": {
            **_TEXT,
            "description": "Standard Webhooks: `v1,` and base64, one for each valid secret.",
        },
        "traceparent": {**_TEXT, "description": "Absent, or W3C Trace Context: with it you may go on with our trace."},
    },
    "required": ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"],
}


def data_schema(type_name: str, terms: Terms, *, personal: bool) -> Json:
    """Return the JSON Schema of ``data`` of a type, as ``show`` makes it under a text; ``personal``: by ways that open the sealed part.

    Every granted field is there, ``null`` if it has no value; ``personal`` alone may be absent. Raises ``LookupError`` for a type of
    which nothing is granted.
    """
    fact, fields = contract_of(type_name), shown_fields(type_name, terms)
    if fact is None or not fields:
        raise LookupError(f"nothing of {type_name} is granted")
    document = document_of(fact)
    made = object_of(document, fields)
    parts: Json = dict(document.get("$defs", {}))
    if personal and wants_personal(type_name, terms):
        sealed: Json = document["x-personal"]
        names = {name.removeprefix(PERSONAL_PREFIX) for name in fields if name.startswith(PERSONAL_PREFIX)}
        what = "Absent where the owner was erased or does not consent."
        made["properties"][SEALED] = {**object_of(sealed, names), "description": what}
        parts |= sealed.get("$defs", {})
    parts = {name: _open_part(part) for name, part in parts.items()}
    used = _reachable(made, parts)
    return made | ({"$defs": {name: parts[name] for name in used}} if used else {})


def _open_part(part: Json) -> Json:
    """Return a nested part as ``show`` gives it: only what is open leaves, whatever its parent is."""
    if "properties" not in part:
        return part
    return object_of(part, [name for name, described in part["properties"].items() if described["x-privacy"] in OPEN])


def _reachable(schema: Any, parts: Json) -> list[str]:
    """Return the parts that a schema refers to, also through others."""
    found: list[str] = []
    queue = [schema]
    while queue:
        item = queue.pop()
        if isinstance(item, dict):
            name = str(item.get("$ref", "")).removeprefix("#/$defs/")
            if name in parts and name not in found:
                found.append(name)
                queue.append(parts[name])
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)
    return sorted(found)


def event_schema(type_name: str, terms: Terms) -> Json:
    """Return the JSON Schema of a structured CloudEvent, as the feed and webhooks give it."""
    data = data_schema(type_name, terms, personal=True)
    parts = data.pop("$defs", None)
    properties = {name: _ENVELOPE[name] for name in SHOWN_ATTRIBUTES} | {"type": {"const": type_name}, "data": data}
    made: Json = {"type": "object", "properties": properties, "required": list(properties)}
    return made if parts is None else made | {"$defs": parts}


def agreement_document(agreement: Agreement, terms: Terms) -> Json:
    """Return the document of a text of an agreement."""
    types = sorted(grant.type for grant in terms.grants if shown_fields(grant.type, terms))
    document: Json = {
        "asyncapi": VERSION,
        "info": info_of(f"Naik Kelas: events for {terms.title}", f"{agreement.revision}.0.0", _told(agreement, terms)),
        "defaultContentType": "application/json",
        "servers": {},
        "channels": {},
        "operations": {},
        "components": {"messages": {}, "securitySchemes": {}},
    }
    if DeliveryWay.KAFKA in terms.ways:
        _add_kafka(document, agreement.agency, types, terms)
    if {DeliveryWay.WEBHOOK, DeliveryWay.FEED} & set(terms.ways):
        messages = document["components"]["messages"]
        messages.update({_event(name): _event_message(name, terms) for name in types})
    if DeliveryWay.WEBHOOK in terms.ways:
        _add_webhook(document, types)
    if DeliveryWay.FEED in terms.ways:
        _add_feed(document, types)
    return document


def _told(agreement: Agreement, terms: Terms) -> str:
    said = [
        f"What text {agreement.revision} of the agreement {agreement.id} grants to `{agreement.agency}`; other fields are absent."
    ]
    filters = (("kelurahan", terms.kelurahan), ("sector", terms.sectors), ("kelas", terms.classes))
    said += [f"Only events whose {name} is one of {', '.join(values)}." for name, values in filters if values]
    said.append(
        "An event may come more than once: drop by subject and sequence. Read past fields that you do not know."
    )
    return " ".join(said)


def _record(name: str) -> str:
    return f"{key_of(name)}_record"


def _event(name: str) -> str:
    return f"{key_of(name)}_event"


def _payload(schema: Json, message: str) -> Json:
    return {"schemaFormat": SCHEMA_FORMAT, "schema": rooted(schema, message)}


def _examples(schema: Json) -> list[Json]:
    return [{"name": "example1", "payload": example(schema, full=True)}]


def _message(name: str, schema: Json, message: str, content_type: str, **further: Any) -> Json:
    fact = contract_of(name)
    title = name if fact is None else fact.__name__
    return {
        "name": name,
        "title": title,
        "contentType": content_type,
        **further,
        "payload": _payload(schema, message),
    }


def _refs(channel: str, messages: Sequence[str]) -> tuple[Json, list[Json]]:
    """Return the messages of a channel, and the same as an operation on it names them."""
    held = {key: {"$ref": f"#/components/messages/{key}"} for key in messages}
    return held, [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in messages]


def _add(document: Json, channel: str, said: Json, messages: Sequence[str], summary: str, bindings: Json) -> None:
    """Add a channel with the operation that receives from it."""
    held, named = _refs(channel, messages)
    document["channels"][channel] = {**said, "messages": held}
    document["operations"][f"receive_{channel}"] = {
        "action": "receive",
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": named,
        "bindings": bindings,
    }


def _add_kafka(document: Json, agency: str, types: Sequence[str], terms: Terms) -> None:
    document["servers"]["kafka"] = kafka_server(BROKER, "kafka-secure")
    document["components"]["securitySchemes"]["scram"] = SCRAM
    for name in types:
        schema, key = data_schema(name, terms, personal=False), _record(name)
        document["components"]["messages"][key] = _message(
            name, schema, key, "application/json", headers=shown_headers_of(name), examples=_examples(schema)
        )
    said = {
        "address": agency_topic(agency).name,
        "description": "One aggregate per key, so that its events are in one partition and in order. Never personal data.",
        "servers": [{"$ref": "#/servers/kafka"}],
    }
    group = {"type": "string", "pattern": rf"^{agency}\.", "description": "The groups you may use."}
    binding = {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}
    _add(document, "kafka", said, [_record(name) for name in types], "Read your topic.", binding)
    _add_public(document, binding)


def _add_public(document: Json, binding: Json) -> None:
    """Add what every user of an agency may read, whatever its agreement grants."""
    for stream, topic in sorted(PUBLIC_STREAMS.items()):
        facts = {public_key(fact.type_name()): fact for fact in PUBLIC_FACTS if stream_of(fact.TOPIC) == stream}
        messages = {key: public_message(fact.type_name(), fact) for key, fact in facts.items()}
        document["components"]["messages"].update(messages)
        said = {
            "address": topic,
            "description": "What is public of the office's own programme, for every agency. It is kept for ever.",
            "servers": [{"$ref": "#/servers/kafka"}],
        }
        _add(document, f"public_{stream}", said, list(messages), f"Read what is public of {stream}.", binding)


def _event_message(name: str, terms: Terms) -> Json:
    schema = event_schema(name, terms)
    return _message(name, schema, _event(name), EVENT_TYPE, examples=_examples(schema))


def _add_webhook(document: Json, types: Sequence[str]) -> None:
    document["servers"]["endpoint"] = {"host": ENDPOINT, "protocol": "https", "description": "Your own address."}
    messages = document["components"]["messages"]
    for name in types:
        messages[_event(name)]["headers"] = _SIGNED
        messages[_event(name)]["payload"]["schema"]["properties"]["replay"] = _REPLAY
    said = {
        "address": None,
        "description": "The address of your endpoint.",
        "servers": [{"$ref": "#/servers/endpoint"}],
    }
    binding = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}
    _add(document, "webhook", said, [_event(name) for name in types], "Be posted one event at a time.", binding)


def _add_feed(document: Json, types: Sequence[str]) -> None:
    described = "The address that the office gave you, with a bearer token of role `instansi`."
    document["servers"]["partners"] = {
        "host": PARTNERS,
        "protocol": "https",
        "description": described,
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }
    document["components"]["securitySchemes"]["bearer"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    streams: dict[str, list[str]] = {}
    for name in types:
        fact = contract_of(name)
        if fact is not None:
            streams.setdefault(stream_of(fact.TOPIC), []).append(name)
    for stream, names in sorted(streams.items()):
        page = f"{stream}_page"
        events = [{"$ref": f"#/components/messages/{_event(name)}/payload/schema"} for name in names]
        document["components"]["messages"][page] = {
            "name": page,
            "title": f"A page of {stream}",
            "contentType": BATCH_TYPE,
            "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"type": "array", "items": {"oneOf": events}}},
        }
        said = {
            "address": f"/feed/{stream}",
            "description": "Pages of events; where the next one begins is in the header `Feed-Next`.",
            "servers": [{"$ref": "#/servers/partners"}],
        }
        binding = {"http": {"method": "GET", "query": _QUERY, "bindingVersion": "0.3.0"}}
        _add(document, f"feed_{stream}", said, [page], f"Ask for the next events of {stream}.", binding)
