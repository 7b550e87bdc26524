"""Refusals: named, with the values that led to them; their text is Indonesian, because officers read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from shared.contracts.training import EnrolmentState
from shared.refusals import DeedRefusedError
from shared.wita import write_day, write_moment


class RefusalError(DeedRefusedError):
    """A deed that a rule of the trainings refuses."""


class UnknownBusinessError(RefusalError):
    """The registry's facts have not told of this business or owner (yet)."""

    slug, title = "usaha-belum-dikenal", "Usaha atau pemilik belum dikenal"

    def __init__(self, what: str, identity: UUID) -> None:
        super().__init__(
            f"{what} {identity} belum dikenal di pelatihan; bila baru didaftarkan, coba lagi sebentar lagi.",
            id=str(identity),
        )


class CodeTakenError(RefusalError):
    """A programme has this code."""

    slug, title = "kode-terpakai", "Kode program sudah dipakai"

    def __init__(self, code: str) -> None:
        super().__init__(f"Kode program {code} sudah dipakai.", code=code)


class CourseDatesError(RefusalError):
    """A course that ends before it begins."""

    slug, title = "tanggal-terbalik", "Pelatihan berakhir sebelum mulai"

    def __init__(self, starts_on: date, ends_on: date) -> None:
        text = f"Pelatihan berakhir {write_day(ends_on)}, sebelum mulai {write_day(starts_on)}."
        super().__init__(text, starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat())


class PartnerError(RefusalError):
    """Who holds a course and the named partner do not fit: a partner is named once, by its id or its name."""

    slug, title = "penyelenggara-tidak-sesuai", "Penyelenggara tidak sesuai"

    def __init__(self, held_by: str, partner: str | None, partner_id: UUID | None) -> None:
        text = "Pelatihan mitra menyebut mitranya sekali, dengan id atau namanya; pelatihan dinas tidak menyebut mitra."
        named = None if partner_id is None else str(partner_id)
        super().__init__(text, held_by=held_by, partner=partner, partner_id=named)


class RequirementValuesError(RefusalError):
    """A requirement with values that it does not take, or without those that it needs."""

    slug, title = "syarat-tidak-sah", "Syarat tidak sah"

    def __init__(self, kind: str, values: Iterable[str]) -> None:
        found = tuple(values)
        said = ", ".join(found) or "tanpa isi"
        super().__init__(f"Syarat {kind} tidak menerima: {said}.", kind=kind, values=list(found))


class SessionTimesError(RefusalError):
    """A session that does not fit: ends before it begins, or lies outside its course."""

    slug, title = "waktu-sesi", "Waktu sesi tidak sesuai"

    def __init__(self, number: int, why: str, starts_at: datetime, ends_at: datetime) -> None:
        text = f"Sesi {number} ({write_moment(starts_at)} sampai {write_moment(ends_at)}) {why}."
        super().__init__(text, session=number, starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat())


class NoSessionsError(RefusalError):
    """A batch without sessions."""

    slug, title = "tanpa-sesi", "Angkatan tanpa sesi"

    def __init__(self) -> None:
        super().__init__("Angkatan harus memiliki sekurang-kurangnya satu sesi.", sessions=0)


class DeadlineError(RefusalError):
    """Enrolments would close after the first session has begun."""

    slug, title = "batas-setelah-mulai", "Batas pendaftaran sesudah pelatihan mulai"

    def __init__(self, closes_at: datetime, starts_at: datetime) -> None:
        text = f"Batas pendaftaran {write_moment(closes_at)} tidak sebelum sesi pertama, {write_moment(starts_at)}."
        super().__init__(text, closes_at=closes_at.isoformat(), starts_at=starts_at.isoformat())


class QuotaError(RefusalError):
    """A quota of 0 or fewer."""

    slug, title = "kuota-nol", "Kuota harus lebih dari nol"

    def __init__(self, quota: int) -> None:
        super().__init__(f"Kuota {quota} tidak sah; sekurang-kurangnya 1.", quota=quota)


class QuotaBelowHeldError(RefusalError):
    """A quota below the seats that people have, or are offered: nobody accepted is harmed."""

    slug, title = "kuota-di-bawah-terisi", "Kuota di bawah kursi yang sudah terisi"

    def __init__(self, quota: int, held: int) -> None:
        text = f"Kuota {quota} di bawah {held} kursi yang sudah diberikan atau ditawarkan."
        super().__init__(text, quota=quota, held=held)


class BatchCancelledError(RefusalError):
    """The batch is not held."""

    slug, title = "angkatan-dibatalkan", "Angkatan dibatalkan"

    def __init__(self, batch_id: UUID) -> None:
        super().__init__(f"Angkatan {batch_id} dibatalkan.", batch_id=str(batch_id))


class BatchBegunError(RefusalError):
    """The batch has begun."""

    slug, title = "angkatan-sudah-mulai", "Angkatan sudah mulai"

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(f"Angkatan sudah mulai {write_moment(starts_at)}.", starts_at=starts_at.isoformat())


class EnrolmentClosedError(RefusalError):
    """The deadline has passed."""

    slug, title = "pendaftaran-ditutup", "Pendaftaran sudah ditutup"

    def __init__(self, closes_at: datetime, now: datetime) -> None:
        text = f"Pendaftaran ditutup {write_moment(closes_at)}; sekarang {write_moment(now)}."
        super().__init__(text, closes_at=closes_at.isoformat(), now=now.isoformat())


class NotYetClosedError(RefusalError):
    """The selection is made after the deadline."""

    slug, title = "pendaftaran-masih-dibuka", "Pendaftaran masih dibuka"

    def __init__(self, closes_at: datetime) -> None:
        text = f"Peserta ditetapkan setelah pendaftaran ditutup, {write_moment(closes_at)}."
        super().__init__(text, closes_at=closes_at.isoformat())


class NotAnOwnerError(RefusalError):
    """The owner does not own the business."""

    slug, title = "bukan-pemilik", "Bukan pemilik usaha ini"

    def __init__(self, owner_id: UUID, business_id: UUID) -> None:
        text = f"Pemilik {owner_id} tidak tercatat sebagai pemilik usaha {business_id}."
        super().__init__(text, owner_id=str(owner_id), business_id=str(business_id))


class OwnerErasedError(RefusalError):
    """The owner's personal data were erased."""

    slug, title = "pemilik-dihapus", "Data pemilik sudah dihapus"

    def __init__(self, owner_id: UUID) -> None:
        text = f"Data pribadi pemilik {owner_id} sudah dihapus atas permintaannya."
        super().__init__(text, owner_id=str(owner_id))


class AlreadyEnrolledError(RefusalError):
    """The owner has a live enrolment in this batch."""

    slug, title = "sudah-terdaftar", "Sudah terdaftar di angkatan ini"

    def __init__(self, batch_id: UUID, owner_id: UUID) -> None:
        text = f"Pemilik {owner_id} sudah terdaftar di angkatan {batch_id}."
        super().__init__(text, batch_id=str(batch_id), owner_id=str(owner_id))


class RequirementsNotMetError(RefusalError):
    """Requirements of the course that the applicant does not meet, each with what was found."""

    slug, title = "syarat-tidak-terpenuhi", "Syarat pelatihan tidak terpenuhi"

    def __init__(self, unmet: dict[str, str]) -> None:
        self.unmet = unmet
        super().__init__(f"Syarat belum terpenuhi: {'; '.join(unmet.values())}.", requirements=list(unmet))


class TransitionRefusedError(RefusalError):
    """The deed is not possible in this state."""

    slug, title = "status-tidak-sesuai", "Status pendaftaran tidak sesuai"

    def __init__(self, deed: str, state: EnrolmentState, allowed: Iterable[EnrolmentState]) -> None:
        self.state, self.allowed = state, tuple(sorted(allowed))
        text = f"Pendaftaran berstatus {state} tidak dapat {deed}; hanya yang berstatus: {', '.join(self.allowed)}."
        super().__init__(text, current=state.value, allowed=[item.value for item in self.allowed])


class OfferExpiredError(RefusalError):
    """The offer ran out."""

    slug, title = "tawaran-kedaluwarsa", "Tawaran kursi sudah kedaluwarsa"

    def __init__(self, until: datetime, now: datetime) -> None:
        text = f"Tawaran kursi berlaku sampai {write_moment(until)}; sekarang {write_moment(now)}."
        super().__init__(text, until=until.isoformat(), now=now.isoformat())


class SessionNotBegunError(RefusalError):
    """Attendance of a session that has not begun."""

    slug, title = "sesi-belum-mulai", "Sesi belum mulai"

    def __init__(self, session: int, starts_at: datetime) -> None:
        text = f"Sesi {session} baru mulai {write_moment(starts_at)}."
        super().__init__(text, session=session, starts_at=starts_at.isoformat())


class StrangersError(RefusalError):
    """Attendance or results for enrolments that are not participants of the batch."""

    slug, title = "bukan-peserta", "Bukan peserta angkatan ini"

    def __init__(self, enrolment_ids: Iterable[UUID]) -> None:
        found = [str(enrolment_id) for enrolment_id in enrolment_ids]
        super().__init__(f"Bukan peserta angkatan ini: {', '.join(found)}.", enrolment_ids=found)


class BatchNotOverError(RefusalError):
    """Results before the last session has ended."""

    slug, title = "angkatan-belum-selesai", "Angkatan belum selesai"

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"Sesi terakhir selesai {write_moment(ends_at)}.", ends_at=ends_at.isoformat())


class ScoreError(RefusalError):
    """A score out of range, missing where one is asked, or given where none is."""

    slug, title = "nilai-tidak-sah", "Nilai tidak sah"

    def __init__(self, score: int | None, why: str) -> None:
        super().__init__(f"Nilai {'kosong' if score is None else score} tidak sah: {why}.", score=score)


class NotPassedError(RefusalError):
    """A certificate for somebody who has not passed."""

    slug, title = "belum-lulus", "Belum lulus"

    def __init__(self, state: EnrolmentState) -> None:
        text = f"Sertifikat hanya untuk yang lulus; pendaftaran ini berstatus {state}."
        super().__init__(text, current=state.value)


class AlreadyIssuedError(RefusalError):
    """The certificate is there; a new edition is a re-issue."""

    slug, title = "sertifikat-sudah-terbit", "Sertifikat sudah terbit"

    def __init__(self, number: str) -> None:
        text = f"Sertifikat {number} sudah terbit; perbaikan diterbitkan sebagai versi baru."
        super().__init__(text, number=number)


class CertificateRevokedError(RefusalError):
    """The certificate was taken back."""

    slug, title = "sertifikat-dicabut", "Sertifikat sudah dicabut"

    def __init__(self, number: str) -> None:
        super().__init__(f"Sertifikat {number} sudah dicabut.", number=number)
