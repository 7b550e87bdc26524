"""Refusals: named, with the values that led to them; their text is Indonesian, because officers read it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from shared.contracts.registry import BusinessStatus
from shared.refusals import DeedRefusedError


class RefusalError(DeedRefusedError):
    """A deed that a rule of the registry refuses."""


class OwnerNotFoundError(RefusalError):
    """No such owner."""

    slug, title = "pemilik-tidak-ada", "Pemilik tidak ditemukan"

    def __init__(self, owner_ids: Iterable[UUID]) -> None:
        self.owner_ids = tuple(owner_ids)
        super().__init__(f"Pemilik {', '.join(map(str, self.owner_ids))} tidak ada di registri.")


class BusinessNotFoundError(RefusalError):
    """No such business, or one of another kelurahan."""

    slug, title = "usaha-tidak-ada", "Usaha tidak ditemukan"

    def __init__(self, business_id: UUID) -> None:
        self.business_id = business_id
        super().__init__(f"Usaha {business_id} tidak ada di registri.")


class NikTakenError(RefusalError):
    """An owner with this NIK is registered; the number is not repeated in the text."""

    slug, title = "nik-terdaftar", "NIK sudah terdaftar"

    def __init__(self) -> None:
        super().__init__("Pemilik dengan NIK ini sudah terdaftar.")


class OwnerErasedError(RefusalError):
    """The owner was erased; nothing personal can be recorded any more."""

    slug, title = "pemilik-dihapus", "Data pemilik sudah dihapus"

    def __init__(self, owner_id: UUID) -> None:
        self.owner_id = owner_id
        super().__init__(f"Data pribadi pemilik {owner_id} sudah dihapus atas permintaannya.")


class TransitionRefusedError(RefusalError):
    """The deed is not possible in this status."""

    slug, title = "status-tidak-sesuai", "Status usaha tidak sesuai"

    def __init__(self, deed: str, status: BusinessStatus, allowed: Iterable[BusinessStatus]) -> None:
        self.deed, self.status, self.allowed = deed, status, tuple(sorted(allowed))
        names = ", ".join(self.allowed)
        super().__init__(
            f"Usaha berstatus {status} tidak dapat {deed}; hanya yang berstatus: {names}.",
            current=status.value,
            allowed=[one.value for one in self.allowed],
        )


class VerifierIsApplicantError(RefusalError):
    """Who registered or handed in does not verify."""

    slug, title = "pemeriksa-pengaju", "Pemeriksa adalah pengaju"

    def __init__(self) -> None:
        super().__init__("Usaha diverifikasi oleh petugas lain, bukan oleh yang mendaftarkan atau mengajukannya.")


class SameBusinessError(RefusalError):
    """A business is not its own duplicate."""

    slug, title = "usaha-sama", "Usaha yang sama"

    def __init__(self, business_id: UUID) -> None:
        self.business_id = business_id
        super().__init__(f"Usaha {business_id} tidak dapat dibandingkan atau digabung dengan dirinya sendiri.")


class MergeTargetError(RefusalError):
    """The business to merge into is not there to go on."""

    slug, title = "tujuan-gabung", "Tujuan penggabungan tidak sesuai"

    def __init__(self, into_id: UUID, status: BusinessStatus) -> None:
        self.into_id, self.status = into_id, status
        super().__init__(f"Usaha tujuan {into_id} berstatus {status}; pilih usaha yang masih ada.")


class AlreadyProposedError(RefusalError):
    """This pair was proposed before."""

    slug, title = "sudah-diusulkan", "Pasangan sudah pernah diusulkan"

    def __init__(self, business_id: UUID, other_id: UUID) -> None:
        self.business_id, self.other_id = business_id, other_id
        super().__init__(f"Pasangan usaha {business_id} dan {other_id} sudah pernah diusulkan sebagai ganda.")


class UnknownKbliError(RefusalError):
    """The code is not in the list of that year."""

    slug, title = "kbli-tidak-dikenal", "Kode KBLI tidak dikenal"

    def __init__(self, version: str, code: str) -> None:
        self.version, self.code = version, code
        super().__init__(f"Kode {code} tidak ada dalam KBLI {version}.")


class UnknownPlaceError(RefusalError):
    """The code is no kelurahan of the city."""

    slug, title = "kelurahan-tidak-dikenal", "Kelurahan tidak dikenal"

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"Kode {code} bukan kelurahan di Balikpapan; pakai kode Kemendagri 64.71.KK.DDDD.")
