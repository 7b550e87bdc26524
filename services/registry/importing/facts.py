"""The facts of a bulk import as JSON texts, written straight for speed; tests hold them against the contracts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from shared.sealing import OwnerSeal, seal_texts

OutboxRow = tuple[str, UUID, str, int, str]
"""One fact, ready for the outbox: topic, aggregate, type, sequence, data."""

SOURCE = "impor"
KEPT_SEALS = 500
_NO_CONSENT = {"notifications": False, "data_sharing": False}


class Seals(dict[UUID, OwnerSeal]):
    """The seals of the owners last wanted; a seal made ready takes some kilobytes, so not all of a chunk are kept."""

    def __init__(self, keys: dict[UUID, bytes]) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, owner_id: UUID) -> OwnerSeal:
        if len(self) >= KEPT_SEALS:
            self.clear()
        seal = self[owner_id] = OwnerSeal(self._keys[owner_id], owner_id)
        return seal


def _seal_owners(owners: Sequence[Owner], seals: Seals) -> list[str]:
    plain = [
        orjson.dumps(
            {"name": o.name, "nik": o.nik, "birth_date": o.birth_date, "phones": o.phones, "email": o.email}
        )
        for o in owners
    ]  # fmt: skip
    return seal_texts(OwnerPersonal.LABEL, [(seals[owner.id], text) for owner, text in zip(owners, plain, strict=True)])


def _seal_businesses(businesses: Sequence[Business], seals: Seals) -> list[str]:
    """Return the personal parts, each sealed for the principal owner."""
    cells = [business.cells for business in businesses]
    plain = [orjson.dumps({"name": c.name, "address": c.address, "nib": c.nib}) for c in cells]
    return seal_texts(
        BusinessPersonal.LABEL, [(seals[b.owners[0]], text) for b, text in zip(businesses, plain, strict=True)]
    )


def owners_registered(owners: Sequence[Owner], seals: Seals) -> Iterator[OutboxRow]:
    """Give the first fact of each owner."""
    for owner, personal in zip(owners, _seal_owners(owners, seals), strict=True):
        data = {
            "owner_id": str(owner.id),
            "personal": personal,
            "language": "id",
            "channel": None,
            "consents": _NO_CONSENT,
            "flags": owner.flags,
        }
        yield (OWNER_TOPIC, owner.id, _OWNER_REGISTERED, 1, orjson.dumps(data).decode())


def owner_contacts_changed(owners: Sequence[Owner], seals: Seals) -> Iterator[OutboxRow]:
    """Give the fact of each known owner who has more contacts."""
    for owner, personal in zip(owners, _seal_owners(owners, seals), strict=True):
        data = {"owner_id": str(owner.id), "personal": personal, "flags": owner.flags}
        yield (OWNER_TOPIC, owner.id, _OWNER_CHANGED, owner.version + 1, orjson.dumps(data).decode())


def _profile(business: Business, personal: str, as_of: str) -> dict[str, Any]:
    (_, _, _, kelurahan, sector, kbli, _, capital, sales, founded_year, *_) = business.cells
    return {
        "business_id": str(business.id),
        "owner_ids": [str(owner_id) for owner_id in business.owners],
        "personal": personal,
        "kelurahan": kelurahan,
        "sector": sector,
        "kbli": None if kbli is None else {"version": kbli[0], "code": kbli[1]},
        "capital": capital,
        "sales": sales,
        "founded_year": founded_year,
        "flags": business.flags,
        "source": SOURCE,
        "as_of": as_of,
    }


def _workers(business: Business) -> dict[str, int | None] | None:
    counts = business.cells.workers
    if counts is None:
        return None
    return dict(zip(("paid_men", "paid_women", "unpaid_men", "unpaid_women"), counts, strict=True))


def businesses_registered(businesses: Sequence[Business], seals: Seals, as_of: date) -> Iterator[OutboxRow]:
    """Give the facts of each new business; the second proposes a duplicate."""
    day = as_of.isoformat()
    for business, personal in zip(businesses, _seal_businesses(businesses, seals), strict=True):
        data = _profile(business, personal, day)
        kelas, basis = business.cells.kelas, business.cells.basis
        data["status"] = business.status
        data["kelas"] = {"kelas": kelas, "basis": basis, "year": None, "source": SOURCE, "as_of": day}
        data["workers"] = _workers(business)
        yield (BUSINESS_TOPIC, business.id, _REGISTERED, 1, orjson.dumps(data).decode())
        if business.duplicate_of is not None:
            proposal = {
                "business_id": str(business.id),
                "other_id": str(business.duplicate_of),
                "grounds": [business.ground],
            }
            yield (BUSINESS_TOPIC, business.id, _PROPOSED, 2, orjson.dumps(proposal).decode())


def businesses_changed(businesses: Sequence[Business], seals: Seals, as_of: date) -> Iterator[OutboxRow]:
    """Give the facts of each changed business: its profile, its workers, or both."""
    day = as_of.isoformat()
    profiles = iter(_seal_businesses([b for b in businesses if b.profile_changes], seals))
    for business in businesses:
        sequence = business.version
        if business.profile_changes:
            sequence += 1
            data = _profile(business, next(profiles), day)
            data["changed"] = business.profile_changes
            yield (BUSINESS_TOPIC, business.id, _CHANGED, sequence, orjson.dumps(data).decode())
        if "workers" in business.changed:
            recorded = {"business_id": str(business.id), "workers": _workers(business), "as_of": day}
            yield (BUSINESS_TOPIC, business.id, _WORKERS, sequence + 1, orjson.dumps(recorded).decode())


_OWNER_REGISTERED = OwnerRegistered.type_name()
_OWNER_CHANGED = OwnerContactChanged.type_name()
_REGISTERED = BusinessRegistered.type_name()
_CHANGED = BusinessChanged.type_name()
_WORKERS = BusinessWorkersRecorded.type_name()
_PROPOSED = BusinessDuplicateProposed.type_name()
