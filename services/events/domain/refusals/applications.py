"""Refusals of applications, scores and places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.events.domain.refusals.general import SHOWN, RefusalError
from shared.contracts.exhibitions import ApplicationState, BoothKind
from shared.wita import write_local


class ApplicationsClosedError(RefusalError):
    """The deadline has passed, or the curation is made."""

    slug, title = "pendaftaran-ditutup", "Pendaftaran sudah ditutup"

    def __init__(self, zone: str, closes_at: datetime, now: datetime) -> None:
        text = f"Pendaftaran pameran ini ditutup {write_local(zone, closes_at)}."
        super().__init__(text, closes_at=closes_at.isoformat(), now=now.isoformat())


class NotYetClosedError(RefusalError):
    """One may still apply, so nobody is chosen yet."""

    slug, title = "pendaftaran-masih-buka", "Pendaftaran masih dibuka"

    def __init__(self, zone: str, closes_at: datetime) -> None:
        text = f"Kurasi ditetapkan setelah pendaftaran ditutup, {write_local(zone, closes_at)}."
        super().__init__(text, closes_at=closes_at.isoformat())


class AlreadyCuratedError(RefusalError):
    """The curation is made: scores and criteria stand."""

    slug, title = "sudah-dikurasi", "Kurasi sudah ditetapkan"

    def __init__(self, exhibition_id: UUID) -> None:
        super().__init__(
            "Kurasi pameran ini sudah ditetapkan; nilai tidak diubah lagi.", exhibition_id=str(exhibition_id)
        )


class NotAnOwnerError(RefusalError):
    """The person is not an owner of the business."""

    slug, title = "bukan-pemilik", "Bukan pemilik usaha"

    def __init__(self, owner_id: UUID, business_id: UUID) -> None:
        super().__init__(
            "Yang mendaftar harus pemilik usaha yang disebut.", owner_id=str(owner_id), business_id=str(business_id)
        )


class OwnerErasedError(RefusalError):
    """The owner's data were erased."""

    slug, title = "pemilik-dihapus", "Data pemilik sudah dihapus"

    def __init__(self, owner_id: UUID) -> None:
        super().__init__("Data pemilik ini sudah dihapus atas permintaannya.", owner_id=str(owner_id))


class BusinessGoneError(RefusalError):
    """The business is not there to sell: closed, refused or merged."""

    slug, title = "usaha-tidak-aktif", "Usaha tidak aktif"

    def __init__(self, business_id: UUID, status: str) -> None:
        super().__init__(f"Usaha berstatus {status}.", business_id=str(business_id), status=status)


class AlreadyAppliedError(RefusalError):
    """A second live application of one business."""

    slug, title = "sudah-mendaftar", "Usaha sudah mendaftar"

    def __init__(self, exhibition_id: UUID, business_id: UUID) -> None:
        super().__init__(
            "Usaha ini sudah mendaftar pada pameran ini.",
            exhibition_id=str(exhibition_id),
            business_id=str(business_id),
        )


class ScoreError(RefusalError):
    """A score out of range, or for something that curators do not score."""

    slug, title = "nilai-tidak-sah", "Nilai tidak sah"

    def __init__(self, criterion: str, score: int, why: str) -> None:
        super().__init__(f"Nilai {score} untuk {criterion}: {why}.", criterion=criterion, score=score)


class StrangersError(RefusalError):
    """Applications that are not of this exhibition, or not in a state that takes part in the deed."""

    slug, title = "bukan-peserta", "Bukan peserta pameran ini"

    def __init__(self, application_ids: Sequence[UUID], allowed: Iterable[ApplicationState]) -> None:
        states = ", ".join(sorted(allowed))
        text = f"{len(application_ids)} pendaftaran bukan dari pameran ini atau tidak berstatus: {states}."
        super().__init__(text, application_ids=[str(item) for item in application_ids[:SHOWN]])


class UnscoredError(RefusalError):
    """Too few curators have scored some applications: choosing now would be a lottery."""

    slug, title = "belum-dinilai", "Belum semua dinilai"

    def __init__(self, application_ids: Sequence[UUID], curators: int) -> None:
        text = f"{len(application_ids)} pendaftaran belum dinilai oleh {curators} kurator pada setiap kriteria juri."
        shown = [str(item) for item in application_ids[:SHOWN]]
        super().__init__(text, unscored=len(application_ids), curators=curators, application_ids=shown)


class TransitionRefusedError(RefusalError):
    """A deed that the state of an application does not allow."""

    slug, title = "status-tidak-sesuai", "Status tidak mengizinkan"

    def __init__(self, deed: str, current: ApplicationState, allowed: Iterable[ApplicationState]) -> None:
        states = ", ".join(sorted(allowed))
        text = f"Pendaftaran berstatus {current} tidak dapat {deed}; hanya yang berstatus: {states}."
        super().__init__(text, current=current.value)


class BoothElsewhereError(RefusalError):
    """A booth of another exhibition."""

    slug, title = "stan-pameran-lain", "Stan milik pameran lain"

    def __init__(self, booth_id: UUID, exhibition_id: UUID) -> None:
        super().__init__(
            "Stan ini bukan bagian dari pameran yang didaftari.",
            booth_id=str(booth_id),
            exhibition_id=str(exhibition_id),
        )


class BoothKindError(RefusalError):
    """A booth of another kind than was applied for."""

    slug, title = "jenis-stan-berbeda", "Jenis stan berbeda"

    def __init__(self, booth: BoothKind, wanted: BoothKind) -> None:
        text = f"Stan ini untuk {booth}, pendaftarannya untuk {wanted}."
        super().__init__(text, booth=booth.value, wanted=wanted.value)


class BoothFullError(RefusalError):
    """Everybody whom the booth holds in this wave is there."""

    slug, title = "stan-penuh", "Stan penuh"

    def __init__(self, booth_number: int, wave: int, capacity: int) -> None:
        text = f"Stan {booth_number} pada gelombang {wave} sudah penuh ({capacity} usaha)."
        super().__init__(text, booth=booth_number, wave=wave, capacity=capacity)


class ConfirmationLateError(RefusalError):
    """The time in which a place is confirmed is over."""

    slug, title = "konfirmasi-terlambat", "Konfirmasi terlambat"

    def __init__(self, zone: str, confirm_by: datetime, now: datetime) -> None:
        text = f"Tempat ini harus dikonfirmasi sampai {write_local(zone, confirm_by)}."
        super().__init__(text, confirm_by=confirm_by.isoformat(), now=now.isoformat())
