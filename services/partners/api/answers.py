"""What answers look like. Owners and businesses by their ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.partners.commands import Terms
from services.partners.domain.models import Agreement, Text
from services.partners.handlers.agreements import Shown
from services.partners.handlers.reporting import Breach, Disclosed, Receipt
from shared.contracts.partnership import AgreementState, DeliveryWay, SuspensionCause


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class AgreementOut(_Out):
    """Satu perjanjian: ``terms`` berlaku, ``draft`` menunggu tanda tangan."""

    id: UUID
    version: int
    agency: str
    state: AgreementState
    revision: int
    latest: int
    terms: Terms | None
    draft: Terms | None
    signers: tuple[str, ...]
    cause: SuspensionCause | None
    """Mengapa ditangguhkan atau diakhiri."""

    @classmethod
    def of(cls, agreement: Agreement) -> AgreementOut:
        """Return the answer for an agreement."""
        return cls(**{name: getattr(agreement, name) for name in AgreementOut.model_fields})


class TextOut(_Out):
    """Satu naskah."""

    revision: int
    terms: Terms
    drafted_by: str
    drafted_at: datetime
    signers: tuple[str, ...]

    @classmethod
    def of(cls, text: Text) -> TextOut:
        """Return the answer for a text."""
        return cls(**{name: getattr(text, name) for name in cls.model_fields})


class AgreementDetail(AgreementOut):
    """Satu perjanjian dengan semua naskahnya."""

    texts: list[TextOut]

    @classmethod
    def of_shown(cls, shown: Shown) -> AgreementDetail:
        """Return the answer for an agreement with its texts."""
        return cls(**AgreementOut.of(shown.agreement).model_dump(), texts=[TextOut.of(text) for text in shown.texts])


class AgreementPage(_Out):
    """Satu halaman perjanjian."""

    items: list[AgreementOut]
    next: UUID | None


class DisclosedOut(_Out):
    """Satu peristiwa yang diberikan, dan kolomnya."""

    stream: str
    position: int
    event_id: UUID
    type: str
    subject: UUID
    business_id: UUID | None
    owner_ids: tuple[UUID, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, item: Disclosed) -> DisclosedOut:
        """Return the answer for an event that was given."""
        event = item.event
        return cls(
            stream=event.stream,
            position=event.position,
            event_id=event.event_id,
            type=event.type,
            subject=event.subject,
            business_id=event.label.business_id,
            owner_ids=event.label.owner_ids,
            fields=item.fields,
        )


class ReceiptOut(_Out):
    """Satu peristiwa pemilik yang diterima satu instansi."""

    agency: str
    title: str
    agreement_id: UUID
    revision: int
    purpose: str
    way: DeliveryWay
    given_at: datetime
    event: DisclosedOut

    @classmethod
    def of(cls, item: Receipt) -> ReceiptOut:
        """Return the answer for a receipt."""
        names = set(cls.model_fields) - {"event"}
        return cls(**{name: getattr(item, name) for name in names}, event=DisclosedOut.of(item.disclosed))


class OwnerReport(_Out):
    """Apa yang diterima instansi tentang satu pemilik."""

    owner_id: UUID
    items: list[ReceiptOut]


class BreachPageOut(_Out):
    """Satu halaman yang diterima satu instansi."""

    id: int
    given_at: datetime
    agency: str
    title: str
    agreement_id: UUID
    revision: int
    way: DeliveryWay
    events: list[DisclosedOut]

    @classmethod
    def of(cls, breach: Breach) -> BreachPageOut:
        """Return the answer for a page."""
        page = breach.given.page
        return cls(
            id=breach.given.id,
            given_at=breach.given.given_at,
            agency=page.agency,
            title=breach.title,
            agreement_id=page.agreement_id,
            revision=page.revision,
            way=page.way,
            events=[DisclosedOut.of(item) for item in breach.disclosed],
        )


class BreachReport(_Out):
    """Apa yang diterima siapa di antara dua saat; ``next`` untuk halaman berikutnya."""

    items: list[BreachPageOut]
    next: int | None
