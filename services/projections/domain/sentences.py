"""The timeline in Indonesian: one sentence per fact, made when it is read, so that a better text needs no rebuild."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.projections.domain.names import (
    ASPECT_NAMES,
    BASIS_NAMES,
    CLASS_NAMES,
    EVIDENCE_NAMES,
    FIELD_NAMES,
    SOURCE_NAMES,
    STATUS_NAMES,
    number,
    sector_name,
    told_day,
)
from services.projections.domain.service_sentences import WRITERS as SERVICE_WRITERS
from services.projections.reference import Places

Detail = Mapping[str, Any]

_PLAIN = {
    "business.submitted": "Usaha diajukan untuk verifikasi.",
    "business.verified": "Usaha diverifikasi oleh petugas.",
    "business.returned": "Usaha dikembalikan kepada pemilik untuk diperbaiki.",
    "business.rejected": "Pengajuan usaha ditolak.",
    "business.deactivated": "Usaha dinyatakan tidak aktif.",
    "business.assessed": "Usaha dinilai menurut lima aspek.",
    "business.export_readiness_recorded": "Kesiapan ekspor usaha diperiksa.",
}


_DOUBTS = {"kelas_melompat": "kelas melompati satu tingkat", "kelas_turun": "kelas turun"}
"""Flags of a class change; any other one tells that data contradict each other."""


def sentence(name: str, detail: Detail | None, places: Places) -> str:
    """Return what happened, as an officer reads it. ``name`` and ``detail`` as in the two tables of the timeline."""
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain
    if (service_writer := SERVICE_WRITERS.get(name)) is not None:
        return service_writer(detail or {})
    writer = _WRITERS.get(name)
    return writer(detail or {}, places) if writer else f"Peristiwa tercatat ({name})."


def _kelas(code: Any) -> str:
    return "kelas belum diketahui" if code not in CLASS_NAMES else f"kelas {code}"


def _status(code: Any) -> str:
    return STATUS_NAMES.get(code, str(code)).lower()


def _registered(detail: Detail, places: Places) -> str:
    sector = detail.get("sector", "tidak_diketahui")
    business = "Usaha" if sector == "tidak_diketahui" else f"Usaha bidang {sector_name(sector).lower()}"
    source = SOURCE_NAMES.get(detail.get("source", ""), "sumber lain")
    return (
        f"{business} didaftarkan di {places.name(detail.get('kelurahan', ''))}, {_kelas(detail.get('kelas'))}, "
        f"status {_status(detail.get('status'))} (sumber: {source}; data per {told_day(detail.get('as_of'))})."
    )


def _changed(detail: Detail, _: Places) -> str:
    fields = [FIELD_NAMES.get(field, field.replace("_", " ")) for field in detail.get("changed", ())]
    what = ", ".join(fields) if fields else "data usaha"
    source = SOURCE_NAMES.get(detail.get("source", ""), "sumber lain")
    return f"Data diperbarui: {what} (sumber: {source}; data per {told_day(detail.get('as_of'))})."


def _class_changed(detail: Detail, _: Places) -> str:
    before, after = detail.get("before"), detail.get("kelas")
    ladder = ["mikro", "kecil", "menengah"]
    rises = before in ladder and after in ladder and ladder.index(after) > ladder.index(before)
    basis = BASIS_NAMES.get(detail.get("basis") or "", "dasar tidak disebut")
    year = f", tahun {detail['year']}" if detail.get("year") else ""
    doubts = [_DOUBTS.get(flag, "data bertentangan") for flag in detail.get("flags") or ()]
    note = f" Perlu diperiksa: {', '.join(dict.fromkeys(doubts))}." if doubts else ""
    shown = [EVIDENCE_NAMES.get(code, code) for code in detail.get("evidence") or ()]
    proof = f" Bukti: {', '.join(shown)}." if shown else ""
    what = "Naik kelas" if rises else "Kelas dicatat ulang"
    return f"{what}: dari {_kelas(before)} ke {_kelas(after)} ({basis}{year}).{proof}{note}"


def _assessed(detail: Detail, _: Places) -> str:
    scores = [
        f"{ASPECT_NAMES.get(each['aspect'], each['aspect'])} {each['score']}" for each in detail.get("scores", ())
    ]
    told = f": {', '.join(scores)} (skala 1 sampai 5)" if scores else ""
    return f"Usaha dinilai pada {told_day(detail.get('assessed_on'))}{told}."


def _export(detail: Detail, _: Places) -> str:
    ready = "siap ekspor" if detail.get("ready") else "belum siap ekspor"
    met, items = detail.get("met", 0), detail.get("items", 0)
    return (
        f"Kesiapan ekspor diperiksa per {told_day(detail.get('as_of'))}: {ready} ({met} dari {items} butir terpenuhi)."
    )


def _workers(detail: Detail, _: Places) -> str:
    men = [detail.get("paid_men"), detail.get("unpaid_men")]
    women = [detail.get("paid_women"), detail.get("unpaid_women")]
    known = [value for value in [*men, *women] if value is not None]
    if not known:
        return f"Tenaga kerja didata per {told_day(detail.get('as_of'))}: jumlahnya belum diketahui."
    parts = [
        f"{number(sum(value for value in group if value is not None))} {word}"
        for group, word in ((men, "laki-laki"), (women, "perempuan"))
        if any(value is not None for value in group)
    ]
    return f"Tenaga kerja didata per {told_day(detail.get('as_of'))}: {number(sum(known))} orang ({', '.join(parts)})."


_WRITERS: dict[str, Callable[[Detail, Places], str]] = {
    "business.registered": _registered,
    "business.changed": _changed,
    "business.class_changed": _class_changed,
    "business.workers_recorded": _workers,
    "business.assessed": _assessed,
    "business.export_readiness_recorded": _export,
    "business.reactivated": lambda d, _: f"Usaha aktif kembali dengan status {_status(d.get('status'))}.",
    "business.closed": lambda d, _: f"Usaha tutup pada {told_day(d.get('closed_on'))}.",
    "business.duplicate_proposed": lambda d, _: (
        f"Diduga sama dengan usaha {d.get('other_id')}; menunggu keputusan petugas."
    ),
    "business.merged": lambda d, _: f"Usaha digabung ke usaha {d.get('into_id')}.",
    "business.merge_undone": lambda d, _: (
        f"Penggabungan dibatalkan; usaha berdiri sendiri lagi dengan status {_status(d.get('status'))}."
    ),
}
