"""Refusals of presence, sales and totals, and of outlets with their rota."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.events.domain.refusals.general import SHOWN, RefusalError
from shared.wita import write_day, write_local


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
    """A rota of nobody, or of those who are away."""

    slug, title = "tanpa-anggota", "Tidak ada anggota giliran"

    def __init__(self) -> None:
        super().__init__("Gerai ini tidak memiliki anggota giliran yang usahanya aktif.", members=0)


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
