"""Explainers of ``jobs``: workers on a day, and what came and went between two days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.projections.domain.addresses import DAY, Address, Grammar, Key, refused
from services.projections.domain.employing import Change
from services.projections.domain.jobs import Kind
from services.projections.handlers.explaining.dashboards import KELAS
from services.projections.handlers.explaining.explainer import BUSINESSES, WORKERS, Cell, Explainer
from services.projections.store import explaining
from shared.database import Connection

KIND = Key("jenis", tuple(map(str, Kind)))


def _column(address: Address) -> str:
    return Kind(address.values.get("jenis", Kind.SEMUA)).column


async def _cell(_: Connection, address: Address) -> Cell:
    number = address.values.get("angka", "tenaga_kerja")
    people = number == "tenaga_kerja"
    place = address.kelurahan, address.kecamatan, address.values.get("kelas")
    arguments = (address.day("pada"), *place, _column(address), number)
    return Cell("cell_jobs", arguments, WORKERS if people else BUSINESSES, known_only=people)


async def _facts(
    connection: Connection, address: Address, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """All that a business had said by that day: its number and its place need not come from the same fact."""
    last = "pada" if "pada" in address.values else "sampai"
    return await explaining.job_facts(connection, [row["business_id"] for row in rows], address.day(last))


JOBS = Explainer(
    Grammar(
        "jobs",
        (
            Key("pada", example=DAY, required=True),
            KELAS,
            KIND,
            Key("angka", ("tenaga_kerja", BUSINESSES, "diketahui", "tidak_diketahui")),
        ),
    ),
    _cell,
    _facts,
)


async def _change_cell(_: Connection, address: Address) -> Cell:
    start, end = address.day("dari"), address.day("sampai")
    if start > end:
        raise refused("Nilai sampai", end.isoformat(), [f"{start.isoformat()} atau sesudahnya"])
    place = address.kelurahan, address.kecamatan, address.values.get("kelas")
    return Cell("cell_job_changes", (start, end, *place, _column(address), address.values["angka"]), WORKERS)


JOB_CHANGES = Explainer(
    Grammar(
        "job_changes",
        (
            Key("dari", example=DAY, required=True),
            Key("sampai", example=DAY, required=True),
            KELAS,
            KIND,
            Key("angka", ("sebelum", "sesudah", *map(str, Change)), required=True),
        ),
    ),
    _change_cell,
    _facts,
)
