"""What the tests of the partner service tell and ask: agreements by HTTP, facts as the consumer takes them, agencies that read."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

from services.partners.consumers import NAME, TYPES, record_on_facts
from services.partners.handlers.recording import record_facts
from shared.auth import Role
from shared.consumer import Definition
from shared.contracts.registry import BusinessChanged, BusinessRegistered, BusinessVerified, OwnerRegistered
from shared.contracts.training import TrainingCompleted
from shared.database import Connection
from shared.envelope import Event
from tests.desk import Caller, Desk, Member, items

CURSOR_KEYS = "kunci-kursor-yang-baru\nkunci-kursor-yang-lama"
WEBHOOK_KEYS = "\n".join(b64encode(bytes([number]) * 32).decode() for number in (7, 8))
DEFINITION = Definition(NAME, TYPES, record_on_facts)
AGENCY = "dpmptsp"
REGISTERED, CHANGED = BusinessRegistered.type_name(), BusinessChanged.type_name()
VERIFIED, OWNER, COMPLETED = BusinessVerified.type_name(), OwnerRegistered.type_name(), TrainingCompleted.type_name()
OPEN = {
    REGISTERED: ["business_id", "kelurahan", "sector", "kelas"],
    VERIFIED: ["business_id"],
    COMPLETED: ["enrolment_id", "business_id", "completed_on"],
}
NAMES = {
    REGISTERED: ["business_id", "kelurahan", "owner_ids", "personal.name"],
    OWNER: ["owner_id", "personal.name"],
}
"""With names, which need a legal basis."""


def agreement_form(granted: Mapping[str, Sequence[str]] = OPEN, **changes: Any) -> dict[str, Any]:
    """Return the body of an agreement that began an hour ago."""
    now = datetime.now(UTC)
    form = {
        "agency": AGENCY,
        "title": "DPMPTSP Balikpapan",
        "legal_basis": "tanpa_data_pribadi",
        "legal_reference": "PKS 119/2026",
        "purpose": "Pelayanan perizinan berusaha",
        "contact": "Seksi Data DPMPTSP",
        "grants": [{"type": name, "fields": list(fields)} for name, fields in granted.items()],
        "ways": ["feed"],
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "expires_at": (now + timedelta(days=30)).isoformat(),
    }
    return form | changes


@dataclass
class Bureau(Desk):
    """The partner service, and those who deal with it."""

    async def record(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of facts as the consumer does."""
        await record_facts(connection, events)

    async def hear(self, *events: Event) -> None:
        """Let the service consume facts, with positions, as from Kafka."""
        await self.deliver(DEFINITION, items(*events))

    def operator(self, subject: str = "operator-a") -> Caller:
        """Return one who runs the platform."""
        return self.caller(Role.OPERATOR, subject=subject)

    def agency(self, code: str | None = AGENCY) -> Caller:
        """Return an agency's program."""
        return self.caller(Role.INSTANSI, subject=f"program-{code}", agency=code)

    async def version(self, agreement_id: str) -> int:
        """Return the version of an agreement."""
        answer = await self.operator().get(f"/agreements/{agreement_id}")
        return int(answer.raise_for_status().json()["version"])

    async def do_with(self, agreement_id: str, deed: str, body: Any = None, subject: str = "operator-a") -> None:
        """Do something with an agreement in the version that it has."""
        version = await self.version(agreement_id)
        answer = await self.operator(subject).post(f"/agreements/{agreement_id}/{deed}", body, version)
        assert answer.status_code == 200, answer.text

    async def sign_twice(self, agreement_id: str) -> None:
        """Let two people sign what waits."""
        for subject in ("operator-a", "operator-b"):
            await self.do_with(agreement_id, "signatures", subject=subject)

    async def agree(self, grants: Mapping[str, Sequence[str]] = OPEN, **changes: Any) -> str:
        """Make an agreement that counts, and return its id."""
        found = await self.operator().new("/agreements", agreement_form(grants, **changes))
        await self.sign_twice(found)
        return found

    async def read(
        self, stream: str = "business", *, agency: str = AGENCY, **params: Any
    ) -> tuple[list[Any], httpx2.Response]:
        """Return a page of the feed as the SDK of CloudEvents reads it, and the answer."""
        answer = await self.agency(agency).client.get(f"/feed/{stream}", params=params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/cloudevents-batch+json"
        structured = {"content-type": "application/cloudevents+json"}
        # The SDK reads no batches, so it is given what a batch is made of (JSON event format 4.1).
        messages = [HTTPMessage(structured, json.dumps(element).encode()) for element in answer.json()]
        return [from_structured_event(message) for message in messages], answer

    async def read_all(self, stream: str = "business", *, agency: str = AGENCY, **params: Any) -> list[Any]:
        """Return everything there is now, page by page."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            events, answer = await self.read(stream, agency=agency, **params, **cursor)
            found += events
            cursor = {"after": answer.headers["Feed-Next"]}
            if answer.headers["Feed-Lag-Events"] == "0":
                return found

    def completed(self, member: Member) -> Event:
        """Return the fact that an owner passed a training."""
        fact = TrainingCompleted(
            enrolment_id=uuid4(),
            batch_id=uuid4(),
            course_id=uuid4(),
            owner_id=member.owner_id,
            business_id=member.business_id,
            programme_id=uuid4(),
            year=2026,
            title="Pemasaran Digital",
            completed_on=datetime(2026, 6, 1, tzinfo=UTC).date(),
            attended=3,
            sessions=3,
        )
        return self.story.event(fact)

    async def businesses(self, count: int, **business: Any) -> list[UUID]:
        """Let the registry tell of an owner with so many businesses, and return their ids."""
        owner = self.story.owner()
        told = [self.business(owner.fact.aggregate_id, **business) for _ in range(count)]
        await self.hear(owner, *told)
        return [event.fact.aggregate_id for event in told]
