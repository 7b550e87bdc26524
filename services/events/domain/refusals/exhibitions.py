"""Refusals of exhibitions and booths."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from services.events.domain.refusals.general import RefusalError
from shared.contracts.exhibitions import BoothKind
from shared.wita import write_day, write_local


class ExhibitionDatesError(RefusalError):
    """An exhibition that ends before it begins."""

    slug, title = "tanggal-terbalik", "Pameran berakhir sebelum mulai"

    def __init__(self, starts_on: date, ends_on: date) -> None:
        text = f"Pameran berakhir {write_day(ends_on)}, sebelum mulai {write_day(starts_on)}."
        super().__init__(text, starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat())


class OrganiserError(RefusalError):
    """Who holds it and the named partner do not fit: a partner is named once, by its id or its name, the office not at all."""

    slug, title = "penyelenggara-tidak-sesuai", "Penyelenggara tidak sesuai"

    def __init__(self, held_by: str, partner: str | None, partner_id: UUID | None) -> None:
        text = "Penyelenggara mitra disebut sekali, dengan id atau namanya; yang diselenggarakan dinas tidak menyebut mitra."
        named = None if partner_id is None else str(partner_id)
        super().__init__(text, held_by=held_by, partner=partner, partner_id=named)


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

    def __init__(self, capacity: int, placed: int, kind: BoothKind, places: int, promised: int) -> None:
        text = (
            f"Kapasitas {capacity} tidak cukup: {placed} usaha sudah ditempatkan pada satu gelombang di stan ini, dan "
            f"untuk {promised} usaha terpilih jenis {kind} yang belum ditempatkan tinggal {places} tempat pada gelombang "
            "yang belum mulai."
        )
        super().__init__(text, capacity=capacity, placed=placed, kind=kind.value, places=places, promised=promised)


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
