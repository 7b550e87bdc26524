"""Where each number is read: one function per number, so that another source takes its place without touching the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ops.clients import AnswerError, Clients, Json
from ops.report.figures import About, Cell, Figure, Report, Sales, add_sales, count_businesses, districts
from ops.report.merging import Merged, read_merged
from shared.wita import WITA

PLACED = frozenset({"ditempatkan", "dikonfirmasi", "ikut", "tidak_hadir"})
NOT_YET = "belum ada layanan yang mencatatnya"
GAINED, LOST = ("bertambah", "bertambah_sejak_didata"), ("berkurang", "berkurang_sejak_didata")
"""What the projection of workers calls what came and what went since the first day, and since a business was first counted."""
MEN, WOMEN = ("laki_dibayar", "laki_tak_dibayar"), ("perempuan_dibayar", "perempuan_tak_dibayar")
"""What it calls workers by sex and pay."""

REGISTERED = About(
    "terdaftar",
    "Usaha terdaftar",
    "usaha",
    "Usaha di registri sekarang, tanpa yang digabung.",
    "registri, lewat proyeksi dasbor",
)
TRAINED = About(
    "dilatih",
    "Usaha dilatih",
    "usaha",
    "Usaha yang lulus paling sedikit satu pelatihan yang mulai pada tahun ini.",
    "layanan pelatihan: pendaftaran yang lulus",
)
PLACED_AT = About(
    "ditempatkan",
    "Usaha mendapat tempat",
    "usaha",
    "Usaha yang mendapat tempat di pameran atau bazar yang mulai pada tahun ini.",
    "layanan pameran: penempatan",
)
SELLING = About(
    "melapor",
    "Usaha melapor penjualan",
    "usaha",
    "Usaha yang melaporkan penjualan paling sedikit satu hari; yang belum lapor tidak dihitung nol.",
    "layanan pameran: laporan penjualan",
)
TURNOVER = About(
    "omzet",
    "Penjualan di pameran",
    "rupiah",
    "Jumlah yang dilaporkan; tidak pernah dari kurang dari lima usaha.",
    "layanan pameran: laporan penjualan",
)
RISEN = About(
    "naik_kelas",
    "Usaha naik kelas",
    "usaha",
    "Usaha yang naik dari mikro ke kecil atau dari kecil ke menengah pada tahun ini, dengan bukti.",
    "registri: perubahan kelas",
)
_JOBS_MEANING = (
    "Bertambah dikurangi berkurang di usaha yang tercatat pada akhir tahun ini (atau hari ini): sejak awal tahun, atau sejak "
    "pertama didata bila baru didata pada tahun ini. Yang sudah bekerja saat pertama didata, dan usaha yang keluar, tidak "
    "dihitung."
)
_JOBS_SOURCE = "proyeksi tenaga kerja: pendataan tenaga kerja menurut hari pendataannya"
JOBS = About("tenaga_kerja", "Tenaga kerja bertambah", "orang", _JOBS_MEANING, _JOBS_SOURCE)
JOBS_OF_MEN = About("tenaga_kerja_laki", "Tenaga kerja laki-laki bertambah", "orang", _JOBS_MEANING, _JOBS_SOURCE)
JOBS_OF_WOMEN = About(
    "tenaga_kerja_perempuan", "Tenaga kerja perempuan bertambah", "orang", _JOBS_MEANING, _JOBS_SOURCE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask, for which year, and since when the answers stand."""

    clients: Clients
    year: int
    at: datetime
    merged: Merged


Read = Callable[[Asked], Awaitable[list[Figure]]]


async def read_year(clients: Clients, year: int) -> Report:
    """Return the report of a year. Raises ``AnswerError`` and ``FigureMismatchError``."""
    asked = Asked(clients, year, datetime.now(UTC), await read_merged(clients))
    figures = [figure for read in READERS for figure in await read(asked)]
    return Report(year, asked.at, tuple(figures))


async def read_registered(asked: Asked) -> list[Figure]:
    """Businesses that are registered now, by the dashboard."""
    board = await asked.clients.get("projections", "/dashboard", by="kecamatan")
    known = {bucket["code"]: Cell(bucket["businesses"]) for bucket in board["buckets"]}
    figure = REGISTERED.figure(
        datetime.fromisoformat(board["changed_at"]) if board["changed_at"] else asked.at,
        buckets={code: known.get(code, Cell(0)) for code in districts()},
        unknown=Cell(board["unknown"]["businesses"]),
        total=board["total"],
    )
    return [figure]


async def read_trained(asked: Asked) -> list[Figure]:
    """Businesses that passed a training; the place is that of the latest enrolment."""
    places: dict[str, str] = {}
    async for course in asked.clients.pages("training", "/courses"):
        if _may_be_of(course["starts_on"], course["ends_on"], asked.year):
            detail = await asked.clients.get("training", f"/courses/{course['id']}")
            for batch in detail["batches"]:
                if _year_of(batch) == asked.year:
                    places |= await _passed(asked, batch["id"])
    return [count_businesses(TRAINED, places, asked.at)]


def _may_be_of(starts_on: str, ends_on: str, year: int) -> bool:
    return date.fromisoformat(starts_on).year <= year <= date.fromisoformat(ends_on).year


def _year_of(batch: Json) -> int:
    """Return the year that a batch counts for: that of its first session, in WITA."""
    return min(datetime.fromisoformat(item["starts_at"]) for item in batch["sessions"]).astimezone(WITA).year


async def _passed(asked: Asked, batch_id: str) -> dict[str, str]:
    pages = asked.clients.pages("training", f"/batches/{batch_id}/enrolments", state="lulus")
    return {asked.merged.counted_as(item["business_id"]): item["kelurahan"] async for item in pages}


async def read_exhibitions(asked: Asked) -> list[Figure]:
    """Who had a place, who reported, and what they sold."""
    placed: dict[str, str] = {}
    sales: list[Sales] = []
    async for exhibition in asked.clients.pages("events", "/exhibitions"):
        if date.fromisoformat(exhibition["starts_on"]).year == asked.year and not exhibition["cancelled"]:
            path = f"/exhibitions/{exhibition['id']}"
            found = [item async for item in asked.clients.pages("events", f"{path}/applications")]
            one = asked.merged.counted_as
            placed |= {one(item["business_id"]): item["kelurahan"] for item in found if item["state"] in PLACED}
            kelurahan = {item["id"]: item["kelurahan"] for item in found}
            reports = [item async for item in asked.clients.pages("events", f"{path}/sales")]
            sales += [
                Sales(one(item["business_id"]), kelurahan[item["application_id"]], sum(_reported(item)))
                for item in reports
                if _reported(item)
            ]
    reporting = {item.business_id: item.kelurahan for item in sales}
    return [
        count_businesses(PLACED_AT, placed, asked.at),
        count_businesses(SELLING, reporting, asked.at),
        add_sales(TURNOVER, sales, asked.at),
    ]


def _reported(report: Json) -> list[int]:
    """Return the amounts of the days that are reported."""
    return [amount for amount in report["days"].values() if amount is not None]


async def read_risen(asked: Asked) -> list[Figure]:
    """Businesses that moved up a class, with evidence, by the registry's list; a business counts once."""
    days = {"since": date(asked.year, 1, 1).isoformat(), "until": date(asked.year, 12, 31).isoformat()}
    pages = asked.clients.pages("registry", "/class-rises", **days)
    places = {asked.merged.counted_as(item["business_id"]): item["kelurahan"] async for item in pages}
    return [count_businesses(RISEN, places, asked.at)]


async def read_jobs(asked: Asked) -> list[Figure]:
    """Jobs gained from the last day before the year to its last day, or today: of all, of men and of women."""
    start = date(asked.year - 1, 12, 31)
    end = max(start, min(date(asked.year, 12, 31), asked.at.astimezone(WITA).date()))
    days = {"start": start.isoformat(), "end": end.isoformat()}
    buckets: dict[str, list[Json]] = {}
    try:
        for kind in (*MEN, *WOMEN):
            found = await asked.clients.get("projections", "/jobs/changes", by="kecamatan", kind=kind, **days)
            buckets[kind] = found["buckets"]
    except AnswerError as error:
        if error.status != 404:
            raise
        return [about.missing(asked.at, NOT_YET) for about in (JOBS, JOBS_OF_MEN, JOBS_OF_WOMEN)]
    return [
        jobs_gained(about, [bucket for kind in kinds for bucket in buckets[kind]], asked.at)
        for about, kinds in ((JOBS, (*MEN, *WOMEN)), (JOBS_OF_MEN, MEN), (JOBS_OF_WOMEN, WOMEN))
    ]


def jobs_gained(about: About, buckets: Sequence[Json], at: datetime) -> Figure:
    """Return what was gained less what was lost; ``buckets`` hold ``code`` and ``changes``, each with its ``workers``.

    A place may come several times, for several kinds of workers: a kind that became known is no job that was made, so kinds
    are never summed up before they are compared. What new businesses had when they were first counted is none either; a
    loss is a number below 0.
    """
    gained = dict.fromkeys(districts(), 0)
    unknown = total = 0
    for bucket in buckets:
        changes = {item["change"]: item["workers"]["count"] for item in bucket["changes"]}
        net = sum(changes[name] for name in GAINED) - sum(changes[name] for name in LOST)
        total += net
        if bucket["code"] in gained:
            gained[bucket["code"]] += net
        else:
            unknown += net
    cells = {code: Cell(count) for code, count in gained.items()}
    return about.figure(at, buckets=cells, unknown=Cell(unknown), total=total)


READERS: tuple[Read, ...] = (read_registered, read_trained, read_exhibitions, read_risen, read_jobs)
