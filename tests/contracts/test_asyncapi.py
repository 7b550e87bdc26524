"""The AsyncAPI document: valid by the project's own parser, and true to models, topology and what is on the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

import jsonschema_rs
import orjson
import pytest
import yaml
from typer.testing import CliRunner

from ops.cli import contracts as command
from services.partners.domain.public import public_form
from services.partners.domain.records import record_parts
from shared.asyncapi import asyncapi_document, public_key
from shared.contracts import CONTRACTS
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.registry import BUSINESS_TOPIC, BusinessVerified, BusinessWorkersRecorded
from shared.contracts.schemas import document_of
from shared.envelope import Event, EventMeta, to_kafka
from shared.topology import DECLARED_TOPICS, EVERY_AGENCY, PRINCIPALS, Principal, public_topic
from tests.contracts.events import judge_of
from tests.contracts.parser import judged, needs_parser
from tests.partners.test_showing import an_event

SOME = [BusinessVerified.type_name(), BusinessWorkersRecorded.type_name()]
DRAFT = "http://json-schema.org/draft-07/schema#"


@needs_parser
@pytest.mark.parametrize("types", [None, SOME], ids=["all", "some"])
def test_parser_of_the_asyncapi_project_finds_no_fault(types: list[str] | None) -> None:
    document = asyncapi_document(types)
    found = judged(document)
    faults = [item for item in found["diagnostics"] if item["severity"] <= 1]  # 0 an error, 1 a warning
    assert faults == []
    assert found["counts"] == {
        "version": "3.0.0",
        "channels": len(document["channels"]),
        "operations": len(document["operations"]),
        "messages": len(document["components"]["messages"]),
    }


@needs_parser
def test_parser_of_the_asyncapi_project_sees_a_fault() -> None:
    document = asyncapi_document(SOME)
    document["operations"]["training_receive_umkm_business"]["channel"]["$ref"] = "#/channels/nowhere"
    assert [item for item in judged(document)["diagnostics"] if item["severity"] == 0]


def test_every_type_is_a_message_of_its_topic() -> None:
    document = asyncapi_document()
    assert {channel["address"] for channel in document["channels"].values()} == {
        topic.name for topic in DECLARED_TOPICS
    }
    carried = {name: channel["address"] for channel in document["channels"].values() for name in channel["messages"]}
    messages = document["components"]["messages"]
    assert set(messages) == set(carried)
    assert {messages[key]["name"]: topic for key, topic in carried.items() if not key.startswith("public_")} == {
        name: fact.TOPIC for name, fact in CONTRACTS.items()
    }
    assert {messages[key]["name"]: topic for key, topic in carried.items() if key.startswith("public_")} == {
        fact.type_name(): public_topic(fact.TOPIC).name for fact in PUBLIC_FACTS
    }


def test_what_is_public_is_described_as_it_is_written() -> None:
    messages = asyncapi_document()["components"]["messages"]
    for fact in PUBLIC_FACTS:
        event = an_event(fact, Random(1))
        shown = public_form(event)
        assert shown is not None
        key, value, headers = record_parts(shown)
        message = messages[public_key(fact.type_name())]
        document = {**message["payload"]["schema"], "components": {"messages": {public_key(fact.type_name()): message}}}
        judge = jsonschema_rs.validator_for(document)
        data = orjson.loads(value)
        judge.validate(data)
        assert set(data) == set(message["payload"]["schema"]["properties"])
        assert {name for name, _ in headers} == set(message["headers"]["required"])
        assert not judge.is_valid({name: told for name, told in data.items() if name != fact.AGGREGATE})
        assert key.decode() == data[fact.AGGREGATE]


def test_operations_are_the_rights_of_the_topology() -> None:
    found = {
        (item["tags"][0]["name"], item["action"], item["channel"]["$ref"].rpartition("/")[2].replace("_", "."))
        for item in asyncapi_document()["operations"].values()
    }
    assert found == {
        (principal.name, action, topic)
        for principal in (*PRINCIPALS, EVERY_AGENCY)
        for action, topics in (("receive", principal.reads), ("send", principal.writes))
        for topic in topics
    }


def test_a_reader_is_told_its_groups_and_how_it_logs_in() -> None:
    agency = Principal("agency", reads=(BUSINESS_TOPIC,), group_prefix="agency.x.")
    document = asyncapi_document(SOME, bootstrap="kafka.example:9093", principals=[agency])
    (operation,) = document["operations"].values()
    assert operation["bindings"]["kafka"]["groupId"]["pattern"] == "^agency.x."
    server = document["servers"]["kafka"]
    assert (server["host"], server["protocol"]) == ("kafka.example:9093", "kafka-secure")
    (security,) = server["security"]
    assert document["components"]["securitySchemes"][security["$ref"].rpartition("/")[2]]["type"] == "scramSha512"


def test_only_the_types_that_were_asked_for_are_told() -> None:
    document = asyncapi_document(SOME)
    assert {message["name"] for message in document["components"]["messages"].values()} == set(SOME)
    assert [channel["address"] for channel in document["channels"].values()] == [BUSINESS_TOPIC]
    told = json.dumps(document)
    assert not [name for name in CONTRACTS if name not in SOME and f'"{name}"' in told]
    with pytest.raises(KeyError):
        asyncapi_document(["id.go.balikpapan.umkm.business.flown.v1"])


def _standing_alone(document: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the payload's schema with its references leading into itself."""
    text = json.dumps(document["components"]["messages"][key]["payload"]["schema"])
    schema: dict[str, Any] = json.loads(text.replace(f"#/components/messages/{key}/payload/schema/", "#/"))
    return {"$schema": DRAFT, **schema}


def test_payloads_accept_what_the_contracts_write() -> None:
    document = asyncapi_document()
    for key, message in document["components"]["messages"].items():
        accepts = judge_of(_standing_alone(document, key))
        told = document_of(CONTRACTS[message["name"]])["examples"]
        for example in told[:1] if key.startswith("public_") else told:  # what is public of a type is always whole
            assert accepts(example), message["name"]
        assert not accepts({})


@pytest.mark.parametrize("traced", [True, False])
def test_headers_are_those_on_the_wire(traced: bool) -> None:
    thing, name = uuid4(), BusinessVerified.type_name()
    trace = ("caused", "00-" + "a" * 32 + "-" + "b" * 16 + "-01") if traced else (None, None)
    meta = EventMeta(uuid4(), name, "registry", str(thing), datetime.now(UTC), 7, "c", trace[0], "command", trace[1])
    _, _, sent = to_kafka(Event(meta, BusinessVerified(business_id=thing)))
    headers = {key: value.decode() for key, value in sent}
    schema = asyncapi_document([name])["components"]["messages"]["business_verified_v1"]["headers"]
    accepts = judge_of({"$schema": DRAFT, **schema, "additionalProperties": False})
    assert accepts(headers)
    assert not accepts({**headers, "ce_sequence": "0"})
    assert not accepts({key: value for key, value in headers.items() if key != "ce_subject"})


def test_the_command_prints_the_same_as_json_and_as_yaml() -> None:
    words = ["asyncapi", "--types", "business.verified.v1, business.workers_recorded.v1"]
    printed = CliRunner().invoke(command.app, words)
    assert json.loads(printed.stdout) == asyncapi_document(SOME)
    assert yaml.safe_load(CliRunner().invoke(command.app, [*words, "--yaml"]).stdout) == asyncapi_document(SOME)
    unknown = CliRunner().invoke(command.app, ["asyncapi", "--types", "business.flown.v1", "--json"])
    assert unknown.exit_code == 1
    assert "business.flown.v1" in json.loads(unknown.stdout)["error"]
