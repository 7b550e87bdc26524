"""What the registry can be told about a request to erase an owner's data, and about restricting its use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Asker(StrEnum):
    """Who asks: the owner, who acts for them, or an heir."""

    PEMILIK = "pemilik"
    KUASA = "kuasa"
    AHLI_WARIS = "ahli_waris"


class AskingWay(StrEnum):
    """How the request came (UU 27/2022 art. 14: recorded, electronic or not)."""

    LOKET = "loket"
    SURAT = "surat"
    SUREL = "surel"
    TELEPON = "telepon"
    DARING = "daring"


class Identity(StrEnum):
    """What showed who asks. The paper itself is not kept."""

    KTP = "ktp"
    KTP_DAN_SURAT_KUASA = "ktp_dan_surat_kuasa"
    SURAT_KETERANGAN_WARIS = "surat_keterangan_waris"
    DATA_TERDAFTAR = "data_terdaftar"


class RefusalReason(StrEnum):
    """Why a request is refused: no other reason counts."""

    IDENTITAS_TIDAK_TERBUKTI = "identitas_tidak_terbukti"
    KEWAJIBAN_HUKUM = "kewajiban_hukum"
    PROSES_HUKUM = "proses_hukum"
    KEPENTINGAN_UMUM = "kepentingan_umum"
    PERTAHANAN_KEAMANAN = "pertahanan_keamanan"
    PENGAWASAN_KEUANGAN = "pengawasan_keuangan"
    STATISTIK_PENELITIAN = "statistik_penelitian"


@dataclass(frozen=True, slots=True)
class AskErasure:
    """Record a request. ``asked_at`` is when it reached the office, with a zone; ``None``: now."""

    request_id: UUID
    owner_id: UUID
    asker: Asker
    way: AskingWay
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class OnErasure:
    """A step of a request, in the version that its actor has seen."""

    request_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class CheckIdentity(OnErasure):
    """Note that who asks has shown who they are."""

    identity: Identity


@dataclass(frozen=True, slots=True)
class AcceptErasure(OnErasure):
    """Grant the request; nothing is destroyed yet."""


@dataclass(frozen=True, slots=True)
class RefuseErasure(OnErasure):
    """Refuse the request."""

    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class CancelErasure(OnErasure):
    """End a request that the owner takes back, or that was recorded by mistake."""


@dataclass(frozen=True, slots=True)
class CarryOutErasure(OnErasure):
    """Destroy the owner's key and personal columns, as was granted."""
