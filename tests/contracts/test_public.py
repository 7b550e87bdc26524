"""What is public is declared fact by fact, and no declaration makes public what speaks of a person or one business."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

import pytest
from pydantic import BaseModel

from shared.contracts import CONTRACTS
from shared.contracts.exhibitions import OUTLET_TOPIC, OutletMemberJoined, OutletTurnOpened, OutletTurnPassedOn
from shared.contracts.fact import Fact, PersonalFields, Sealed
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, Privacy
from shared.contracts.public import PROGRAMME, PUBLIC_FACTS, public_fields, why_not_public
from shared.contracts.training import COURSE_TOPIC, CourseOpened
from shared.topology import EVERY_AGENCY, PRINCIPALS, PUBLIC_PREFIX, PUBLIC_TOPICS, TOPICS

SOMEBODYS = (
    "agreement",
    "application",
    "brand",
    "business",
    "certificate",
    "enrolment",
    "import",
    "licence",
    "mentor",
    "mentoring",
    "organisation",
    "owner",
)


class _Sealing(PersonalFields):
    LABEL: ClassVar[str] = "uji"
    name: Annotated[str, PERSONAL]


class _Part(BaseModel):
    told: Annotated[str, PUBLIC]
    whose: Annotated[str, AGENCY]


class _Course(Fact):
    NAME: ClassVar[str] = "course.tried"
    TOPIC: ClassVar[str] = COURSE_TOPIC
    AGGREGATE: ClassVar[str] = "course_id"
    course_id: Annotated[UUID, PUBLIC]
    title: Annotated[str, PUBLIC]
    budget: Annotated[int, AGENCY]
    parts: Annotated[tuple[_Part, ...], PUBLIC] = ()


class _Nameless(_Course):
    course_id: Annotated[UUID, AGENCY]


class _Sealed(_Course):
    PERSONAL: ClassVar[type[PersonalFields] | None] = _Sealing
    personal: Annotated[Sealed, Privacy.PERSONAL]


class _Naming(_Course):
    other_business_ids: Annotated[tuple[UUID, ...], AGENCY] = ()


@pytest.mark.parametrize("fact", PUBLIC_FACTS, ids=lambda fact: fact.NAME)
def test_nothing_speaks_against_what_is_declared(fact: type[Fact]) -> None:
    assert why_not_public(fact) is None
    assert CONTRACTS[fact.type_name()] is fact
    assert fact.AGGREGATE in public_fields(fact)
    assert "personal" not in public_fields(fact)


@pytest.mark.parametrize("name", SOMEBODYS)
def test_whatever_is_somebodys_is_refused(name: str) -> None:
    facts = [fact for fact in CONTRACTS.values() if fact.TOPIC == f"umkm.{name}"]
    assert facts
    assert {why_not_public(fact) for fact in facts} == {f"umkm.{name} is not about the office's programme"}


def test_every_topic_is_the_programmes_or_somebodys() -> None:
    assert {*PROGRAMME, *(f"umkm.{name}" for name in SOMEBODYS)} == {fact.TOPIC for fact in CONTRACTS.values()}


@pytest.mark.parametrize("fact", [OutletMemberJoined, OutletTurnOpened, OutletTurnPassedOn], ids=lambda fact: fact.NAME)
def test_a_fact_of_the_programme_that_names_a_business_is_refused(fact: type[Fact]) -> None:
    assert fact.TOPIC == OUTLET_TOPIC
    assert "names a person or a business" in (why_not_public(fact) or "")


def test_what_lacks_its_id_or_seals_or_names_is_refused() -> None:
    assert why_not_public(_Course) is None
    assert why_not_public(_Nameless) == "its public form would lack course_id"
    assert why_not_public(_Sealed) == "it holds what is personal"
    assert why_not_public(_Naming) == "other_business_ids names a person or a business"


@pytest.mark.security(line="S11")
def test_only_public_fields_made_of_public_parts_leave() -> None:
    assert public_fields(_Course) == ("course_id", "title")
    assert set(public_fields(CourseOpened)) == set(CourseOpened.model_fields)


def test_a_public_topic_stands_for_a_stream_and_only_the_partners_write_it() -> None:
    names = {topic.name for topic in PUBLIC_TOPICS}
    assert names == {"umkm.public.course", "umkm.public.exhibition", "umkm.public.outlet"}
    assert not names & {topic.name for topic in TOPICS}
    assert {item.name for item in PRINCIPALS if names & set(item.writes)} == {"partners"}
    assert not [item.name for item in PRINCIPALS if names & set(item.reads)]
    assert not [item.name for item in PRINCIPALS if any(PUBLIC_PREFIX.startswith(p) for p in item.write_prefixes)]
    assert set(EVERY_AGENCY.reads) == names
