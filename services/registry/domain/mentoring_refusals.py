"""Refusals about mentors and mentoring: named, with what the rule compared, in Indonesian."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.registry.domain.refusals import RefusalError
from shared.contracts.registry import BusinessStatus
from shared.wita import write_day


class MentorNotFoundError(RefusalError):
    """No such mentor."""

    slug, title = "pendamping-tidak-ada", "Pendamping tidak ditemukan"

    def __init__(self, mentor_id: UUID) -> None:
        self.mentor_id = mentor_id
        super().__init__(f"Pendamping {mentor_id} tidak ada di registri.")


class MentorEndedError(RefusalError):
    """Is no mentor any more."""

    slug, title = "pendamping-berhenti", "Pendamping sudah berhenti"

    def __init__(self, mentor_id: UUID, ended_on: date) -> None:
        self.mentor_id, self.ended_on = mentor_id, ended_on
        super().__init__(
            f"Pendamping {mentor_id} sudah berhenti pada {write_day(ended_on)}.", ended_on=ended_on.isoformat()
        )


class AccountTakenError(RefusalError):
    """The account belongs to a mentor already; it is not repeated in the text, since some issuers take an e-mail for it."""

    slug, title = "akun-pendamping-terpakai", "Akun sudah menjadi pendamping"

    def __init__(self, account: str) -> None:
        self.account = account
        super().__init__("Akun ini sudah terdaftar sebagai pendamping.")


class MentorStillNeededError(RefusalError):
    """A mentor ends only when all their businesses were handed over."""

    slug, title = "usaha-belum-dialihkan", "Usaha dampingan belum dialihkan"

    def __init__(self, mentor_id: UUID, businesses: int) -> None:
        self.mentor_id, self.businesses = mentor_id, businesses
        super().__init__(
            f"Pendamping {mentor_id} masih mendampingi {businesses} usaha; alihkan atau akhiri dulu.",
            businesses=businesses,
        )


class MentorElsewhereError(RefusalError):
    """The mentor does not work in the kelurahan of the business."""

    slug, title = "di-luar-wilayah-pendamping", "Di luar wilayah pendamping"

    def __init__(self, kelurahan: str, works_in: Iterable[str]) -> None:
        self.kelurahan, self.works_in = kelurahan, tuple(works_in)
        super().__init__(
            f"Usaha di {kelurahan} berada di luar wilayah pendamping: {', '.join(self.works_in)}.",
            current=kelurahan,
            allowed=list(self.works_in),
        )


class NotMentorableError(RefusalError):
    """Only a verified business gets a mentor."""

    slug, title = "usaha-belum-terverifikasi", "Usaha belum terverifikasi"

    def __init__(self, status: BusinessStatus) -> None:
        self.status = status
        super().__init__(
            f"Usaha berstatus {status} tidak dapat didampingi; hanya yang terverifikasi.",
            current=status.value,
            allowed=[BusinessStatus.TERVERIFIKASI.value],
        )


class AlreadyMentoredError(RefusalError):
    """A business has one mentor at a time."""

    slug, title = "sudah-didampingi", "Usaha sudah didampingi"

    def __init__(self, business_id: UUID, mentoring_id: UUID) -> None:
        self.business_id, self.mentoring_id = business_id, mentoring_id
        super().__init__(
            f"Usaha {business_id} sudah mempunyai pendamping; alihkan pendampingan yang berjalan.",
            mentoring_id=str(mentoring_id),
        )


class MentoringNotFoundError(RefusalError):
    """No such mentoring."""

    slug, title = "pendampingan-tidak-ada", "Pendampingan tidak ditemukan"

    def __init__(self, mentoring_id: UUID) -> None:
        self.mentoring_id = mentoring_id
        super().__init__(f"Pendampingan {mentoring_id} tidak ada di registri.")


class MentoringEndedError(RefusalError):
    """The mentoring is over."""

    slug, title = "pendampingan-berakhir", "Pendampingan sudah berakhir"

    def __init__(self, mentoring_id: UUID, ended_on: date) -> None:
        self.mentoring_id, self.ended_on = mentoring_id, ended_on
        super().__init__(
            f"Pendampingan {mentoring_id} sudah berakhir pada {write_day(ended_on)}.", ended_on=ended_on.isoformat()
        )


class NotTheMentorError(RefusalError):
    """Only the mentor of a business (or the city's office) acts for it, or looks at it."""

    slug, title = "bukan-pendampingnya", "Bukan pendampingnya"

    def __init__(self) -> None:
        super().__init__("Ini urusan pendamping lain; hanya pendampingnya dan petugas dinas yang berhak.")


class SameMentorError(RefusalError):
    """A business is handed over to somebody else."""

    slug, title = "pendamping-sama", "Pendamping yang sama"

    def __init__(self, mentor_id: UUID) -> None:
        self.mentor_id = mentor_id
        super().__init__(f"Usaha ini sudah didampingi oleh pendamping {mentor_id}.")


class MentoringDayError(RefusalError):
    """The day is ahead, or before what came first."""

    slug, title = "tanggal-pendampingan", "Tanggal tidak sesuai"

    def __init__(self, day: date, earliest: date | None, latest: date) -> None:
        self.day, self.earliest, self.latest = day, earliest, latest
        span = f"sampai {write_day(latest)}"
        if earliest is not None:
            span = f"{write_day(earliest)} {span}"
        super().__init__(
            f"Tanggal {write_day(day)} tidak dapat dipakai di sini; yang dapat dipakai: {span}.",
            current=day.isoformat(),
            earliest=None if earliest is None else earliest.isoformat(),
            latest=latest.isoformat(),
        )
