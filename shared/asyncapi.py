"""The AsyncAPI 3 document of the events, made of the models and the topology: channels, messages, operations, access.

It is written from the side of who reads: an operation ``receive`` for each topic. Pure: no input, no output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.contracts.schemas import document_of
from shared.envelope import SCHEMA_BASE
from shared.topology import PRINCIPALS, TOPICS, Principal, Topic

VERSION = "3.0.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-07"

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
    principals: Sequence[Principal] = PRINCIPALS,
) -> Json:
    """Return the document of ``types``, or of all: with the topics that carry them and the principals that read or write those.

    ``bootstrap`` is ``host:port`` of a broker; ``protocol`` is ``kafka-secure`` or ``kafka`` (no TLS); ``schemas`` begins each
    ``dataschema``. Raises ``KeyError`` for a type that no event has.
    """
    facts = {name: CONTRACTS[name] for name in sorted(CONTRACTS if types is None else types)}
    topics = [topic for topic in TOPICS if any(fact.TOPIC == topic.name for fact in facts.values())]
    return {
        "asyncapi": VERSION,
        "info": info_of("Naik Kelas: events", "1.0.0", _DESCRIPTION),
        "defaultContentType": "application/json",
        "servers": {"kafka": kafka_server(bootstrap, protocol)},
        "channels": {key_of(topic.name): _channel(topic, facts) for topic in topics},
        "operations": _operations(topics, facts, principals),
        "components": {
            "messages": {key_of(name): _message(name, fact, schemas) for name, fact in facts.items()},
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


def _channel(topic: Topic, facts: Mapping[str, type[Fact]]) -> Json:
    carried = [name for name, fact in facts.items() if fact.TOPIC == topic.name]
    return {
        "address": topic.name,
        "description": "One aggregate per key, so that its events are in one partition and in order.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {key_of(name): {"$ref": f"#/components/messages/{key_of(name)}"} for name in carried},
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


def _operations(topics: Sequence[Topic], facts: Mapping[str, type[Fact]], principals: Sequence[Principal]) -> Json:
    """Return what each principal does with each topic: ``send`` or ``receive``, with the groups that it may use."""
    found: Json = {}
    for principal in principals:
        for topic in topics:
            for action, rights in (("send", principal.writes), ("receive", principal.reads)):
                if topic.name in rights:
                    found[f"{principal.name}_{action}_{key_of(topic.name)}"] = _operation(
                        action, principal, topic, facts
                    )
    return found


def _operation(action: str, principal: Principal, topic: Topic, facts: Mapping[str, type[Fact]]) -> Json:
    channel = f"#/channels/{key_of(topic.name)}"
    doing = "publishes to" if action == "send" else "reads"
    made: Json = {
        "action": action,
        "summary": f"{principal.name} {doing} {topic.name}.",
        "channel": {"$ref": channel},
        "messages": [
            {"$ref": f"{channel}/messages/{key_of(name)}"} for name, fact in facts.items() if fact.TOPIC == topic.name
        ],
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
