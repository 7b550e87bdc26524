"""Explainers of what trainings, exhibitions and mentoring came to, and of who was never helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.projections.domain import service_cells as cells
from services.projections.domain.addresses import DAY, ID, Address, Grammar, Key
from services.projections.handlers.explaining.explainer import BUSINESS_FACTS, BUSINESSES, Cell, Explainer
from services.projections.store import explaining
from shared.contracts import exhibitions as x
from shared.contracts import mentoring as m
from shared.contracts import training as t
from shared.database import Connection
from shared.wita import monday_of

ENROLMENTS, APPLICATIONS, VISITS = "pendaftaran", "pendaftaran", "pertemuan"
"""Units."""
_Rows = Sequence[Mapping[str, Any]]

_TRAINED = {t.AttendanceRecorded.NAME, t.TrainingCompleted.NAME}
_PLACED = {
    x.ApplicationPlaced.NAME,
    x.ApplicationMoved.NAME,
    x.ApplicationConfirmed.NAME,
    x.ApplicationTookPart.NAME,
    x.ApplicationNoShow.NAME,
}
_MENTORED = {m.MentoringStarted.NAME, m.MentoringVisited.NAME, m.MentoringHandedOver.NAME, m.MentoringEnded.NAME}
_HELP = {"dilatih": _TRAINED, "ditempatkan": _PLACED, "didampingi": _MENTORED}
"""Number of ``service_equity`` → the facts that show the help."""


def _number(numbers: Mapping[str, str]) -> Key:
    return Key("angka", tuple(numbers.values()))


def _asked(address: Address, numbers: Mapping[str, str]) -> str:
    """Return which number is asked for; the first one if none is named."""
    return address.values.get("angka") or next(iter(numbers.values()))


async def _of_streams(connection: Connection, _: Address, rows: _Rows) -> _Rows:
    return await explaining.told_by_streams(connection, rows)


async def _outcome_cell(_: Connection, address: Address) -> Cell:
    value = address.values.get
    dimensions = [value(key) for key in cells.OUTCOME_KEYS.values()]
    number = _asked(address, cells.OUTCOME_NUMBERS)
    return Cell("cell_training_outcome", (address.kelurahan, address.kecamatan, *dimensions, number), ENROLMENTS)


TRAINING_OUTCOME = Explainer(
    Grammar(
        cells.OUTCOME,
        (*(Key(key, example=form) for key, form in cells.OUTCOME_FORMS.items()), _number(cells.OUTCOME_NUMBERS)),
    ),
    _outcome_cell,
    _of_streams,
)


async def _fair_cell(_: Connection, address: Address) -> Cell:
    number = _asked(address, cells.FAIR_NUMBERS)
    fair = UUID(address.values["pameran"])
    return Cell("cell_exhibition_turnover", (address.kelurahan, address.kecamatan, fair, number), APPLICATIONS)


EXHIBITION_TURNOVER = Explainer(
    Grammar(cells.FAIR, (Key("pameran", example=ID, required=True), _number(cells.FAIR_NUMBERS))),
    _fair_cell,
    _of_streams,
)


async def _mentor_cell(_: Connection, address: Address) -> Cell:
    number = _asked(address, cells.MENTOR_NUMBERS)
    week = monday_of(address.day("pekan")), UUID(address.values["pendamping"])
    unit = VISITS if number == VISITS else BUSINESSES
    return Cell("cell_mentoring_activity", (address.kelurahan, address.kecamatan, *week, number), unit)


async def _mentor_facts(connection: Connection, address: Address, rows: _Rows) -> _Rows:
    visits = _asked(address, cells.MENTOR_NUMBERS) != "didampingi"
    mentor, monday = UUID(address.values["pendamping"]), monday_of(address.day("pekan"))
    return await explaining.told_of_mentoring(connection, [row["business_id"] for row in rows], mentor, monday, visits)


MENTORING_ACTIVITY = Explainer(
    Grammar(
        cells.MENTOR,
        (
            Key("pekan", example=DAY, required=True),
            Key("pendamping", example=ID, required=True),
            _number(cells.MENTOR_NUMBERS),
        ),
    ),
    _mentor_cell,
    _mentor_facts,
)


async def _equity_cell(_: Connection, address: Address) -> Cell:
    number = _asked(address, cells.EQUITY_NUMBERS)
    return Cell("cell_service_equity", (address.kelurahan, address.kecamatan, number), BUSINESSES)


async def _equity_facts(connection: Connection, address: Address, rows: _Rows) -> _Rows:
    """What shows the help; of a business that is only counted, or was never helped, the fact that it is there."""
    ids = [row["business_id"] for row in rows]
    names = _HELP.get(_asked(address, cells.EQUITY_NUMBERS))
    if names is None:
        return await explaining.first_told(connection, ids, BUSINESS_FACTS)
    return await explaining.told_of_help(connection, ids, names)


SERVICE_EQUITY = Explainer(Grammar(cells.EQUITY, (_number(cells.EQUITY_NUMBERS),)), _equity_cell, _equity_facts)
