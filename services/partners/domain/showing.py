"""The form of an event that an agency sees: derived from the privacy classes of the contract and from the agreement, here alone.

Closed unless opened: a type, a field, an event that nothing grants does not leave. Every way to an agency calls ``show``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from services.partners.commands import Terms
from services.partners.domain.labels import stream_of
from services.partners.domain.models import Label
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact, PersonalFields
from shared.contracts.partnership import AGREEMENT_TOPIC, LegalBasis
from shared.contracts.privacy import AGENCY, PERSONAL, PUBLIC, privacy_of
from shared.envelope import Event, format_time

SEALED = "personal"
"""The field of a fact that holds its sealed part. The sealed text itself never leaves."""
PERSONAL_PREFIX = f"{SEALED}."
OPEN = (PUBLIC, AGENCY)
BUSINESS = "business_id"
PLAIN = frozenset({str, int, bool})
"""What JSON has as it is; not what is derived of them, such as enumerations."""


def contract_of(type_name: str) -> type[Fact] | None:
    """Return the contract of a type that agencies may be granted, if it is one."""
    found = CONTRACTS.get(type_name)
    return None if found is None or found.TOPIC == AGREEMENT_TOPIC else found


def allows_personal(basis: LegalBasis) -> bool:
    """Tell whether an agreement on this basis may open personal fields at all."""
    return basis is not LegalBasis.TANPA_DATA_PRIBADI


def may_grant(fact: type[Fact], field: str, basis: LegalBasis) -> bool:
    """Tell whether an agreement on a basis may grant a field; ``personal.<field>`` is one of the sealed part."""
    if field.startswith(PERSONAL_PREFIX):
        name, sealed = field.removeprefix(PERSONAL_PREFIX), fact.PERSONAL
        known = sealed is not None and name in sealed.model_fields
        return known and allows_personal(basis) and sealed is not None and privacy_of(sealed, name) is PERSONAL
    return field in fact.model_fields and privacy_of(fact, field) in OPEN


def shown_fields(type_name: str, terms: Terms) -> frozenset[str]:
    """Return the granted fields of a type that may leave. Empty: nothing of it leaves, not even that it happened.

    The aggregate's id stands in every envelope, so a type of which it is not granted is not granted.
    """
    granted = tuple(grant.fields for grant in terms.grants if grant.type == type_name)
    return _shown_fields(type_name, granted, terms.legal_basis)


@lru_cache(maxsize=10_000)  # asked for every event; by value, so that no other text's answer is ever given
def _shown_fields(type_name: str, granted: tuple[tuple[str, ...], ...], basis: LegalBasis) -> frozenset[str]:
    fact = contract_of(type_name)
    if fact is None:
        return frozenset()
    fields = frozenset(name for names in granted for name in names if may_grant(fact, name, basis))
    return fields if fact.AGGREGATE in fields else frozenset()


def types_of(terms: Terms, stream: str) -> list[str]:
    """Return the types of a stream of which a text grants something."""
    return [
        grant.type
        for grant in terms.grants
        if (fact := contract_of(grant.type)) is not None
        and stream_of(fact.TOPIC) == stream
        and shown_fields(grant.type, terms)
    ]


def granted_streams(terms: Terms | None, streams: Iterable[str]) -> list[str]:
    """Return those streams of which a text grants something: of others nothing is ever given."""
    return [] if terms is None else [stream for stream in streams if types_of(terms, stream)]


def filters_of(terms: Terms) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a text filters by, and which values it lets through; without any the type of an event alone decides."""
    found = (("kelurahan", terms.kelurahan), ("sector", terms.sectors), ("kelas", terms.classes))
    return [(name, wanted) for name, wanted in found if wanted]


def passes(type_name: str, label: Label, terms: Terms) -> bool:
    """Tell whether an event of a type leaves under ``terms``: granted, and inside of every filter.

    A filter looks at a field that the agency may see: the event's own, or, where it has none, that of the business which the
    event names. A value that is missing, or that the agency may not see, is inside of no filter.
    """
    fields, fact = shown_fields(type_name, terms), contract_of(type_name)
    if not fields or fact is None:
        return False
    return all(
        (name if name in fact.model_fields else BUSINESS) in fields and getattr(label, name) in wanted
        for name, wanted in filters_of(terms)
    )


def wants_personal(type_name: str, terms: Terms) -> bool:
    """Tell whether something of the sealed part of a type is granted."""
    return any(name.startswith(PERSONAL_PREFIX) for name in shown_fields(type_name, terms))


def show(event: Event, label: Label, terms: Terms, personal: PersonalFields | None = None) -> dict[str, Any] | None:
    """Return the event as a structured CloudEvent with the granted fields, or ``None`` if it does not leave.

    ``personal`` is the opened sealed part; without it (erased, no consent) its fields are absent.
    """
    meta = event.meta
    if not passes(meta.type, label, terms):
        return None
    fields = shown_fields(meta.type, terms)
    return {
        "specversion": "1.0",
        "id": str(meta.id),
        "source": meta.source,
        "type": meta.type,
        "subject": meta.subject,
        "time": format_time(meta.time),
        "datacontenttype": "application/json",
        "partitionkey": meta.subject,
        "sequence": str(meta.sequence),
        "data": _data(event.fact, fields, personal),
    }


def _data(fact: Fact, fields: frozenset[str], personal: PersonalFields | None) -> dict[str, Any]:
    data = {name: _plain(getattr(fact, name)) for name in type(fact).model_fields if name in fields}
    opened = {name.removeprefix(PERSONAL_PREFIX) for name in fields if name.startswith(PERSONAL_PREFIX)}
    if opened and personal is not None and fact.PERSONAL is not None and isinstance(personal, fact.PERSONAL):
        data[SEALED] = {name: _plain(getattr(personal, name)) for name in type(personal).model_fields if name in opened}
    return data


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. Of a nested part only what is open leaves, whatever its parent is."""
    if value is None or type(value) in PLAIN:
        return value
    if isinstance(value, BaseModel):
        model = type(value)
        return {name: _plain(getattr(value, name)) for name in model.model_fields if privacy_of(model, name) in OPEN}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(item) for item in value]
    return to_jsonable_python(value)
