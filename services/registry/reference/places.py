"""The places of Balikpapan: 6 kecamatan, 34 kelurahan, by their Kemendagri codes.

A place is matched by name (or an older spelling) and kecamatan; none is ever made from free text.
Source: Kepmendagri codes 2025, spellings of 2018–2023.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from services.registry.reference.names import fold_name
from shared.contracts.registry import UNKNOWN_PLACE

CITY_CODE = "64.71"

PlaceProblem = Literal["missing", "unknown", "mismatch"]


@dataclass(frozen=True, slots=True)
class Place:
    """One kelurahan. ``code`` is ``64.71.KK.DDDD``, ``district_code`` is ``64.71.KK``."""

    code: str
    name: str
    district_code: str
    district: str


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """A matched code, or ``TIDAK_DIKETAHUI`` with what is wrong."""

    code: str
    problem: PlaceProblem | None


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of one reference table that is shipped with the package."""
    text = resources.files("services.registry.reference").joinpath(name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@cache
def all_places() -> dict[str, Place]:
    """Return code → kelurahan, in the order of the codes."""
    rows = read_table("balikpapan_wilayah.csv")
    districts = {row["kode"]: row["nama"] for row in rows if row["tingkat"] == "kecamatan"}
    return {
        row["kode"]: Place(row["kode"], row["nama"], row["kode_induk"], districts[row["kode_induk"]])
        for row in rows
        if row["tingkat"] == "kelurahan"
    }


def place_name(code: str) -> str:
    """Return the name of a kelurahan for people; unknown codes say so in Indonesian."""
    place = all_places().get(code)
    return place.name if place is not None else "tidak diketahui"


_PREFIX = re.compile(r"^(?:desa|kelurahan|kel|kecamatan|kec)\b")
_CITY_PREFIX = re.compile(r"^(?:kota)?(?:balikpapan|bpp|bpn|blpp)")


def _fold_village(text: str) -> str:
    name = _PREFIX.sub("", fold_name(text)).strip()
    if name.startswith("gn "):
        name = "gunung " + name[3:]
    return name.replace(" ", "")


def _fold_district(text: str) -> str:
    name = _PREFIX.sub("", fold_name(text)).replace(" ", "")
    return _CITY_PREFIX.sub("", name)


@cache
def _villages() -> dict[str, Place]:
    """Folded name or old spelling → kelurahan. All 34 names differ, so a name alone is enough to find one."""
    places = all_places()
    found = {_fold_village(place.name): place for place in places.values()}
    for row in read_table("balikpapan_wilayah_ejaan_lama.csv"):
        if row["kode"] in places:
            found[_fold_village(row["ejaan_2018_2023"])] = places[row["kode"]]
    return found


@cache
def _districts() -> dict[str, str]:
    return {_fold_district(place.district): place.district_code for place in all_places().values()}


def match_place(kelurahan: str, kecamatan: str) -> PlaceMatch:
    """Match a typed kelurahan within a typed kecamatan (either may be empty).

    A kecamatan that is not known, or not the kelurahan's, is a ``mismatch``: which of the two was meant is
    for a person to say.
    """
    name = _fold_village(kelurahan)
    if not name:
        return PlaceMatch(UNKNOWN_PLACE, "missing")
    place = all_places().get(kelurahan.strip()) or _villages().get(name)
    if place is None:
        return PlaceMatch(UNKNOWN_PLACE, "unknown")
    district = _fold_district(kecamatan)
    if district and _districts().get(district) != place.district_code:
        return PlaceMatch(UNKNOWN_PLACE, "mismatch")
    return PlaceMatch(place.code, None)
