"""The address that each count over trainings, exhibitions, mentoring and help bears."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.projections.domain.addresses import ID_OR_UNKNOWN, YEAR_OR_UNKNOWN, address
from services.projections.domain.figures import OutcomeDimension

OUTCOME, FAIR, MENTOR, EQUITY = "training_outcome", "exhibition_turnover", "mentoring_activity", "service_equity"

OUTCOME_NUMBERS = {
    "enrolled": "pendaftaran",
    "accepted": "diterima",
    "attended": "hadir",
    "passed": "lulus",
    "failed": "tidak_lulus",
    "withdrawn": "mundur",
    "cancelled": "dibatalkan",
    "certificates": "bersertifikat",
}
FAIR_NUMBERS = {
    "applications": "pendaftaran",
    "placed": "ditempatkan",
    "took_part": "ikut",
    "no_show": "tidak_hadir",
    "reported": "melapor",
    "belum_lapor": "belum_lapor",
}
MENTOR_NUMBERS = {"visits": "pertemuan", "visited": "usaha_ditemui", "looked_after": "didampingi"}
EQUITY_NUMBERS = {
    "businesses": "usaha",
    "trained": "dilatih",
    "placed": "ditempatkan",
    "mentored": "didampingi",
    "never_helped": "belum_dibantu",
}
"""Name of a number in an answer → value of ``angka`` in its address."""
OUTCOME_KEYS = {
    OutcomeDimension.PROGRAMME: "program",
    OutcomeDimension.COURSE: "pelatihan",
    OutcomeDimension.BATCH: "angkatan",
    OutcomeDimension.YEAR: "tahun",
}
OUTCOME_FORMS = {key: YEAR_OR_UNKNOWN if key == "tahun" else ID_OR_UNKNOWN for key in OUTCOME_KEYS.values()}
"""Key of an address → what its values look like: a year, or the id of a programme, course or batch."""
Addresses = dict[str, str]


def outcome_cells(by: OutcomeDimension, code: str, kelurahan: str | None = None) -> Addresses:
    """Return the addresses of one bucket, or of the whole for code ``""``; ``kelurahan``: the only one that is seen."""
    named = {OUTCOME_KEYS[by]: code} if code and by in OUTCOME_KEYS else {}
    place = _place("" if by in OUTCOME_KEYS else code, kelurahan)
    return {name: address(OUTCOME, place, **named, angka=number) for name, number in OUTCOME_NUMBERS.items()}


def equity_cells(code: str, kelurahan: str | None = None) -> Addresses:
    """Return the addresses of one place, or of all for code ``""``; ``kelurahan``: the only one that is seen."""
    return {name: address(EQUITY, _place(code, kelurahan), angka=number) for name, number in EQUITY_NUMBERS.items()}


def _place(code: str, kelurahan: str | None = None) -> str:
    """Return the place of a bucket: for who sees one kelurahan alone, that one, and not the kecamatan around it."""
    return kelurahan if kelurahan is not None and kelurahan.startswith(code) else code


def fair_cells(exhibition_id: UUID, kelurahan: str | None = None) -> Addresses:
    """Return the addresses of what came of an exhibition. Rupiah have none: what one business sold is not told."""
    return {
        name: address(FAIR, kelurahan, pameran=exhibition_id, angka=number) for name, number in FAIR_NUMBERS.items()
    }


def mentor_cells(monday: date, mentor_id: UUID, kelurahan: str | None = None) -> Addresses:
    """Return the addresses of one week of a mentor."""
    return {
        name: address(MENTOR, kelurahan, pekan=monday, pendamping=mentor_id, angka=number)
        for name, number in MENTOR_NUMBERS.items()
    }
