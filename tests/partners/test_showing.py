"""No field and no event leaves that the agreement does not grant: random agreements, random events of all contracts."""

from __future__ import annotations

import json
import types
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from random import Random
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.partners.commands import Terms
from services.partners.domain.models import Label
from services.partners.domain.showing import show
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact, PersonalFields, Sealed
from shared.contracts.partnership import AGREEMENT_TOPIC, DeliveryWay, Grant, LegalBasis
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, SENSITIVE, Privacy, privacy_of
from shared.contracts.registry import BusinessRegistered
from shared.envelope import Event, EventMeta

EXAMPLES = 10_000
PLACES = ("64.71.01.1001", "64.71.06.1001", "TIDAK_DIKETAHUI")
SECTORS = ("kuliner", "kriya", "tidak_diketahui")
CLASSES = ("mikro", "kecil", "tidak_diketahui")
WHEN = datetime(2026, 11, 25, 4, tzinfo=UTC)
ENVELOPE = {
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "partitionkey",
    "sequence",
    "data",
}


class _Inner(BaseModel):
    told: Annotated[str, PUBLIC]
    hidden: Annotated[str, SENSITIVE]
    whose: Annotated[str, PERSONAL]


class _Secrets(PersonalFields):
    LABEL: ClassVar[str] = "secrets"
    known: Annotated[str, PERSONAL]
    diagnosis: Annotated[str, SENSITIVE]


class _Touchy(Fact):
    """What no contract has yet: sensitive and personal fields in the open, at the top and inside."""

    NAME: ClassVar[str] = "touchy.happened"
    TOPIC: ClassVar[str] = "umkm.touchy"
    AGGREGATE: ClassVar[str] = "touchy_id"
    PERSONAL: ClassVar[type[PersonalFields] | None] = _Secrets
    touchy_id: Annotated[UUID, PUBLIC]
    personal: Annotated[Sealed, Privacy.PERSONAL]
    verdict: Annotated[str, SENSITIVE]
    whom: Annotated[str, Privacy.PERSONAL]
    inner: Annotated[_Inner, AGENCY]
    many: Annotated[tuple[_Inner, ...], PUBLIC]


WITH_TOUCHY = {**CONTRACTS, _Touchy.type_name(): _Touchy}
NAMES = sorted(WITH_TOUCHY)


def canary(path: str) -> str:
    """Return a text that tells which field it came out of."""
    return f"«{path}»"


def value_of(annotation: Any, path: str, dice: Random) -> Any:
    """Return a value for a field; every text in it names the path of its field."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Annotated, Union, types.UnionType}:
        return value_of(inner[0] if origin is Annotated else dice.choice(inner), path, dice)
    if origin is Literal:
        return dice.choice(inner)
    if origin is tuple:
        return tuple(value_of(inner[0], path, dice) for _ in range(dice.randint(0, 2)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return filled(annotation, path, dice)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return dice.choice(list(annotation))
    plain = {
        UUID: lambda: UUID(int=dice.getrandbits(128)),
        str: lambda: canary(path),
        int: lambda: dice.randint(0, 10**9),
        bool: lambda: dice.random() < 0.5,
        date: lambda: date(2026, 1, dice.randint(1, 28)),
        datetime: lambda: WHEN,
        float: dice.random,
        types.NoneType: lambda: None,
    }
    return plain[annotation]()


def filled(model: type[BaseModel], path: str, dice: Random) -> Any:
    """Return a model with every field set. Not validated: no pattern, no range may be what keeps a value back."""
    told = {name: value_of(field.annotation, f"{path}.{name}", dice) for name, field in model.model_fields.items()}
    return model.model_construct(**told)


def an_event(fact: type[Fact], dice: Random) -> Event:
    """Return a random event of a contract."""
    made = filled(fact, fact.NAME, dice)
    subject = str(getattr(made, fact.AGGREGATE))
    meta = EventMeta(UUID(int=dice.getrandbits(128)), fact.type_name(), "/x", subject, WHEN, 3, "k", "c", "import", "t")
    return Event(meta, made)


def a_label(dice: Random) -> Label:
    """Return a random label; often something is not known."""
    known = dice.random() < 0.8
    return Label(
        UUID(int=1) if known else None,
        (),
        dice.choice(PLACES) if known else None,
        dice.choice(SECTORS) if known else None,
        dice.choice(CLASSES) if known else None,
    )


def some_terms(event: Event, dice: Random) -> Terms:
    """Return a random agreement; nobody has checked it, and it may grant what must never be granted."""
    wanted = {dice.choice(NAMES) for _ in range(dice.randint(0, 3))} | (
        {event.meta.type} if dice.random() < 0.8 else set()
    )
    grants = []
    for name in sorted(wanted):
        fact = WITH_TOUCHY[name]
        choices = [*fact.model_fields, *(f"personal.{x}" for x in (fact.PERSONAL or BaseModel).model_fields), "asing"]
        fields = {dice.choice(choices) for _ in range(dice.randint(0, len(choices)))}
        fields |= {fact.AGGREGATE} if dice.random() < 0.9 else set()
        grants.append(Grant(type=name, fields=tuple(sorted(fields))))

    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(value for value in values if dice.random() < 0.7) if dice.random() < 0.4 else ()

    return Terms(
        title="t",
        legal_basis=dice.choice(list(LegalBasis)),
        legal_reference="r",
        purpose="p",
        contact="c",
        grants=tuple(grants),
        kelurahan=some(PLACES),
        sectors=some(SECTORS),
        classes=some(CLASSES),
        ways=(DeliveryWay.FEED,),
        starts_at=WHEN,
        expires_at=WHEN,
    )


def granted(terms: Terms, type_name: str) -> set[str]:
    return {field for grant in terms.grants if grant.type == type_name for field in grant.fields}


def closed_paths(model: type[BaseModel], path: str) -> Iterator[str]:
    """Yield the canaries of everything below a model that may leave under no grant at all."""
    for name, field in model.model_fields.items():
        here = f"{path}.{name}"
        if privacy_of(model, name) not in (PUBLIC, AGENCY):
            yield here
        for part in _models_in(field.annotation):
            yield from closed_paths(part, here)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def check_filters(fields: set[str], fact: type[Fact], label: Label, terms: Terms) -> None:
    """Check that what left is inside of every filter, by something that the agency may see."""
    for name, wanted, value in (
        ("kelurahan", terms.kelurahan, label.kelurahan),
        ("sector", terms.sectors, label.sector),
        ("kelas", terms.classes, label.kelas),
    ):
        if wanted:
            assert value in wanted
            assert (name in fields) if name in fact.model_fields else ("business_id" in fields)


def check_form(event: Event, terms: Terms, personal: PersonalFields | None, seen: dict[str, Any]) -> None:
    """Check that nothing stands in what left but what is granted, whatever else the agreement says."""
    fact = type(event.fact)
    fields, text = granted(terms, event.meta.type), json.dumps(seen, ensure_ascii=False)
    assert set(seen) == ENVELOPE
    assert fact.TOPIC != AGREEMENT_TOPIC
    assert fact.AGGREGATE in fields  # it stands in the envelope
    assert set(seen["data"]) <= (fields & set(fact.model_fields) - {"personal"}) | {"personal"}
    for name in fact.model_fields:
        if name not in fields:
            assert canary(f"{fact.NAME}.{name}")[:-1] not in text
            value = getattr(event.fact, name)
            assert not isinstance(value, UUID) or value == event.fact.aggregate_id or str(value) not in text
    for path in closed_paths(fact, fact.NAME):
        assert canary(path) not in text
    opened = seen["data"].get("personal", {})
    if "personal" in seen["data"]:
        assert personal is not None
        assert terms.legal_basis is not LegalBasis.TANPA_DATA_PRIBADI
        assert {f"personal.{name}" for name in opened} <= fields
        assert all(privacy_of(type(personal), name) is PERSONAL for name in opened)
    if fact.PERSONAL is not None:
        for name in set(fact.PERSONAL.model_fields) - set(opened):
            assert canary(f"sealed.{name}") not in text


SEEN: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64 - 1))
def _nothing_ungranted_leaves(seed: int) -> None:
    dice = Random(seed)
    fact = WITH_TOUCHY[dice.choice(NAMES)]
    event, label = an_event(fact, dice), a_label(dice)
    terms = some_terms(event, dice)
    personal = filled(fact.PERSONAL, "sealed", dice) if fact.PERSONAL is not None and dice.random() < 0.7 else None
    seen = show(event, label, terms, personal)
    SEEN["left" if seen is not None else "kept back"] += 1
    if seen is None:
        return
    SEEN[fact.NAME] += 1
    SEEN["opened"] += "personal" in seen["data"]
    check_filters(granted(terms, event.meta.type), fact, label, terms)
    check_form(event, terms, personal, seen)


@pytest.mark.timeout(300)
def test_no_ungranted_field_or_event_leaves_in_ten_thousand_random_agreements() -> None:
    SEEN.clear()
    with patch.dict(CONTRACTS, {_Touchy.type_name(): _Touchy}):
        _nothing_ungranted_leaves()
    assert SEEN["left"] + SEEN["kept back"] >= EXAMPLES
    # The check can fail only on what leaves: enough does, of every contract that agencies may be granted.
    assert SEEN["left"] > EXAMPLES / 10
    assert SEEN["kept back"] > EXAMPLES / 10
    assert SEEN["opened"] > EXAMPLES / 200
    assert {fact.NAME for fact in WITH_TOUCHY.values() if fact.TOPIC != AGREEMENT_TOPIC} <= set(SEEN)


def terms(grants: dict[str, tuple[str, ...]], **changes: Any) -> Terms:
    """Return an agreement with these grants."""
    said = {
        "title": "t",
        "legal_basis": LegalBasis.KEPENTINGAN_UMUM,
        "legal_reference": "r",
        "purpose": "p",
        "contact": "c",
        "grants": tuple(Grant(type=name, fields=fields) for name, fields in grants.items()),
        "ways": (DeliveryWay.FEED,),
        "starts_at": WHEN,
        "expires_at": WHEN,
    }
    return Terms(**(said | changes))


REGISTERED = BusinessRegistered.type_name()
KNOWN = Label(UUID(int=1), (), PLACES[0], "kuliner", "mikro")


@pytest.fixture
def registered() -> Event:
    return an_event(BusinessRegistered, Random(7))


@pytest.mark.security(line="S19", item="API3")
def test_exactly_what_is_granted_is_seen(registered: Event) -> None:
    seen = show(registered, KNOWN, terms({REGISTERED: ("business_id", "kelas")}))
    assert seen is not None
    fact: Any = registered.fact
    assert seen["data"] == {
        "business_id": str(fact.business_id),
        "kelas": json.loads(fact.kelas.model_dump_json()),
    }
    assert (seen["subject"], seen["sequence"], seen["time"]) == (
        str(fact.business_id),
        "3",
        "2026-11-25T04:00:00.000000Z",
    )


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        (("business_id", "kelas"), KNOWN),  # the place is not granted
        (("business_id", "kelurahan"), Label()),  # nobody knows the place
        (("business_id", "kelurahan"), Label(UUID(int=1), (), PLACES[1])),  # it is elsewhere
        (("kelurahan",), KNOWN),  # the id stands in the envelope
    ],
)
def test_a_filter_on_a_missing_or_ungranted_field_delivers_nothing(
    registered: Event, fields: tuple[str, ...], label: Label
) -> None:
    wanted = {"kelurahan": (PLACES[0],)}
    assert show(registered, KNOWN, terms({REGISTERED: ("business_id", "kelurahan")}, **wanted)) is not None
    assert show(registered, label, terms({REGISTERED: fields}, **wanted)) is None


def test_personal_fields_need_a_legal_basis_and_the_opened_part(registered: Event) -> None:
    fields = ("business_id", "personal.name")
    personal = filled(BusinessRegistered.PERSONAL or PersonalFields, "sealed", Random(1))
    seen = show(registered, KNOWN, terms({REGISTERED: fields}), personal)
    assert seen is not None
    assert seen["data"]["personal"] == {"name": canary("sealed.name")}
    without = terms({REGISTERED: fields}, legal_basis=LegalBasis.TANPA_DATA_PRIBADI)
    for given_terms, part in ((without, personal), (terms({REGISTERED: fields}), None)):
        seen = show(registered, KNOWN, given_terms, part)
        assert seen is not None
        assert "personal" not in seen["data"]
