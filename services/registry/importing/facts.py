"""The facts of a bulk import as JSON texts, written straight for speed; tests hold them against the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.registry.importing.planning import Business, Owner
from shared.contracts.registry import (
    BUSINESS_TOPIC,
    OWNER_TOPIC,
    BusinessChanged,
    BusinessDuplicateProposed,
    BusinessPersonal,
    BusinessRegistered,
    BusinessWorkersRecorded,
    OwnerContactChanged,
    OwnerPersonal,
    OwnerRegistered,
)
from shared.sealing import seal_text

SOURCE = "impor"
_NO_CONSENT = {"notifications": False, "data_sharing": False}


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One fact, ready for the outbox."""

    topic: str
    aggregate: UUID
    type: str
    sequence: int
    data: str


def _seal_owner(owner: Owner, key: bytes) -> str:
    plain = {
        "name": owner.name,
        "nik": owner.nik,
        "birth_date": owner.birth_date,
        "phones": owner.phones,
        "email": owner.email,
    }
    return seal_text(key, owner.id, OwnerPersonal.LABEL, orjson.dumps(plain))


def owner_registered(owner: Owner, key: bytes) -> OutboxRow:
    """Return the first fact of an owner. ``key`` is the owner's own."""
    data = {
        "owner_id": str(owner.id),
        "personal": _seal_owner(owner, key),
        "language": "id",
        "channel": None,
        "consents": _NO_CONSENT,
        "flags": owner.flags,
    }
    return OutboxRow(OWNER_TOPIC, owner.id, _OWNER_REGISTERED, 1, orjson.dumps(data).decode())


def owner_contact_changed(owner: Owner, key: bytes) -> OutboxRow:
    """Return the fact that a known owner has more contacts."""
    data = {"owner_id": str(owner.id), "personal": _seal_owner(owner, key), "flags": owner.flags}
    return OutboxRow(OWNER_TOPIC, owner.id, _OWNER_CHANGED, owner.version + 1, orjson.dumps(data).decode())


def _profile(business: Business, key: bytes, as_of: date) -> dict[str, Any]:
    cells, owner = business.cells, business.owners[0]
    plain = orjson.dumps({"name": cells.name, "address": cells.address, "nib": cells.nib})
    return {
        "business_id": str(business.id),
        "owner_ids": [str(owner_id) for owner_id in business.owners],
        "personal": seal_text(key, owner, BusinessPersonal.LABEL, plain),
        "kelurahan": cells.kelurahan,
        "sector": cells.sector,
        "kbli": None if cells.kbli is None else {"version": cells.kbli[0], "code": cells.kbli[1]},
        "capital": cells.capital,
        "sales": cells.sales,
        "founded_year": cells.founded_year,
        "flags": business.flags,
        "source": SOURCE,
        "as_of": as_of,
    }


def _workers(business: Business) -> dict[str, int | None] | None:
    counts = business.cells.workers
    if counts is None:
        return None
    return dict(zip(("paid_men", "paid_women", "unpaid_men", "unpaid_women"), counts, strict=True))


def business_registered(business: Business, key: bytes, as_of: date) -> list[OutboxRow]:
    """Return the facts of a new business; ``key`` is the principal owner's. The second proposes a duplicate."""
    data = _profile(business, key, as_of)
    data["status"] = business.status
    data["kelas"] = {
        "kelas": business.cells.kelas,
        "basis": business.cells.basis,
        "year": None,
        "source": SOURCE,
        "as_of": as_of,
    }
    data["workers"] = _workers(business)
    facts = [OutboxRow(BUSINESS_TOPIC, business.id, _REGISTERED, 1, orjson.dumps(data).decode())]
    if business.duplicate_of is not None:
        proposal = {
            "business_id": str(business.id),
            "other_id": str(business.duplicate_of),
            "grounds": [business.ground],
        }
        facts.append(OutboxRow(BUSINESS_TOPIC, business.id, _PROPOSED, 2, orjson.dumps(proposal).decode()))
    return facts


def business_changed(business: Business, key: bytes, as_of: date) -> list[OutboxRow]:
    """Return the facts of a changed business: its profile, its workers, or both."""
    sequence, facts = business.version, []
    if business.profile_changes:
        sequence += 1
        data = _profile(business, key, as_of)
        data["changed"] = business.profile_changes
        facts.append(OutboxRow(BUSINESS_TOPIC, business.id, _CHANGED, sequence, orjson.dumps(data).decode()))
    if "workers" in business.changed:
        recorded = {"business_id": str(business.id), "workers": _workers(business), "as_of": as_of}
        facts.append(OutboxRow(BUSINESS_TOPIC, business.id, _WORKERS, sequence + 1, orjson.dumps(recorded).decode()))
    return facts


_OWNER_REGISTERED = OwnerRegistered.type_name()
_OWNER_CHANGED = OwnerContactChanged.type_name()
_REGISTERED = BusinessRegistered.type_name()
_CHANGED = BusinessChanged.type_name()
_WORKERS = BusinessWorkersRecorded.type_name()
_PROPOSED = BusinessDuplicateProposed.type_name()
