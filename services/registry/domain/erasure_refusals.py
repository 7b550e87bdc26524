"""Refusals about requests to erase, and about restricting: named, with what the rule compared, in Indonesian."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.registry.commands.erasure import Asker, Identity, RefusalReason
from services.registry.domain.refusals import RefusalError


class ErasureNotFoundError(RefusalError):
    """No such request."""

    slug, title = "permintaan-hapus-tidak-ada", "Permintaan penghapusan tidak ditemukan"

    def __init__(self, request_id: UUID) -> None:
        self.request_id = request_id
        super().__init__(f"Permintaan penghapusan {request_id} tidak ada di registri.")


class ErasureOpenError(RefusalError):
    """The owner has a request that is not ended yet."""

    slug, title = "permintaan-hapus-berjalan", "Permintaan penghapusan masih berjalan"

    def __init__(self, owner_id: UUID, request_id: UUID) -> None:
        self.owner_id, self.request_id = owner_id, request_id
        super().__init__(
            f"Pemilik {owner_id} sudah punya permintaan penghapusan {request_id} yang belum selesai; lanjutkan yang itu.",
            open_request=str(request_id),
        )


class ErasureStateError(RefusalError):
    """The step is not possible in this state."""

    slug, title = "status-permintaan-tidak-sesuai", "Status permintaan tidak sesuai"

    def __init__(self, deed: str, state: str, allowed: Iterable[str]) -> None:
        self.deed, self.state, self.allowed = deed, state, tuple(str(one) for one in allowed)
        super().__init__(
            f"Permintaan berstatus {state} tidak dapat {deed}; hanya yang berstatus: {', '.join(self.allowed)}.",
            current=str(state),
            allowed=list(self.allowed),
        )


class IdentityNotFittingError(RefusalError):
    """This proof does not show that this asker may ask."""

    slug, title = "bukti-tidak-sesuai", "Bukti identitas tidak sesuai"

    def __init__(self, asker: Asker, fitting: Iterable[Identity]) -> None:
        self.asker, self.fitting = asker, tuple(sorted(fitting))
        super().__init__(
            f"Permintaan oleh {asker} memerlukan bukti: {', '.join(self.fitting)}.",
            asker=asker.value,
            allowed=[one.value for one in self.fitting],
        )


class ErasureReasonError(RefusalError):
    """The reason does not belong to the state that the request is in."""

    slug, title = "alasan-tidak-sesuai", "Alasan penolakan tidak sesuai"

    def __init__(self, reason: RefusalReason, state: str) -> None:
        self.reason, self.state = reason, state
        super().__init__(
            f"Alasan {reason} tidak sesuai untuk permintaan berstatus {state}: identitas yang tidak terbukti menolak "
            "sebelum identitas diperiksa, pengecualian undang-undang sesudahnya.",
            reason=reason.value,
            current=str(state),
        )


class AskedAheadError(RefusalError):
    """The request is said to have come later than now."""

    slug, title = "waktu-permintaan-mendatang", "Waktu permintaan belum terjadi"

    def __init__(self, asked_at: datetime, now: datetime) -> None:
        self.asked_at = asked_at
        super().__init__(
            "Waktu permintaan tidak boleh sesudah sekarang.", asked_at=asked_at.isoformat(), now=now.isoformat()
        )
