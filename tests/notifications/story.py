"""Facts as the registry tells them, and the registry's keys."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2

from shared.contracts.fact import Fact
from shared.contracts.registry import (
    BusinessClass,
    BusinessClassChanged,
    BusinessMerged,
    BusinessPersonal,
    BusinessRegistered,
    BusinessReturned,
    BusinessVerified,
    ClassRecord,
    Consents,
    ImportCompleted,
    ImportTotals,
    OwnerConsentChanged,
    OwnerErased,
    OwnerPersonal,
    OwnerRegistered,
    ReasonPersonal,
)
from shared.envelope import Event, EventMeta
from shared.keys import KeyClient
from shared.sealing import new_key, seal

WHEN = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
KELURAHAN = "64.71.01.1001"


@dataclass
class Registry:
    """Gives keys, as the registry's route does."""

    keys: dict[UUID, bytes] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    away: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)

    def key(self, owner_id: UUID) -> bytes:
        """Return the owner's key; made at the first call."""
        return self.keys.setdefault(owner_id, new_key())

    def erase(self, owner_id: UUID) -> None:
        """Delete the owner's key."""
        self.keys.pop(owner_id, None)
        self.erased.add(owner_id)

    def resolve(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request for keys."""
        self.asked.append(request)
        answers: dict[str, Any] = {}
        for text in request["owner_ids"]:
            owner_id = UUID(text)
            if owner_id in self.keys:
                answers[text] = {"status": "ok", "key": b64encode(self.keys[owner_id]).decode()}
            else:
                answers[text] = {"status": "erased" if owner_id in self.erased else "unknown"}
        return {"keys": answers}

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("away")
        return httpx2.Response(200, json=self.resolve(json.loads(request.content)))

    def client(self) -> KeyClient:
        """Return a key client of the kernel that talks to this registry."""
        return KeyClient("http://registry", lambda: "token", "notifikasi", httpx2.MockTransport(self._handle))


class Story:
    """Makes events with gapless sequences per aggregate."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._sequences: Counter[UUID] = Counter()

    def event(self, fact: Fact, origin: str = "command", time: datetime = WHEN) -> Event:
        """Return the next event of the fact's aggregate."""
        self._sequences[fact.aggregate_id] += 1
        meta = EventMeta(
            id=uuid4(),
            type=fact.type_name(),
            source="registry",
            subject=str(fact.aggregate_id),
            time=time,
            sequence=self._sequences[fact.aggregate_id],
            correlation_id="c",
            causation_id=None,
            origin=origin,
            traceparent=None,
        )
        return Event(meta, fact)

    def owner(
        self,
        name: str = "Siti Aminah",
        email: str | None = "siti@umkm.example",
        *,
        channel: Any = "email",
        consent: bool = True,
        language: Any = "id",
        origin: str = "command",
        owner_id: UUID | None = None,
        phones: tuple[str, ...] = ("+6281200000001",),
    ) -> Event:
        """An owner is registered."""
        owner_id = owner_id or uuid4()
        personal = OwnerPersonal(name=name, nik="6471014107809900", phones=phones, email=email)
        fact = OwnerRegistered(
            owner_id=owner_id,
            personal=seal(self.registry.key(owner_id), owner_id, personal),
            language=language,
            channel=channel,
            consents=Consents(notifications=consent),
        )
        return self.event(fact, origin)

    def business(self, owner_id: UUID, name: str = "Warung Siti", origin: str = "command") -> Event:
        """A business of the owner is registered."""
        fact = BusinessRegistered(
            business_id=uuid4(),
            owner_ids=(owner_id,),
            personal=seal(self.registry.key(owner_id), owner_id, BusinessPersonal(name=name)),
            source="petugas",
            as_of=date(2026, 11, 25),
            kelas=ClassRecord(kelas=BusinessClass.MIKRO, source="petugas", as_of=date(2026, 11, 25)),
        )
        return self.event(fact, origin)

    def verified(self, business_id: UUID) -> Event:
        """The business is verified."""
        return self.event(BusinessVerified(business_id=business_id))

    def returned(self, business_id: UUID, owner_id: UUID, reason: str) -> Event:
        """The business is sent back with a reason."""
        personal = seal(self.registry.key(owner_id), owner_id, ReasonPersonal(reason=reason))
        return self.event(BusinessReturned(business_id=business_id, personal=personal))

    def class_changed(self, business_id: UUID, previous: BusinessClass, current: BusinessClass) -> Event:
        """The class is recorded anew."""
        records = [
            ClassRecord(kelas=kelas, source="petugas", as_of=date(2026, 11, 25)) for kelas in (previous, current)
        ]
        return self.event(BusinessClassChanged(business_id=business_id, previous=records[0], current=records[1]))

    def merged(self, business_id: UUID, into_id: UUID) -> Event:
        """The business is merged into another."""
        return self.event(BusinessMerged(business_id=business_id, into_id=into_id), "import")

    def consent(self, owner_id: UUID, *, given: bool, channel: Any = "email", language: Any = "id") -> Event:
        """The owner changes consent, channel or language."""
        consents = Consents(notifications=given)
        return self.event(OwnerConsentChanged(owner_id=owner_id, consents=consents, language=language, channel=channel))

    def erased(self, owner_id: UUID) -> Event:
        """The owner is erased."""
        self.registry.erase(owner_id)
        return self.event(OwnerErased(owner_id=owner_id))

    def import_completed(self, officer: str = "petugas-1", rows: int = 2_795) -> Event:
        """An import is done."""
        totals = ImportTotals(rows=rows, new=rows - 5, changed=1, same=1, possible_duplicate=1, refused=2)
        fact = ImportCompleted(
            import_id=uuid4(),
            file_sha256="0" * 64,
            kelurahan=KELURAHAN,
            officer=officer,
            totals=totals,
            completed_at=WHEN,
        )
        return self.event(fact, "import")
