"""What the other services told of a business, in Indonesian: one sentence per fact, made when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.projections.domain.names import ASPECT_NAMES, CAUSE_NAMES, LICENCE_NAMES, number, told_day
from shared.wita import write_local, write_moment

Detail = Mapping[str, Any]
Writer = Callable[[Detail], str]


def _moment(value: Any) -> str:
    return write_moment(datetime.fromisoformat(value)) if value else "waktu yang belum diketahui"


def _local(value: Any, zone: str) -> str:
    """Return an instant as people read it where the exhibition is."""
    if not value:
        return "waktu yang belum diketahui"
    return write_local(zone, datetime.fromisoformat(value))


def _cause(detail: Detail) -> str:
    return f" ({CAUSE_NAMES.get(detail.get('cause', ''), 'alasan lain')})"


def _title(detail: Detail, kind: str) -> str:
    return f"{kind} “{detail['title']}”" if detail.get("title") else kind


def _course(detail: Detail) -> str:
    return _title(detail, "pelatihan")


def _fair(detail: Detail) -> str:
    return _title(detail, "pameran")


def _licence(detail: Detail) -> str:
    return LICENCE_NAMES.get(detail.get("kind", ""), "Izin")


_ENROLLED = {
    "diterima": "langsung diterima",
    "daftar_tunggu": "masuk daftar tunggu",
    "diajukan": "menunggu seleksi",
}


def _attendance(detail: Detail) -> str:
    word = "Hadir" if detail.get("present") else "Tidak hadir"
    return f"{word} pada sesi ke-{detail.get('session')} pelatihan."


def _failed(detail: Detail) -> str:
    cause = "kehadiran kurang" if detail.get("cause") == "kehadiran" else "nilai belum cukup"
    return f"Tidak lulus pelatihan: {cause} (hadir {detail.get('attended')} dari {detail.get('sessions')} sesi)."


def _placed(detail: Detail, verb: str) -> str:
    zone = detail.get("zone") or "Asia/Makassar"
    return (
        f"{verb} di stan {detail.get('booth')} gelombang {detail.get('wave')} {_fair(detail)}, mulai "
        f"{_local(detail.get('starts_at'), zone)}; dikonfirmasi paling lambat {_local(detail.get('confirm_by'), zone)}."
    )


def _valid_until(detail: Detail) -> str:
    return f", berlaku sampai {told_day(detail['expires_on'])}" if detail.get("expires_on") else ""


def _visited(detail: Detail) -> str:
    way = {"kunjungan": "dengan kunjungan", "daring": "secara daring", "telepon": "lewat telepon"}
    aspects = [ASPECT_NAMES.get(aspect, aspect) for aspect in detail.get("aspects", ())]
    about = f" tentang {', '.join(aspects)}" if aspects else ""
    return f"Didampingi {way.get(detail.get('way', ''), '')} pada {told_day(detail.get('visited_on'))}{about}."


def _passed_on(detail: Detail) -> str:
    if detail.get("taken_over"):
        return f"Mengambil alih giliran ke-{detail.get('turn')} di gerai."
    return f"Melepas giliran ke-{detail.get('turn')} di gerai."


_TRAINING: dict[str, Writer] = {
    "enrolment.registered": lambda d: (
        f"Mendaftar {_course(d)} (mulai {_moment(d.get('starts_at'))}): {_ENROLLED.get(d.get('state', ''), 'tercatat')}."
    ),
    "enrolment.accepted": lambda d: f"Diterima di {_course(d)}, mulai {_moment(d.get('starts_at'))}.",
    "enrolment.waitlisted": lambda d: f"Masuk daftar tunggu {_course(d)}.",
    "enrolment.offered": lambda d: f"Ditawari kursi {_course(d)} sampai {_moment(d.get('until'))}.",
    "enrolment.withdrawn": lambda d: f"Mengundurkan diri dari {_course(d)}{_cause(d)}.",
    "enrolment.expired": lambda d: f"Tawaran kursi {_course(d)} kedaluwarsa.",
    "enrolment.rejected": lambda d: f"Pendaftaran pelatihan ditolak{_cause(d)}.",
    "enrolment.failed": _failed,
    "attendance.recorded": _attendance,
    "training.completed": lambda d: (
        f"Lulus {_course(d)} pada {told_day(d.get('completed_on'))} (hadir {d.get('attended')} dari {d.get('sessions')} sesi)."
    ),
    "certificate.issued": lambda d: f"Sertifikat {_course(d)} diterbitkan pada {told_day(d.get('issued_on'))}.",
    "certificate.reissued": lambda d: (
        f"Sertifikat diterbitkan ulang sebagai edisi {d.get('edition')} pada {told_day(d.get('issued_on'))}."
    ),
    "certificate.revoked": lambda d: f"Sertifikat dicabut{_cause(d)}.",
}

_EXHIBITIONS: dict[str, Writer] = {
    "application.submitted": lambda d: f"Mendaftar pameran untuk stan {d.get('kind')}.",
    "application.scored": lambda _: "Pendaftaran pameran dinilai kurator.",
    "application.passed": lambda d: f"Lolos kurasi {_fair(d)}.",
    "application.reserved": lambda d: f"Menjadi cadangan ke-{d.get('rank')} {_fair(d)}.",
    "application.promoted": lambda d: f"Naik dari cadangan {_fair(d)}: ada tempat yang lowong.",
    "application.rejected": lambda d: f"Tidak terpilih untuk {_fair(d)}{_cause(d)}.",
    "application.placed": lambda d: _placed(d, "Ditempatkan"),
    "application.moved": lambda d: _placed(d, "Dipindahkan; sekarang"),
    "application.confirmed": lambda _: "Menyatakan akan ikut pameran.",
    "application.withdrawn": lambda d: f"Mundur dari {_fair(d)}{_cause(d)}.",
    "application.took_part": lambda _: "Ikut dan berjualan di pameran.",
    "application.no_show": lambda _: "Mendapat tempat di pameran, tetapi tidak hadir.",
    "sales.reported": lambda d: f"Melaporkan penjualan pameran hari {told_day(d.get('day'))}.",
    "sales.corrected": lambda d: f"Laporan penjualan pameran hari {told_day(d.get('day'))} diperbaiki.",
    "outlet.member_joined": lambda _: "Bergabung di gerai bersama.",
    "outlet.member_left": lambda d: f"Keluar dari gerai bersama{_cause(d)}.",
    "outlet.turn_opened": lambda d: (
        f"Mendapat giliran ke-{d.get('turn')} di gerai, {told_day(d.get('starts_on'))} sampai {told_day(d.get('ends_on'))}."
    ),
    "outlet.turn_passed_on": _passed_on,
}

_REGISTRY: dict[str, Writer] = {
    "licence.submitted": lambda d: f"{_licence(d)} diajukan untuk diverifikasi{_valid_until(d)}.",
    "licence.verified": lambda d: f"{_licence(d)} diverifikasi{_valid_until(d)}.",
    "licence.rejected": lambda d: f"{_licence(d)} ditolak{_cause(d)}.",
    "licence.revoked": lambda d: f"{_licence(d)} dicabut pada {told_day(d.get('revoked_on'))}{_cause(d)}.",
    "licence.expiring": lambda d: (
        f"{_licence(d)} akan berakhir pada {told_day(d.get('expires_on'))} ({number(d.get('days_left'))} hari lagi)."
    ),
    "licence.expired": lambda d: f"{_licence(d)} berakhir pada {told_day(d.get('expires_on'))}.",
    "brand.filed": lambda d: f"Merek “{d.get('mark')}” didaftarkan ke DJKI pada {told_day(d.get('filed_on'))}.",
    "brand.registered": lambda d: (
        f"Merek “{d.get('mark')}” terdaftar pada {told_day(d.get('registered_on'))}{_valid_until(d)}."
    ),
    "brand.rejected": lambda d: f"Merek “{d.get('mark')}” ditolak{_cause(d)}.",
    "brand.revoked": lambda d: (
        f"Merek “{d.get('mark')}” tidak dilindungi lagi sejak {told_day(d.get('revoked_on'))}{_cause(d)}."
    ),
    "brand.expiring": lambda d: (
        f"Pelindungan merek “{d.get('mark')}” akan berakhir pada {told_day(d.get('expires_on'))} "
        f"({number(d.get('days_left'))} hari lagi)."
    ),
    "brand.expired": lambda d: f"Pelindungan merek “{d.get('mark')}” berakhir pada {told_day(d.get('expires_on'))}.",
    "mentoring.started": lambda d: f"Mulai didampingi pada {told_day(d.get('started_on'))}.",
    "mentoring.visited": _visited,
    "mentoring.handed_over": lambda d: (
        f"Pendampingan dilanjutkan pendamping lain sejak {told_day(d.get('handed_over_on'))}."
    ),
    "mentoring.ended": lambda d: f"Pendampingan berakhir pada {told_day(d.get('ended_on'))}{_cause(d)}.",
}

WRITERS: dict[str, Writer] = {**_TRAINING, **_EXHIBITIONS, **_REGISTRY}
"""Name of the fact to what writes its sentence, from the detail of its row."""
