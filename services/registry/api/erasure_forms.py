"""What requests and answers about erasing an owner's data look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registry.commands.erasure import Asker, AskingWay, Identity, RefusalReason
from services.registry.domain.erasure import LEGAL_REASONS, ErasureRequest, ErasureState, Loss
from services.registry.domain.models import Owner
from shared.web.app import RequestModel
from shared.web.fields import Moment
from shared.wita import WITA, write_moment


class AskForm(RequestModel):
    """Permintaan pemilik agar datanya dihapus. Tanpa `asked_at` berarti sekarang."""

    owner_id: UUID
    asker: Asker
    way: AskingWay
    asked_at: Moment | None = None


class IdentityForm(RequestModel):
    """Bukti yang dilihat petugas; salinannya tidak disimpan."""

    identity: Identity


class RefuseForm(RequestModel):
    """Alasan hukum penolakan, dari daftar yang tertutup."""

    reason: RefusalReason


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErasureOut(_Out):
    """Satu permintaan penghapusan. Waktu ditulis dalam WITA."""

    id: UUID
    version: int
    owner_id: UUID
    state: ErasureState
    asker: Asker
    way: AskingWay
    asked_at: datetime
    due_at: datetime = Field(description="Batas 3 x 24 jam sejak permintaan sampai di dinas.")
    due: str = Field(examples=["30 November 2026 pukul 09.30 WITA"])
    overdue: bool
    recorded_by: str
    identity: Identity | None
    checked_by: str | None
    checked_at: datetime | None
    reason: RefusalReason | None
    legal_reason: str | None = Field(description="Alasan penolakan dengan dasar hukumnya, untuk disampaikan.")
    decided_by: str | None
    decided_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None

    @classmethod
    def of(cls, request: ErasureRequest, now: datetime) -> ErasureOut:
        """Return the answer for a request, seen at ``now``."""
        values: dict[str, Any] = {
            name: getattr(request, name) for name in cls.model_fields if hasattr(ErasureRequest, name)
        }
        for name, value in values.items():
            if isinstance(value, datetime):
                values[name] = value.astimezone(WITA)
        reason = None if request.reason is None else LEGAL_REASONS[request.reason]
        return cls(**values, due=write_moment(request.due_at), overdue=request.is_overdue(now), legal_reason=reason)


class ErasurePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ErasureOut]
    next: UUID | None

    @classmethod
    def of(cls, found: list[ErasureRequest], limit: int) -> ErasurePage:
        """Return the page of what was found, one more than ``limit`` if there are more."""
        page, now = found[:limit], datetime.now(UTC)
        following = page[-1].id if len(found) > limit else None
        return cls(items=[ErasureOut.of(one, now) for one in page], next=following)


class LossOut(_Out):
    """Apa yang akan hilang bila data pemilik dihapus, dalam angka; tidak ada yang dihapus oleh pertanyaan ini."""

    owner_id: UUID
    version: int
    erased: bool
    businesses_forgotten: int = Field(description="Usaha tanpa pemilik lain: namanya hilang, angkanya tetap.")
    businesses_passed_on: int = Field(description="Usaha yang berlanjut pada pemilik lain.")
    nibs: int = Field(description="NIB yang hilang dari usaha yang berlanjut: NIB milik satu orang.")
    licences: int
    visit_notes: int
    request: ErasureOut | None = Field(description="Permintaan yang masih berjalan.")

    @classmethod
    def of(cls, owner: Owner, loss: Loss, request: ErasureRequest | None) -> LossOut:
        """Return the answer for what would go."""
        return cls(
            owner_id=owner.id,
            version=owner.version,
            erased=owner.erased,
            businesses_forgotten=loss.businesses_forgotten,
            businesses_passed_on=loss.businesses_passed_on,
            nibs=loss.nibs,
            licences=loss.licences,
            visit_notes=loss.visit_notes,
            request=None if request is None else ErasureOut.of(request, datetime.now(UTC)),
        )
