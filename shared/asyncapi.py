"""The AsyncAPI 3 document of the events, made of the models and the topology: channels, messages, operations, access.

It is written from the side of who reads: an operation ``receive`` for each topic. Pure: no input, no output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.contracts.public import PUBLIC_FACTS, public_fields
from shared.contracts.schemas import document_of, example
from shared.envelope import SCHEMA_BASE
from shared.topology import EVERY_AGENCY, PRINCIPALS, PUBLIC_TOPICS, TOPICS, Principal, Topic, public_topic

VERSION = "3.0.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-07"
SHOWN_ATTRIBUTES = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "partitionkey",
    "sequence",
)
"""What stands in the envelope of every event that leaves the platform, beside ``data``."""

Json = dict[str, Any]

SCRAM: Json = {"type": "scramSha512", "description": "A Kafka user of your own, with the rights listed here."}
"""How readers of Kafka log in; ``kafka_server`` names it ``scram``."""
_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
_DESCRIPTION = (
    "Facts about micro, small and medium businesses of Balikpapan, as CloudEvents 1.0 in Kafka's binary mode: the attributes are "
    "headers, the value is the data alone. An event may come more than once: drop by `ce_subject` and `ce_sequence`. Events of one "
    "aggregate come in order, between aggregates there is none. Read past fields and types that you do not know."
)


def asyncapi_document(
    types: Collection[str] | None = None,
    *,
    bootstrap: str = "localhost:9092",
    protocol: str = "kafka-secure",
    schemas: str = SCHEMA_BASE,
    principals: Sequence[Principal] = (*PRINCIPALS, EVERY_AGENCY),
) -> Json:
    """Return the document of ``types``, or of all: with the topics that carry them and the principals that read or write those.

    What is public of them has a channel of its own, with messages of the fields that are public.

    ``bootstrap`` is ``host:port`` of a broker; ``protocol`` is ``kafka-secure`` or ``kafka`` (no TLS); ``schemas`` begins each
    ``dataschema``. Raises ``KeyError`` for a type that no event has.
    """
    facts = {name: CONTRACTS[name] for name in sorted(CONTRACTS if types is None else types)}
    carried = {topic.name: _carried(topic, facts) for topic in (*TOPICS, *PUBLIC_TOPICS)}
    topics = [topic for topic in (*TOPICS, *PUBLIC_TOPICS) if carried[topic.name]]
    public = {public_key(name): public_message(name, fact) for name, fact in facts.items() if fact in PUBLIC_FACTS}
    return {
        "asyncapi": VERSION,
        "info": info_of("Naik Kelas: events", "1.0.0", _DESCRIPTION),
        "defaultContentType": "application/json",
        "servers": {"kafka": kafka_server(bootstrap, protocol)},
        "channels": {key_of(topic.name): _channel(topic, carried[topic.name]) for topic in topics},
        "operations": _operations(topics, carried, principals),
        "components": {
            "messages": {key_of(name): _message(name, fact, schemas) for name, fact in facts.items()} | public,
            "securitySchemes": {"scram": SCRAM},
        },
    }


def key_of(name: str) -> str:
    """Return a topic or type as a name that AsyncAPI takes for a key."""
    return name.removeprefix(f"{TYPE_PREFIX}.").replace(".", "_")


def info_of(title: str, version: str, description: str) -> Json:
    """Return what a document says of itself."""
    return {
        "title": title,
        "version": version,
        "description": description,
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def kafka_server(bootstrap: str, protocol: str) -> Json:
    """Return the broker at ``host:port``."""
    return {
        "host": bootstrap,
        "protocol": protocol,
        "description": "Apache Kafka; every client has a user of its own.",
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    }


def public_key(name: str) -> str:
    """Return the key of the message with what is public of a type."""
    return f"public_{key_of(name)}"


def _carried(topic: Topic, facts: Mapping[str, type[Fact]]) -> list[str]:
    """Return the keys of the messages that a topic carries: facts whole, or what is public of them."""
    inner = [key_of(name) for name, fact in facts.items() if fact.TOPIC == topic.name]
    public = [(name, public_topic(fact.TOPIC).name) for name, fact in facts.items() if fact in PUBLIC_FACTS]
    return inner + [public_key(name) for name, found in public if found == topic.name]


def _channel(topic: Topic, carried: Iterable[str]) -> Json:
    return {
        "address": topic.name,
        "description": "One aggregate per key, so that its events are in one partition and in order.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in carried},
        # Partitions may be added, so no number of them is promised here.
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topics: Sequence[Topic], carried: Mapping[str, Sequence[str]], principals: Sequence[Principal]) -> Json:
    """Return what each principal does with each topic: ``send`` or ``receive``, with the groups that it may use."""
    found: Json = {}
    for principal in principals:
        for topic in topics:
            for action, rights in (("send", principal.writes), ("receive", principal.reads)):
                if topic.name in rights:
                    key = f"{principal.name}_{action}_{key_of(topic.name)}"
                    found[key] = _operation(action, principal, topic, carried[topic.name])
    return found


def _operation(action: str, principal: Principal, topic: Topic, carried: Iterable[str]) -> Json:
    channel = f"#/channels/{key_of(topic.name)}"
    doing = "publishes to" if action == "send" else "reads"
    made: Json = {
        "action": action,
        "summary": f"{principal.name} {doing} {topic.name}.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{key}"} for key in carried],
        "tags": [{"name": principal.name}],
    }
    if action == "receive" and principal.group_prefix is not None:
        group = {"type": "string", "pattern": f"^{principal.group_prefix}", "description": "The groups it may use."}
        made["bindings"] = {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}
    return made


def _message(name: str, fact: type[Fact], schemas: str) -> Json:
    document = document_of(fact)
    payload = rooted(
        {key: value for key, value in document.items() if key not in {"$schema", "examples"}}, key_of(name)
    )
    return {
        "name": name,
        "title": fact.__name__,
        "summary": str(document.get("description", fact.__name__)).split("\n")[0],
        "contentType": "application/json",
        "headers": headers_of(name, schemas),
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": payload},
        "bindings": {"kafka": {"key": {**_UUID, "description": "The aggregate's id."}, "bindingVersion": "0.5.0"}},
        "examples": [
            {"name": f"example{number}", "payload": data} for number, data in enumerate(document["examples"], 1)
        ],
    }


def public_message(name: str, fact: type[Fact]) -> Json:
    """Return the message with what is public of a type."""
    document, key = document_of(fact), public_key(name)
    schema = object_of(document, public_fields(fact)) | ({"$defs": document["$defs"]} if "$defs" in document else {})
    return {
        "name": name,
        "title": f"{fact.__name__}, what is public of it",
        "summary": str(document.get("description", fact.__name__)).split("\n")[0],
        "contentType": "application/json",
        "headers": shown_headers_of(name),
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": rooted(schema, key)},
        "bindings": {"kafka": {"key": {**_UUID, "description": "The aggregate's id."}, "bindingVersion": "0.5.0"}},
        "examples": [{"name": "example1", "payload": example(schema, full=True)}],
    }


def object_of(schema: Json, names: Iterable[str]) -> Json:
    """Return the schema of an object of which only some properties leave, and those always."""
    wanted = set(names)
    kept = {name: described for name, described in schema["properties"].items() if name in wanted}
    told: Json = {key: schema[key] for key in ("title", "description") if key in schema}
    return {"type": "object", **told, "properties": kept, "required": sorted(kept)}


def shown_headers_of(name: str) -> Json:
    """Return the schema of the headers of a record that leaves the platform: the attributes that it has, always."""
    wanted = {"content-type", *(f"ce_{attribute}" for attribute in SHOWN_ATTRIBUTES)}
    kept = {key: value for key, value in headers_of(name, "")["properties"].items() if key in wanted}
    return {"type": "object", "properties": kept, "required": list(kept)}


def rooted(schema: Any, message: str) -> Any:
    """Return a schema in draft 7's words, its references leading to where it stands in the document: the payload of a message."""
    if isinstance(schema, list):
        return [rooted(item, message) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: rooted(value, message) for key, value in schema.items() if key not in {"$id", "x-personal"}}
    if "$defs" in made:
        made["definitions"] = made.pop("$defs")
    if "$ref" in made:
        path = made["$ref"].removeprefix("#/$defs/")
        made["$ref"] = f"#/components/messages/{message}/payload/schema/definitions/{path}"
    return made


def headers_of(name: str, schemas: str) -> Json:
    """Return the schema of the CloudEvents attributes, as Kafka headers; every value is UTF-8 text."""
    properties: Json = {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**_UUID, "description": "The event's own id."},
        "ce_type": {"const": name},
        "ce_source": {**_TEXT, "description": "The service that publishes."},
        "ce_subject": {**_UUID, "description": "The aggregate's id; also the key and ce_partitionkey."},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, UTC."},
        "ce_dataschema": {"const": f"{schemas}{name}"},
        "ce_partitionkey": _UUID,
        "ce_sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]{0,17}$",
            "description": "Gapless per aggregate, from 1.",
        },
        "ce_correlationid": {**_TEXT, "description": "What this belongs to, across services."},
        "ce_causationid": {**_TEXT, "description": "The event that led to this one."},
        "ce_origin": {"enum": ["command", "import"]},
        "ce_traceparent": {**_TEXT, "description": "W3C Trace Context."},
    }
    optional = {"ce_causationid", "ce_traceparent"}
    return {"type": "object", "properties": properties, "required": [key for key in properties if key not in optional]}
