"""Explainers of ``district_dashboard`` and ``class_history``: the facts are those of the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.projections.domain.addresses import WORD, YEAR, Address, Grammar, Key, refused
from services.projections.domain.names import SOURCE_NAMES, STATUS_NAMES
from services.projections.handlers.explaining.explainer import (
    BUSINESS_FACTS,
    BUSINESSES,
    STEPS,
    WORKERS,
    Cell,
    Explainer,
)
from services.projections.store import explaining
from shared.contracts import registry
from shared.contracts.registry import BusinessClass
from shared.database import Connection
from shared.wita import WITA

KELAS = Key("kelas", tuple(map(str, BusinessClass)))
UNKNOWN = BusinessClass.TIDAK_DIKETAHUI.value

_PROFILE = frozenset({registry.BusinessRegistered.NAME, registry.BusinessChanged.NAME})
_OF_CLASS = frozenset({registry.BusinessRegistered.NAME, registry.BusinessClassChanged.NAME})
_OF_WORKERS = frozenset({registry.BusinessRegistered.NAME, registry.BusinessWorkersRecorded.NAME})
_OF_STATUS = frozenset(
    fact.NAME
    for fact in (
        registry.BusinessRegistered,
        registry.BusinessSubmitted,
        registry.BusinessVerified,
        registry.BusinessReturned,
        registry.BusinessRejected,
        registry.BusinessDeactivated,
        registry.BusinessReactivated,
        registry.BusinessClosed,
        registry.BusinessMerged,
        registry.BusinessMergeUndone,
    )
)
_DECIDED_BY = {"kelas": _OF_CLASS, "status": _OF_STATUS, "bidang": _PROFILE, "sumber": _PROFILE}
"""Key of an address → the facts of which the last one decides it."""


async def _dashboard_cell(connection: Connection, address: Address) -> Cell:
    value = address.values.get
    sector, number = value("bidang"), value("angka") or BUSINESSES
    if sector is not None and sector not in (known := {UNKNOWN, *await explaining.sectors(connection)}):
        raise refused("Nilai bidang", sector, sorted(known))
    arguments = (
        address.kelurahan,
        address.kecamatan,
        value("kelas"),
        value("status"),
        sector,
        value("sumber"),
        number,
    )
    people = number == "tenaga_kerja"
    return Cell("cell_district_dashboard", arguments, WORKERS if people else BUSINESSES, known_only=people)


async def _dashboard_facts(
    connection: Connection, address: Address, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """The first fact of a business, and for each part of the address the last one that decided it."""
    ids = [row["business_id"] for row in rows]
    decided = [_DECIDED_BY[key] for key in address.values if key in _DECIDED_BY]
    decided += [_PROFILE] if address.place else []
    number = address.values.get("angka", BUSINESSES)
    decided += [_OF_STATUS] if number == "digabung" else [_OF_WORKERS] if number != BUSINESSES else []
    found = list(await explaining.first_told(connection, ids, BUSINESS_FACTS))
    for names in decided:
        found += await explaining.last_told(connection, ids, names)
    return found


DISTRICT_DASHBOARD = Explainer(
    Grammar(
        "district_dashboard",
        (
            KELAS,
            Key("status", (*STATUS_NAMES, UNKNOWN)),
            Key("bidang", example=WORD),
            Key("sumber", (*SOURCE_NAMES, UNKNOWN)),
            Key("angka", (BUSINESSES, "tenaga_kerja", "tanpa_data_tenaga_kerja", "digabung")),
        ),
    ),
    _dashboard_cell,
    _dashboard_facts,
)


async def _history_cell(_: Connection, address: Address) -> Cell:
    year = int(address.values["tahun"])
    businesses = address.values.get("angka", BUSINESSES) == BUSINESSES
    return Cell(
        "cell_class_history",
        (datetime(year, 1, 1, tzinfo=WITA), datetime(year + 1, 1, 1, tzinfo=WITA), businesses),
        BUSINESSES if businesses else STEPS,
    )


async def _history_facts(
    connection: Connection, _: Address, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    return await explaining.told(connection, rows, _OF_CLASS)


CLASS_HISTORY = Explainer(
    Grammar(
        "class_history",
        (Key("tahun", example=YEAR, required=True), Key("angka", (BUSINESSES, STEPS))),
        placed=False,
    ),
    _history_cell,
    _history_facts,
)
