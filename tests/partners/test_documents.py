"""The AsyncAPI document of an agreement: exactly what it grants, in the form in which events come, valid by the project's own parser."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.partners.commands import Terms
from services.partners.domain.documents import agreement_document, data_schema, event_schema
from services.partners.domain.models import Agreement, Label
from services.partners.domain.records import record_parts
from services.partners.domain.showing import contract_of, may_grant, show
from shared.asyncapi import SHOWN_ATTRIBUTES, asyncapi_document, key_of
from shared.contracts import CONTRACTS
from shared.contracts.fact import PersonalFields
from shared.contracts.partnership import AgreementState, DeliveryWay, Grant, LegalBasis
from shared.contracts.schemas import document_of
from shared.envelope import Event, EventMeta
from shared.topology import PUBLIC_TOPICS
from tests.contracts.events import events_of, judge_of
from tests.contracts.parser import faults_of, judged, needs_parser
from tests.desk import rule_of
from tests.partners.bureau import AGENCY, NAMES, OPEN, OWNER, REGISTERED, VERIFIED, Bureau
from tests.partners.portal import visitor

DRAFT = "http://json-schema.org/draft-07/schema#"
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
TYPES = sorted(name for name in CONTRACTS if contract_of(name) is not None)
WAYS = tuple(DeliveryWay)
BASIS = LegalBasis.KEWAJIBAN_HUKUM


def grantable(type_name: str) -> list[str]:
    """Return every field of a type that an agreement may grant."""
    fact = CONTRACTS[type_name]
    sealed = () if fact.PERSONAL is None else fact.PERSONAL.model_fields
    names = [*fact.model_fields, *(f"personal.{name}" for name in sealed)]
    return [name for name in names if may_grant(fact, name, BASIS)]


def terms_of(grants: dict[str, list[str]], ways: tuple[DeliveryWay, ...] = WAYS, **changes: Any) -> Terms:
    """Return a text with these grants."""
    said: dict[str, Any] = {
        "title": "DPMPTSP",
        "legal_basis": BASIS,
        "legal_reference": "PKS",
        "purpose": "Izin",
        "contact": "Data",
        "grants": tuple(Grant(type=name, fields=tuple(fields)) for name, fields in grants.items()),
        "ways": ways,
        "starts_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return Terms(**(said | changes))


def document_with(terms: Terms) -> dict[str, Any]:
    """Return the document of a signed agreement."""
    agreement = Agreement(UUID(int=7), 4, AGENCY, AgreementState.AKTIF, 1, 1, terms, None)
    return agreement_document(agreement, terms)


def closed(schema: Any) -> Any:
    """Return a schema that accepts no property that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    return made | ({"additionalProperties": False} if isinstance(made.get("properties"), dict) else {})


ALL = {name: grantable(name) for name in TYPES}


@needs_parser
@pytest.mark.parametrize("ways", [WAYS, *((way,) for way in WAYS)], ids=lambda ways: "-".join(ways))
def test_parser_of_the_asyncapi_project_finds_no_fault(ways: tuple[DeliveryWay, ...]) -> None:
    document = document_with(terms_of({REGISTERED: ALL[REGISTERED], OWNER: ALL[OWNER], VERIFIED: ALL[VERIFIED]}, ways))
    assert faults_of(document) == []
    counts = judged(document)["counts"]
    assert (counts["version"], counts["channels"]) == ("3.0.0", len(document["channels"]))
    assert counts["operations"] == len(document["operations"]) > 0


@needs_parser
def test_parser_of_the_asyncapi_project_finds_no_fault_with_everything_that_may_be_granted() -> None:
    assert faults_of(document_with(terms_of(ALL))) == []


@needs_parser
def test_parser_of_the_asyncapi_project_sees_a_fault() -> None:
    document = document_with(terms_of({VERIFIED: ["business_id"]}))
    document["channels"]["kafka"]["messages"]["business_verified_v1_record"]["$ref"] = "#/components/messages/none"
    assert faults_of(document)


@settings(max_examples=300)
@given(st.data())
def test_what_is_shown_of_any_event_is_what_the_document_says_and_nothing_else(data: st.DataObject) -> None:
    type_name = data.draw(st.sampled_from(TYPES))
    fact = CONTRACTS[type_name]
    fields = sorted({fact.AGGREGATE, *data.draw(st.sets(st.sampled_from(grantable(type_name))))})
    terms = terms_of({type_name: fields})
    document = document_of(fact)
    made = fact.model_validate(data.draw(events_of(document)))
    personal: PersonalFields | None = None
    if fact.PERSONAL is not None and data.draw(st.booleans()):
        personal = fact.PERSONAL.model_validate(data.draw(events_of(document["x-personal"])))
    meta = EventMeta(uuid4(), type_name, "/x", str(made.aggregate_id), NOW, 3, "k", None, "command", None)
    shown = show(Event(meta, made), Label(), terms, personal)
    assert shown is not None
    assert set(shown) == {*SHOWN_ATTRIBUTES, "data"}
    assert judge_of(closed(event_schema(type_name, terms)))(shown)
    without = show(Event(meta, made), Label(), terms, None)
    assert without is not None
    assert judge_of(closed(data_schema(type_name, terms, personal=False)))(without["data"])
    for field in shown["data"]:
        lacking = {name: value for name, value in shown["data"].items() if name != field}
        accepted = judge_of(event_schema(type_name, terms))(shown | {"data": lacking})
        assert accepted is (field == "personal"), field


@pytest.mark.parametrize("type_name", TYPES)
def test_a_field_that_is_not_granted_stands_nowhere(type_name: str) -> None:
    fact = CONTRACTS[type_name]
    document = document_with(terms_of({type_name: [fact.AGGREGATE]}))
    messages = document["components"]["messages"]
    own = {key: message for key, message in messages.items() if not key.startswith("public_")}
    assert {message["name"] for key, message in own.items() if not key.endswith("_page")} == {type_name}
    short = type_name.removeprefix("id.go.balikpapan.umkm.").replace(".", "_")
    event = messages[f"{short}_event"]["payload"]["schema"]
    record = messages[f"{short}_record"]["payload"]["schema"]
    assert set(event["properties"]["data"]["properties"]) == set(record["properties"]) == {fact.AGGREGATE}
    assert "definitions" not in event
    own_alone = document | {"components": {"messages": own}}
    assert not [name for name in CONTRACTS if name != type_name and f'"{name}"' in json.dumps(own_alone)]
    (example,) = messages[f"{short}_event"]["examples"]
    assert set(example["payload"]["data"]) == {fact.AGGREGATE}


def test_names_come_by_feed_and_webhook_and_never_by_kafka() -> None:
    document = document_with(terms_of({REGISTERED: ["business_id", "personal.name"]}))
    messages = document["components"]["messages"]
    event = messages["business_registered_v1_event"]["payload"]["schema"]["properties"]["data"]
    assert set(event["properties"]["personal"]["properties"]) == {"name"}
    assert event["required"] == ["business_id"]
    assert set(messages["business_registered_v1_record"]["payload"]["schema"]["properties"]) == {"business_id"}
    without = document_with(
        terms_of({REGISTERED: ["business_id", "personal.name"]}, legal_basis=LegalBasis.TANPA_DATA_PRIBADI)
    )
    assert '"personal"' not in json.dumps(without)


def test_only_the_ways_that_are_granted_are_told() -> None:
    grants = {REGISTERED: ["business_id"], OWNER: ["owner_id"]}
    told = {way: set(document_with(terms_of(grants, (way,)))["channels"]) for way in WAYS}
    assert told == {
        DeliveryWay.KAFKA: {"kafka", "public_course", "public_exhibition", "public_outlet"},
        DeliveryWay.WEBHOOK: {"webhook"},
        DeliveryWay.FEED: {"feed_business", "feed_owner"},
    }
    whole = document_with(terms_of(grants, kelurahan=("64.71.01.1001",)))
    assert whole["channels"]["kafka"]["address"] == f"umkm.agency.{AGENCY}"
    assert whole["operations"]["receive_kafka"]["bindings"]["kafka"]["groupId"]["pattern"] == rf"^{AGENCY}\."
    assert "64.71.01.1001" in whole["info"]["description"]


def test_headers_are_those_of_a_record() -> None:
    terms = terms_of({VERIFIED: ["business_id"]})
    made = CONTRACTS[VERIFIED].model_validate({"business_id": str(uuid4())})
    meta = EventMeta(uuid4(), VERIFIED, "/x", str(made.aggregate_id), NOW, 3, "k", None, "command", None)
    shown = show(Event(meta, made), Label(), terms)
    assert shown is not None
    headers = {key: value.decode() for key, value in record_parts(shown)[2]}
    schema = document_with(terms)["components"]["messages"]["business_verified_v1_record"]["headers"]
    assert judge_of(closed({"$schema": DRAFT, **schema}))(headers)
    assert set(schema["required"]) == set(headers)


def test_what_is_public_is_told_to_every_reader_of_kafka_as_it_is_published() -> None:
    document = document_with(terms_of({VERIFIED: ["business_id"]}, (DeliveryWay.KAFKA,)))
    inner = asyncapi_document()
    for topic in PUBLIC_TOPICS:
        channel = document["channels"]["public_" + topic.name.rpartition(".")[2]]
        assert channel["address"] == topic.name
        assert channel["messages"] == inner["channels"][key_of(topic.name)]["messages"]
        for key in channel["messages"]:
            assert document["components"]["messages"][key] == inner["components"]["messages"][key]


async def test_an_agency_gets_its_own_document_while_its_agreement_is_signed(bureau: Bureau) -> None:
    agency = bureau.agency()
    assert rule_of(await agency.get("/asyncapi")) == (403, "tanpa-perjanjian")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    agreement = await bureau.agree(NAMES, legal_basis="kewajiban_hukum", ways=["feed"], starts_at=later)
    answer = await agency.get("/asyncapi")
    assert answer.status_code == 200
    told = {message["name"] for message in answer.json()["components"]["messages"].values()}
    assert told == {*NAMES, "business_page", "owner_page"}
    assert f'filename="asyncapi-{AGENCY}-1.json"' in answer.headers["content-disposition"]
    assert rule_of(await bureau.operator().get("/asyncapi")) == (403, "tidak-berhak")
    assert rule_of(await bureau.agency(None).get("/asyncapi")) == (403, "tanpa-perjanjian")
    await bureau.do_with(agreement, "suspension", {"cause": "lainnya"})
    assert rule_of(await agency.get("/asyncapi")) == (403, "tanpa-perjanjian")


async def test_a_person_downloads_the_same_from_the_page_of_the_agreement(bureau: Bureau) -> None:
    agreement = await bureau.agree(OPEN)
    person, path = visitor(bureau), f"/portal/id/perjanjian/{agreement}"
    assert f'href="{agreement}/asyncapi.json"' in (await person.get(path)).text
    answer = await person.get(f"{path}/asyncapi.json")
    assert answer.json() == (await bureau.agency().get("/asyncapi")).json()
    assert answer.headers["content-type"] == "application/json"
    assert (await bureau.operator().get(f"{path}/asyncapi.json")).json() == answer.json()
    await bureau.agree(agency="lain")
    assert (await visitor(bureau, "lain").get(f"{path}/asyncapi.json")).status_code == 404
    await bureau.do_with(agreement, "end", {"cause": "lainnya"})
    over = await person.get(f"{path}/asyncapi.json")
    assert (over.status_code, over.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "asyncapi.json" not in (await person.get(path)).text


def test_making_a_document_changes_no_contract() -> None:
    before = {name: deepcopy(document_of(CONTRACTS[name])) for name in TYPES}
    document_with(terms_of(ALL))
    assert {name: document_of(CONTRACTS[name]) for name in TYPES} == before
