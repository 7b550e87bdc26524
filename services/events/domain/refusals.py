"""Refusals: named, with the values that led to them; their text is Indonesian, because officers read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from services.events.domain.clock import write_local
from shared.contracts.exhibitions import ApplicationState, BoothKind
from shared.wita import write_day

SHOWN = 20
"""Of many ids an answer names so many."""


class RefusalError(Exception):
    """A deed that a rule refuses. ``slug`` names the rule, ``title`` says it, the text speaks of this case.

    ``values`` are what the rule compared, for the machine that reads the answer; nothing personal among them.
    """

    slug = "ditolak-aturan"
    title = "Ditolak oleh aturan"

    def __init__(self, text: str, **values: object) -> None:
        self.values = values
        super().__init__(text)


class NotFoundError(RefusalError):
    """There is no such exhibition, booth, wave, application, outlet, turn or member."""

    slug, title = "tidak-ditemukan", "Tidak ditemukan"

    def __init__(self, what: str, identity: object) -> None:
        super().__init__(f"{what} {identity} tidak ada.")


class UnknownBusinessError(RefusalError):
    """The registry's facts have not told of this business or owner (yet)."""

    slug, title = "usaha-belum-dikenal", "Usaha atau pemilik belum dikenal"

    def __init__(self, what: str, identity: UUID) -> None:
        super().__init__(
            f"{what} {identity} belum dikenal di pameran; bila baru didaftarkan, coba lagi sebentar lagi.",
            id=str(identity),
        )


class StaleVersionError(RefusalError):
    """Somebody changed it since it was read."""

    slug, title = "versi-usang", "Data sudah berubah"

    def __init__(self, expected: int, current: int) -> None:
        text = f"Versi {expected} sudah usang; versi sekarang {current}. Baca ulang, lalu kirim kembali."
        super().__init__(text, current=str(current))


class ExhibitionDatesError(RefusalError):
    """An exhibition that ends before it begins."""

    slug, title = "tanggal-terbalik", "Pameran berakhir sebelum mulai"

    def __init__(self, starts_on: date, ends_on: date) -> None:
        text = f"Pameran berakhir {write_day(ends_on)}, sebelum mulai {write_day(starts_on)}."
        super().__init__(text, starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat())


class OrganiserError(RefusalError):
    """Who holds it and the named partner do not fit."""

    slug, title = "penyelenggara-tidak-sesuai", "Penyelenggara tidak sesuai"

    def __init__(self, held_by: str, partner: str | None) -> None:
        text = "Penyelenggara mitra harus disebut namanya; yang diselenggarakan dinas tidak menyebut mitra."
        super().__init__(text, held_by=held_by, partner=partner)


class WaveTimesError(RefusalError):
    """A wave that ends before it begins, overlaps another, or lies outside its exhibition."""

    slug, title = "waktu-gelombang", "Waktu gelombang tidak sesuai"

    def __init__(self, zone: str, number: int, why: str, starts_at: datetime, ends_at: datetime) -> None:
        text = f"Gelombang {number} ({write_local(zone, starts_at)} sampai {write_local(zone, ends_at)}) {why}."
        super().__init__(text, wave=number, starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat())


class NoWavesError(RefusalError):
    """An exhibition without waves."""

    slug, title = "tanpa-gelombang", "Pameran tanpa gelombang"

    def __init__(self) -> None:
        super().__init__("Pameran harus memiliki sekurang-kurangnya satu gelombang.", waves=0)


class DeadlineError(RefusalError):
    """Applications would close after the first wave has begun."""

    slug, title = "batas-setelah-mulai", "Batas pendaftaran sesudah pameran mulai"

    def __init__(self, zone: str, closes_at: datetime, starts_at: datetime) -> None:
        text = (
            f"Batas pendaftaran {write_local(zone, closes_at)} tidak sebelum gelombang pertama, "
            f"{write_local(zone, starts_at)}."
        )
        super().__init__(text, closes_at=closes_at.isoformat(), starts_at=starts_at.isoformat())


class CriteriaError(RefusalError):
    """Criteria that do not make a curation: none, a code twice, a weight of 0, values that a kind does not take."""

    slug, title = "kriteria-tidak-sah", "Kriteria tidak sah"

    def __init__(self, code: str, why: str, value: object) -> None:
        super().__init__(f"Kriteria {code}: {why}.", criterion=code, value=value)


class CapacityError(RefusalError):
    """A capacity of 0 or fewer."""

    slug, title = "kapasitas-nol", "Kapasitas harus lebih dari nol"

    def __init__(self, capacity: int) -> None:
        super().__init__(f"Kapasitas {capacity} tidak sah; sekurang-kurangnya 1.", capacity=capacity)


class CapacityBelowPlacedError(RefusalError):
    """A capacity below those who have a place, or were promised one: nobody chosen is harmed."""

    slug, title = "kapasitas-di-bawah-terisi", "Kapasitas di bawah tempat yang sudah terisi"

    def __init__(self, capacity: int, placed: int, kind: BoothKind, places: int, chosen: int) -> None:
        text = (
            f"Kapasitas {capacity} tidak cukup: {placed} usaha sudah ditempatkan pada satu gelombang di stan ini, dan "
            f"untuk {chosen} usaha terpilih jenis {kind} tinggal {places} tempat."
        )
        super().__init__(text, capacity=capacity, placed=placed, kind=kind.value, places=places, chosen=chosen)


class ExhibitionCancelledError(RefusalError):
    """The exhibition is not held."""

    slug, title = "pameran-dibatalkan", "Pameran dibatalkan"

    def __init__(self, exhibition_id: UUID) -> None:
        super().__init__("Pameran ini sudah dibatalkan.", exhibition_id=str(exhibition_id))


class WaveBegunError(RefusalError):
    """A wave has begun: its places are given."""

    slug, title = "gelombang-sudah-mulai", "Gelombang sudah mulai"

    def __init__(self, zone: str, number: int, starts_at: datetime) -> None:
        text = f"Gelombang {number} sudah mulai {write_local(zone, starts_at)}."
        super().__init__(text, wave=number, starts_at=starts_at.isoformat())


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


class WaveNotBegunError(RefusalError):
    """Who comes is known once the wave has begun."""

    slug, title = "gelombang-belum-mulai", "Gelombang belum mulai"

    def __init__(self, zone: str, number: int, starts_at: datetime) -> None:
        text = f"Gelombang {number} baru mulai {write_local(zone, starts_at)}."
        super().__init__(text, wave=number, starts_at=starts_at.isoformat())


class SalesAmountError(RefusalError):
    """Sales below zero."""

    slug, title = "penjualan-negatif", "Penjualan negatif"

    def __init__(self, amount: int) -> None:
        super().__init__(f"Penjualan Rp{amount} tidak sah; tidak boleh di bawah nol.", amount=amount)


class SalesDayError(RefusalError):
    """A day that has not come, in the exhibition's zone."""

    slug, title = "penjualan-hari-depan", "Penjualan pada hari yang belum tiba"

    def __init__(self, day: date, today: date) -> None:
        text = f"Penjualan {write_day(day)} belum dapat dilaporkan; di tempat pameran hari ini {write_day(today)}."
        super().__init__(text, day=day.isoformat(), today=today.isoformat())


class SalesElsewhereError(RefusalError):
    """A day on which the wave of this business does not sell."""

    slug, title = "penjualan-di-luar-gelombang", "Penjualan di luar gelombang"

    def __init__(self, day: date, wave: int, first: date, last: date) -> None:
        text = f"{write_day(day)} di luar gelombang {wave}, {write_day(first)} sampai {write_day(last)}."
        super().__init__(text, day=day.isoformat(), wave=wave, first=first.isoformat(), last=last.isoformat())


class SalesKnownError(RefusalError):
    """Who reported sales was there."""

    slug, title = "penjualan-sudah-dilaporkan", "Penjualan sudah dilaporkan"

    def __init__(self, application_ids: Sequence[UUID]) -> None:
        text = "Usaha yang melaporkan penjualan tidak dapat dicatat tidak hadir."
        super().__init__(text, application_ids=[str(item) for item in application_ids[:SHOWN]])


class TooFewError(RefusalError):
    """A total of fewer than five businesses, or one that compared with the last would tell of fewer than five."""

    slug, title = "terlalu-sedikit-usaha", "Terlalu sedikit usaha untuk diterbitkan"

    def __init__(self, reported: int, changed: int, least: int) -> None:
        text = (
            f"Omzet diterbitkan bila sekurang-kurangnya {least} usaha melapor ({reported} sekarang), dan laporan "
            f"sekurang-kurangnya {least} usaha berbeda sejak terbitan terakhir ({changed} sekarang)."
        )
        super().__init__(text, reported=reported, changed=changed, least=least)


class AlreadyMemberError(RefusalError):
    """The business is in the rota."""

    slug, title = "sudah-anggota", "Usaha sudah dalam giliran"

    def __init__(self, business_id: UUID) -> None:
        super().__init__("Usaha ini sudah dalam daftar giliran.", business_id=str(business_id))


class NoMembersError(RefusalError):
    """A rota of nobody."""

    slug, title = "tanpa-anggota", "Belum ada anggota giliran"

    def __init__(self) -> None:
        super().__init__("Gerai ini belum memiliki anggota giliran.", members=0)


class TurnDatesError(RefusalError):
    """A turn that ends before it begins, or begins before the one before it has ended."""

    slug, title = "tanggal-giliran", "Tanggal giliran tidak sesuai"

    def __init__(self, why: str, starts_on: date, ends_on: date) -> None:
        text = f"Giliran {write_day(starts_on)} sampai {write_day(ends_on)} {why}."
        super().__init__(text, starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat())


class TurnOverError(RefusalError):
    """The turn has ended, so nobody gives it up."""

    slug, title = "giliran-selesai", "Giliran sudah selesai"

    def __init__(self, number: int, ends_on: date) -> None:
        super().__init__(f"Giliran {number} selesai {write_day(ends_on)}.", turn=number, ends_on=ends_on.isoformat())
