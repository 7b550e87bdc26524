"""What a chunk leaves in the registry, as the next ones must see it before it is stored. Pure.

They are looked up while this one is written, so the database may show its rows to them or not: laid over what was found, they
are there in either case. What somebody else changed meanwhile is noticed by the version when it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.registry.importing.planning import Alike, Business, Known, Owner, Plan, person_of
from services.registry.importing.rows import CheckedRow


class Recent:
    """The owners and businesses of one chunk as they are once it is written, ``day`` being that of its import.

    ``alike`` tells who its rows were, for possible duplicates, and ``keys`` under what they were sealed.
    """

    def __init__(self, plan: Plan, alike: Alike, keys: Mapping[UUID, bytes], day: date) -> None:
        self.alike, self.keys = alike, keys
        self._day = day
        self._owners = {_person(owner): owner for owner in (*plan.new_owners, *plan.changed_owners)}
        self._businesses: dict[bytes, Business] = {}
        self._by_owner: dict[UUID, list[Business]] = {}
        self.left = (*plan.new_businesses, *plan.changed_businesses)
        """Its businesses; their versions are still those of before."""
        for business in self.left:
            if business.import_key is not None:
                self._businesses[business.import_key.bytes] = business
            self._by_owner.setdefault(business.owners[0], []).append(business)

    def owners(self, found: dict[str, Owner], rows: Sequence[CheckedRow]) -> dict[str, Owner]:
        """Return the owners of rows, by person, with those of this chunk laid over what was found."""
        mine = {person_of(row) for row in rows} & self._owners.keys()
        return found | {person: _written_owner(self._owners[person]) for person in mine}

    def businesses(self, found: dict[bytes, Business], rows: Sequence[CheckedRow]) -> dict[bytes, Business]:
        """Return the businesses of rows, by natural key, likewise."""
        mine = {row.key for row in rows} & self._businesses.keys()
        return found | {key: self._written(self._businesses[key]) for key in mine}

    def over(self, known: Known) -> Known:
        """Return what is known of rows with what their owners have laid over it; the rest is so already."""
        # One object for one business, by whatever way it is found: a chunk changes it once.
        same = {business.id: business for business in known.businesses.values()}
        by_owner = dict(known.by_owner)
        for owner_id in {owner.id for owner in known.owners.values()} & self._by_owner.keys():
            later = {one.id: same.get(one.id) or self._written(one) for one in self._by_owner[owner_id]}
            by_owner[owner_id] = [*(one for one in by_owner.get(owner_id, ()) if one.id not in later), *later.values()]
        return replace(known, by_owner=by_owner)

    def _written(self, business: Business) -> Business:
        told = business.cells.workers is not None if business.version == 0 else "workers" in business.changed
        return replace(
            business,
            version=business.version + business.facts,
            flags=list(business.flags),
            workers_as_of=self._day if told else business.workers_as_of,
            changed=(),
            duplicate_of=None,
            ground="",
        )


def _person(owner: Owner) -> str:
    return owner.nik or ("" if owner.import_key is None else owner.import_key.hex)


def _written_owner(owner: Owner) -> Owner:
    return replace(owner, version=owner.version + 1, phones=list(owner.phones), flags=list(owner.flags), changed=False)
