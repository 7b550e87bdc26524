"""Refusals of licences, organisations and brands. No number of a licence stands in a text."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry.domain.refusals import RefusalError
from services.registry.reference.licences import LicenceForm
from shared.contracts.licensing import LicenceStatus
from shared.contracts.organisations import BrandStatus
from shared.wita import write_day


class LicenceNotFoundError(RefusalError):
    """No such licence, or one of a business of another kelurahan."""

    slug, title = "izin-tidak-ada", "Izin tidak ditemukan"

    def __init__(self, licence_id: UUID) -> None:
        super().__init__(f"Izin {licence_id} tidak ada di registri.")


class LicenceNumberError(RefusalError):
    """The number is not written as this kind's numbers are."""

    slug, title = "nomor-izin-tidak-sah", "Nomor izin tidak sah"

    def __init__(self, form: LicenceForm) -> None:
        text = f"Nomor {form.title} terdiri atas {form.shape}; contoh: {form.example}."
        super().__init__(text, shape=form.shape, example=form.example)


class LicenceDatesError(RefusalError):
    """The days of a licence contradict each other or its kind."""

    slug, title = "masa-berlaku-tidak-sah", "Masa berlaku tidak sah"

    def __init__(self, text: str, valid_from: date | None, expires_on: date | None) -> None:
        super().__init__(
            text,
            valid_from=None if valid_from is None else valid_from.isoformat(),
            expires_on=None if expires_on is None else expires_on.isoformat(),
        )


class LicenceRanOutError(RefusalError):
    """The last valid day is over: it can neither be handed in nor be verified."""

    slug, title = "izin-kedaluwarsa", "Izin sudah kedaluwarsa"

    def __init__(self, expires_on: date, on: date) -> None:
        text = f"Izin berlaku sampai {write_day(expires_on)}, sudah lewat pada {write_day(on)}."
        super().__init__(text, expires_on=expires_on.isoformat(), on=on.isoformat())


class LicenceKnownError(RefusalError):
    """This business has a licence with this number, or it waits for verification."""

    slug, title = "izin-sudah-tercatat", "Izin sudah tercatat"

    def __init__(self) -> None:
        super().__init__("Izin dengan jenis dan nomor ini sudah tercatat untuk usaha ini, atau sedang diajukan.")


class LicenceStatusError(RefusalError):
    """The deed is not possible in this status."""

    slug, title = "status-izin-tidak-sesuai", "Status izin tidak sesuai"

    def __init__(self, deed: str, status: LicenceStatus, allowed: LicenceStatus) -> None:
        text = f"Izin berstatus {status} tidak dapat {deed}; hanya yang berstatus {allowed}."
        super().__init__(text, current=status.value, allowed=[allowed.value])


class LicenceVerifierError(RefusalError):
    """Who handed a licence in does not verify it."""

    slug, title = "pemeriksa-izin-pengaju", "Pemeriksa adalah pengaju izin"

    def __init__(self) -> None:
        super().__init__("Izin diverifikasi oleh petugas lain, bukan oleh yang mengajukannya.")


class RenewalError(RefusalError):
    """The licence that is to be renewed is another business's or kind's, or was never valid, or was taken back."""

    slug, title = "perpanjangan-tidak-sesuai", "Perpanjangan tidak sesuai"

    def __init__(self, renews: UUID) -> None:
        text = f"Izin {renews} tidak dapat diperpanjang: harus izin usaha dan jenis yang sama, yang berlaku atau kedaluwarsa."
        super().__init__(text, renews=str(renews))


class LicenceReplacedError(RefusalError):
    """Another licence has taken the place of this one."""

    slug, title = "izin-sudah-diganti", "Izin sudah diganti"

    def __init__(self, licence_id: UUID, replaced_by: UUID) -> None:
        text = f"Izin {licence_id} sudah diganti oleh izin {replaced_by}."
        super().__init__(text, replaced_by=str(replaced_by))


class DayOrderError(RefusalError):
    """A day that lies before another one that it has to follow."""

    slug, title = "tanggal-terbalik", "Urutan tanggal terbalik"

    def __init__(self, what: str, day: date, earlier: str, earliest: date) -> None:
        text = f"Tanggal {what} {write_day(day)} mendahului tanggal {earlier} {write_day(earliest)}."
        super().__init__(text, day=day.isoformat(), earliest=earliest.isoformat())


class OrganisationNotFoundError(RefusalError):
    """No such organisation."""

    slug, title = "organisasi-tidak-ada", "Organisasi tidak ditemukan"

    def __init__(self, organisation_id: UUID) -> None:
        super().__init__(f"Organisasi {organisation_id} tidak ada di registri.")


class OrganisationKnownError(RefusalError):
    """An organisation of this title works with the office."""

    slug, title = "organisasi-sudah-tercatat", "Organisasi sudah tercatat"

    def __init__(self, title: str) -> None:
        super().__init__(f"Organisasi dengan nama {title} sudah tercatat.")


class OrganisationEndedError(RefusalError):
    """The organisation does not work with the office any more."""

    slug, title = "organisasi-berakhir", "Kerja sama sudah berakhir"

    def __init__(self, organisation_id: UUID, ended_on: date) -> None:
        text = f"Kerja sama dengan organisasi {organisation_id} berakhir pada {write_day(ended_on)}."
        super().__init__(text, ended_on=ended_on.isoformat())


class PublicTextError(RefusalError):
    """A text that everybody may read holds what looks like a person's number or address; it is not repeated."""

    slug, title = "teks-memuat-data-pribadi", "Teks memuat data pribadi"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} terbuka untuk umum: tidak boleh memuat nomor panjang, telepon, atau surel.")


class BrandNotFoundError(RefusalError):
    """No such brand, or one of a business of another kelurahan."""

    slug, title = "merek-tidak-ada", "Merek tidak ditemukan"

    def __init__(self, brand_id: UUID) -> None:
        super().__init__(f"Merek {brand_id} tidak ada di registri.")


class BrandKnownError(RefusalError):
    """This owner has filed this mark."""

    slug, title = "merek-sudah-tercatat", "Merek sudah tercatat"

    def __init__(self, mark: str) -> None:
        super().__init__(f"Merek {mark} sudah tercatat untuk pemilik ini, atau sedang diajukan.")


class BrandStatusError(RefusalError):
    """The deed is not possible in this status."""

    slug, title = "status-merek-tidak-sesuai", "Status merek tidak sesuai"

    def __init__(self, deed: str, status: BrandStatus, allowed: BrandStatus) -> None:
        text = f"Merek berstatus {status} tidak dapat {deed}; hanya yang berstatus {allowed}."
        super().__init__(text, current=status.value, allowed=[allowed.value])


class BrandRanOutError(RefusalError):
    """The ten years of protection are over: nothing is left to register."""

    slug, title = "merek-kedaluwarsa", "Pelindungan merek sudah berakhir"

    def __init__(self, expires_on: date) -> None:
        text = f"Pelindungan merek berakhir pada {write_day(expires_on)}, sepuluh tahun sejak diajukan."
        super().__init__(text, expires_on=expires_on.isoformat())
