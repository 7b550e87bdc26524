"""Rules of a request to erase an owner's data: its states, its deadline, and the reasons for which it may be refused.

``diajukan`` (asked) → ``identitas_diperiksa`` (identity checked) → ``diterima`` (granted) → ``selesai`` (carried out);
``ditolak`` (refused) instead of granted; ``dibatalkan`` (taken back) from anywhere before the end. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.registry.commands.erasure import Asker, AskErasure, AskingWay, Identity, RefusalReason
from services.registry.domain.erasure_refusals import (
    AskedAheadError,
    ErasureReasonError,
    ErasureStateError,
    IdentityNotFittingError,
)
from shared.refusals import check_version

DEADLINE = timedelta(hours=3 * 24)
"""UU 27/2022: three times 24 hours, by the hour, from when the request reached the office."""

LEGAL_REASONS: dict[RefusalReason, str] = {
    RefusalReason.IDENTITAS_TIDAK_TERBUKTI: "Pemohon tidak terbukti sebagai pemilik data, kuasanya, atau ahli warisnya (UU 27/2022 pasal 14).",
    RefusalReason.KEWAJIBAN_HUKUM: "Undang-undang lain mewajibkan data ini disimpan (UU 27/2022 pasal 15 ayat 2).",
    RefusalReason.PROSES_HUKUM: "Data diperlukan dalam proses penegakan hukum (UU 27/2022 pasal 15 ayat 1 huruf b).",
    RefusalReason.KEPENTINGAN_UMUM: "Data diperlukan untuk kepentingan umum dalam penyelenggaraan negara (UU 27/2022 pasal 15 ayat 1 huruf c).",
    RefusalReason.PERTAHANAN_KEAMANAN: "Data diperlukan untuk pertahanan dan keamanan nasional (UU 27/2022 pasal 15 ayat 1 huruf a).",
    RefusalReason.PENGAWASAN_KEUANGAN: "Data diperlukan untuk pengawasan sektor jasa keuangan (UU 27/2022 pasal 15 ayat 1 huruf d).",
    RefusalReason.STATISTIK_PENELITIAN: "Data diperlukan untuk statistik dan penelitian ilmiah (UU 27/2022 pasal 15 ayat 1 huruf e).",
}
"""Each reason with its legal basis, as the owner is told."""

_FITTING: dict[Asker, frozenset[Identity]] = {
    Asker.PEMILIK: frozenset({Identity.KTP, Identity.DATA_TERDAFTAR}),
    Asker.KUASA: frozenset({Identity.KTP_DAN_SURAT_KUASA}),
    Asker.AHLI_WARIS: frozenset({Identity.SURAT_KETERANGAN_WARIS}),
}


class ErasureState(StrEnum):
    """States of a request."""

    DIAJUKAN = "diajukan"
    IDENTITAS_DIPERIKSA = "identitas_diperiksa"
    DITERIMA = "diterima"
    DITOLAK = "ditolak"
    SELESAI = "selesai"
    DIBATALKAN = "dibatalkan"


OPEN = frozenset({ErasureState.DIAJUKAN, ErasureState.IDENTITAS_DIPERIKSA, ErasureState.DITERIMA})


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """One request. Nothing of it is personal: it outlives the owner's data."""

    id: UUID
    version: int
    owner_id: UUID
    state: ErasureState
    asker: Asker
    way: AskingWay
    asked_at: datetime
    due_at: datetime
    recorded_by: str
    identity: Identity | None = None
    checked_by: str | None = None
    checked_at: datetime | None = None
    reason: RefusalReason | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether the deadline has passed and the request is neither carried out nor refused nor taken back."""
        return self.state in OPEN and now > self.due_at


@dataclass(frozen=True, slots=True)
class Loss:
    """What an erasure would empty, in numbers."""

    businesses_forgotten: int
    """Left without an owner: their names go, their numbers stay."""
    businesses_passed_on: int
    """Go on under the key of another owner."""
    nibs: int
    """Of those that go on: a NIB is one person's."""
    licences: int
    visit_notes: int


def ask(command: AskErasure, actor: str, now: datetime) -> ErasureRequest:
    """Return a new request, version 1. Raises ``AskedAheadError`` if it is said to come later than now."""
    asked_at = command.asked_at or now
    if asked_at > now:
        raise AskedAheadError(asked_at, now)
    return ErasureRequest(
        id=command.request_id,
        version=1,
        owner_id=command.owner_id,
        state=ErasureState.DIAJUKAN,
        asker=command.asker,
        way=command.way,
        asked_at=asked_at,
        due_at=asked_at + DEADLINE,
        recorded_by=actor,
    )


def _step(request: ErasureRequest, expected_version: int, deed: str, *states: ErasureState) -> ErasureRequest:
    """Return the request in its next version. Raises ``StaleVersionError``, ``ErasureStateError``."""
    check_version(request.version, expected_version)
    if request.state not in states:
        raise ErasureStateError(deed, request.state, states)
    return replace(request, version=request.version + 1)


def check_identity(
    request: ErasureRequest, expected_version: int, identity: Identity, actor: str, now: datetime
) -> ErasureRequest:
    """Note who asks, by a proof that fits. Raises ``IdentityNotFittingError`` and as ``accept``."""
    after = _step(request, expected_version, "diperiksa identitasnya", ErasureState.DIAJUKAN)
    if identity not in _FITTING[request.asker]:
        raise IdentityNotFittingError(request.asker, _FITTING[request.asker])
    state = ErasureState.IDENTITAS_DIPERIKSA
    return replace(after, state=state, identity=identity, checked_by=actor, checked_at=now)


def accept(request: ErasureRequest, expected_version: int, actor: str, now: datetime) -> ErasureRequest:
    """Grant it, once the identity is checked. Raises ``StaleVersionError``, ``ErasureStateError``."""
    after = _step(request, expected_version, "diterima", ErasureState.IDENTITAS_DIPERIKSA)
    return replace(after, state=ErasureState.DITERIMA, decided_by=actor, decided_at=now)


def refuse(
    request: ErasureRequest, expected_version: int, reason: RefusalReason, actor: str, now: datetime
) -> ErasureRequest:
    """Refuse it with its reason: a missing proof before the identity is checked, an exception of the law after it.

    Raises ``ErasureReasonError`` if the reason does not belong to the state, and as ``accept``.
    """
    after = _step(request, expected_version, "ditolak", ErasureState.DIAJUKAN, ErasureState.IDENTITAS_DIPERIKSA)
    unproven = reason is RefusalReason.IDENTITAS_TIDAK_TERBUKTI
    if unproven is not (request.state is ErasureState.DIAJUKAN):
        raise ErasureReasonError(reason, request.state)
    return replace(after, state=ErasureState.DITOLAK, reason=reason, decided_by=actor, decided_at=now)


def cancel(request: ErasureRequest, expected_version: int, actor: str, now: datetime) -> ErasureRequest:
    """End it unfulfilled, because it is not asked any more. Raises as ``accept``."""
    after = _step(request, expected_version, "dibatalkan", *sorted(OPEN))
    return replace(after, state=ErasureState.DIBATALKAN, ended_by=actor, ended_at=now)


def finish(request: ErasureRequest, expected_version: int, actor: str, now: datetime) -> ErasureRequest:
    """Note that it was carried out; only what was granted is. Raises as ``accept``."""
    after = _step(request, expected_version, "dilaksanakan", ErasureState.DITERIMA)
    return replace(after, state=ErasureState.SELESAI, ended_by=actor, ended_at=now)
