"""Why an operator's deed on a parked event is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.refusals import DeedRefusedError, NotFoundError
from shared.wita import write_moment


class AlreadyAskedError(DeedRefusedError):
    """Its redrive was asked for, and the worker has not come to it yet."""

    slug, title = "putar-ulang-sudah-diminta", "Putar ulang sudah diminta"

    def __init__(self, parked_id: int, at: datetime) -> None:
        text = f"Putar ulang peristiwa {parked_id} sudah diminta pada {write_moment(at)}; pekerja layanan melakukannya."
        super().__init__(text, at=at.isoformat())


class AlreadyRedrivenError(DeedRefusedError):
    """It was redriven and is parked no more; if it failed again, it is parked under another number."""

    slug, title = "sudah-diputar-ulang", "Peristiwa sudah diputar ulang"

    def __init__(self, parked_id: int, actor: str, at: datetime) -> None:
        text = (
            f"Peristiwa {parked_id} sudah diputar ulang: diminta {actor} pada {write_moment(at)}. "
            "Bila gagal lagi, peristiwa itu terparkir dengan nomor baru."
        )
        super().__init__(text, actor=actor, at=at.isoformat())


class AlreadyDiscardedError(DeedRefusedError):
    """It was discarded, for good."""

    slug, title = "sudah-dibuang", "Peristiwa sudah dibuang"

    def __init__(self, parked_id: int, actor: str, at: datetime, reason: str) -> None:
        text = (
            f"Peristiwa {parked_id} sudah dibuang oleh {actor} pada {write_moment(at)} ({reason}); "
            "yang sudah dibuang tidak dapat diputar ulang."
        )
        super().__init__(text, actor=actor, at=at.isoformat(), reason=reason)


class WaitsForAnotherError(DeedRefusedError):
    """It only waits for an earlier event of its aggregate: without it the ones behind would wait for ever."""

    slug, title = "menunggu-peristiwa-lain", "Peristiwa ini hanya menunggu"

    def __init__(self, parked_id: int, kind: str) -> None:
        text = (
            f"Peristiwa {parked_id} hanya menunggu peristiwa sebelumnya dan tidak dapat dibuang; "
            "putar ulang atau buang yang menghalanginya."
        )
        super().__init__(text, kind=kind)


class NothingToRedriveError(DeedRefusedError):
    """Nothing is parked, or all of it was asked for already."""

    slug, title = "tidak-ada-yang-diputar-ulang", "Tidak ada yang perlu diputar ulang"

    def __init__(self) -> None:
        super().__init__("Tidak ada peristiwa terparkir yang belum diminta putar ulangnya.")


class PersonalReasonError(DeedRefusedError):
    """A reason is kept for ever, so it may hold no number or address of a person."""

    slug, title = "alasan-memuat-data-pribadi", "Alasan memuat data pribadi"

    def __init__(self) -> None:
        super().__init__("Alasan dicatat untuk selamanya: tulis tanpa NIK, nomor telepon, surel, atau token.")


STATUSES: Mapping[type[DeedRefusedError], int] = {
    NotFoundError: 404,
    AlreadyAskedError: 409,
    AlreadyRedrivenError: 409,
    AlreadyDiscardedError: 409,
    WaitsForAnotherError: 409,
    NothingToRedriveError: 409,
    PersonalReasonError: 422,
}
"""The status of each."""
