"""The shapes of the answers about the ledgers: each number with the address that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from services.projections.api.views import ADDRESS, SOURCE, View
from services.projections.domain.addresses import address
from services.projections.domain.counting import UNIT
from services.projections.domain.employing import Change, ChangeBucket, JobsBucket, JobsBy
from services.projections.domain.funnel import Move
from services.projections.domain.jobs import Kind
from services.projections.domain.moving import ClassLine, Flow, PlaceFunnel

FUNNEL_RULES = (
    "Perpindahan dihitung pada tahun dicatat (WITA). Naik kelas adalah kenaikan mikro ke kecil ke menengah yang disertai "
    "bukti; kenaikan tanpa bukti, kelas yang menjadi diketahui (pembetulan), dan langkah dari atau ke kelas besar "
    "dihitung tersendiri. Usaha tutup, ditolak atau digabung keluar dari hitungan; usaha nonaktif tetap dihitung."
)
JOBS_RULES = (
    "Tenaga kerja menurut hari pendataan, tempat dan kelas usaha menurut hari dicatat (WITA). Yang tidak diketahui bukan nol. "
    "Usaha tutup, ditolak atau digabung tidak dihitung."
)
CHANGES_RULES = (
    f"{JOBS_RULES} Bertambah dan berkurang diukur dari hari pertama; di usaha yang belum tercatat atau belum diketahui pada "
    "hari itu, sejak pertama didata (bertambah_sejak_didata, berkurang_sejak_didata). Yang sudah ada saat pertama didata "
    "bukan pertambahan: itu baru atau jadi_diketahui. Perubahan di usaha yang pindah dihitung di tempatnya yang sekarang."
)


class Count(View):
    """Satu angka."""

    count: int
    address: str = Field(description=ADDRESS)


class ClassLineView(View):
    """Satu kelas selama satu tahun: `start` + `arrived` - `left` = `end`, selalu."""

    kelas: str = Field(examples=["mikro"])
    start: Count
    arrived: Count
    left: Count
    end: Count


class FlowView(View):
    """Perpindahan dari satu jenis."""

    move: str = Field(examples=["naik"])
    before: str | None = Field(description="Kelas asal; null: dari luar hitungan atau tempat ini.", examples=["mikro"])
    after: str | None = Field(description="Kelas tujuan; null: keluar dari hitungan atau tempat ini.")
    moves: Count


class PlaceFunnelView(View):
    """Satu kecamatan, yang belum diketahui, atau seluruh kota."""

    code: str = Field(examples=["64.71.01"])
    label: str
    classes: list[ClassLineView]
    moves: list[FlowView]
    naik_kelas: Count = Field(description="Kenaikan kelas yang disertai bukti.")
    without_evidence: Count = Field(description="Kenaikan yang dicatat tanpa bukti; tidak dihitung sebagai naik kelas.")


class FunnelView(View):
    """Naik kelas selama satu tahun."""

    year: int
    unit: str = UNIT
    source: str = SOURCE
    rules: str = Field(default=FUNNEL_RULES, description="Apa yang dihitung.")
    city: PlaceFunnelView
    places: list[PlaceFunnelView]


class WorkersView(View):
    """Tenaga kerja dari satu jenis."""

    kind: Kind
    workers: int | None = Field(description="null: tidak diketahui, bukan nol.")
    address: str = Field(description=ADDRESS)
    businesses_known: Count
    businesses_unknown: Count


class JobsBucketView(View):
    """Usaha dari satu tempat atau kelas pada satu hari."""

    code: str
    label: str
    businesses: Count
    kinds: list[WorkersView]
    counted_from: date | None = Field(description="Hari pendataan yang paling lama.")
    counted_to: date | None


class JobsView(View):
    """Tenaga kerja pada satu hari."""

    on: date
    by: JobsBy
    source: str = SOURCE
    rules: str = JOBS_RULES
    city: JobsBucketView
    buckets: list[JobsBucketView]


class JobMonthsView(View):
    """Tenaga kerja pada akhir setiap bulan."""

    year: int
    source: str = SOURCE
    rules: str = JOBS_RULES
    months: list[JobsBucketView]


class ChangeView(View):
    """Tenaga kerja yang datang atau pergi."""

    change: Change
    workers: Count


class ChangeBucketView(View):
    """`before` ditambah dan dikurangi `changes` = `after`, selalu."""

    code: str
    label: str
    before: Count
    after: Count
    before_unknown: Count = Field(description="Usaha yang belum diketahui tenaga kerjanya pada hari pertama.")
    after_unknown: Count = Field(description="Usaha yang belum diketahui tenaga kerjanya pada hari terakhir.")
    changes: list[ChangeView]


class JobChangesView(View):
    """Tenaga kerja di antara dua hari."""

    start: date
    end: date
    by: JobsBy
    kind: Kind
    source: str = SOURCE
    rules: str = CHANGES_RULES
    city: ChangeBucketView
    buckets: list[ChangeBucketView]


def funnel_view(year: int, found: Sequence[PlaceFunnel]) -> FunnelView:
    """Return the funnel of a year; the first of ``found`` is the whole city."""
    city, *places = [_place(year, place) for place in found]
    return FunnelView(year=year, city=city, places=places)


def _place(year: int, place: PlaceFunnel) -> PlaceFunnelView:
    def of_move(move: Move) -> Count:
        moves = sum(flow.moves for flow in place.flows if flow.move == move)
        return Count(count=moves, address=address("class_funnel", place.code, tahun=year, gerak=move))

    return PlaceFunnelView(
        code=place.code,
        label=place.label,
        classes=[_line(year, place.code, line) for line in place.lines],
        moves=[_flow(year, place.code, flow) for flow in place.flows],
        naik_kelas=of_move(Move.NAIK),
        without_evidence=of_move(Move.NAIK_TANPA_BUKTI),
    )


def _line(year: int, place: str, line: ClassLine) -> ClassLineView:
    def count(number: int, name: str) -> Count:
        return Count(count=number, address=address("class_funnel", place, tahun=year, kelas=line.kelas, angka=name))

    return ClassLineView(
        kelas=line.kelas,
        start=count(line.start, "awal"),
        arrived=count(line.arrived, "masuk"),
        left=count(line.left, "keluar"),
        end=count(line.end, "akhir"),
    )


def _flow(year: int, place: str, flow: Flow) -> FlowView:
    cell = address("class_funnel", place, tahun=year, gerak=flow.move, dari=flow.before, ke=flow.after)
    return FlowView(move=flow.move, before=flow.before, after=flow.after, moves=Count(count=flow.moves, address=cell))


def jobs_view(on: date, by: JobsBy, found: Sequence[JobsBucket]) -> JobsView:
    """Return workers on a day; the first of ``found`` is the whole city."""
    kelas = by is JobsBy.KELAS
    city, *buckets = [
        jobs_bucket_view(on, bucket, None if kelas else bucket.code, bucket.code if kelas else None) for bucket in found
    ]
    return JobsView(on=on, by=by, city=city, buckets=buckets)


def jobs_bucket_view(on: date, bucket: JobsBucket, place: str | None, kelas: str | None) -> JobsBucketView:
    """Return one bucket, of a place and a class, on a day."""

    def cell(number: str, kind: Kind = Kind.SEMUA) -> str:
        named = None if kind is Kind.SEMUA else kind.value
        return address("jobs", place, pada=on, kelas=kelas or None, jenis=named, angka=number)

    kinds = [
        WorkersView(
            kind=kind,
            workers=number.workers,
            address=cell("tenaga_kerja", kind),
            businesses_known=Count(count=number.known, address=cell("diketahui", kind)),
            businesses_unknown=Count(count=bucket.businesses - number.known, address=cell("tidak_diketahui", kind)),
        )
        for kind, number in bucket.numbers.items()
    ]
    return JobsBucketView(
        code=bucket.code,
        label=bucket.label,
        businesses=Count(count=bucket.businesses, address=cell(UNIT)),
        kinds=kinds,
        counted_from=bucket.oldest,
        counted_to=bucket.newest,
    )


def job_changes_view(start: date, end: date, by: JobsBy, kind: Kind, found: Sequence[ChangeBucket]) -> JobChangesView:
    """Return what changed between two days; the first of ``found`` is the whole city."""
    city, *buckets = [_change_bucket(start, end, by, kind, bucket) for bucket in found]
    return JobChangesView(start=start, end=end, by=by, kind=kind, city=city, buckets=buckets)


def _change_bucket(start: date, end: date, by: JobsBy, kind: Kind, bucket: ChangeBucket) -> ChangeBucketView:
    place = None if by is JobsBy.KELAS else bucket.code
    kelas = bucket.code or None if by is JobsBy.KELAS else None
    named = None if kind is Kind.SEMUA else kind.value

    def count(number: int, name: str) -> Count:
        cell = address("job_changes", place, dari=start, sampai=end, kelas=kelas, jenis=named, angka=name)
        return Count(count=number, address=cell)

    def unknown(number: int, on: date) -> Count:
        cell = address("jobs", place, pada=on, kelas=kelas, jenis=named, angka="tidak_diketahui")
        return Count(count=number, address=cell)

    return ChangeBucketView(
        code=bucket.code,
        label=bucket.label,
        before=count(bucket.before, "sebelum"),
        after=count(bucket.after, "sesudah"),
        before_unknown=unknown(bucket.before_unknown, start),
        after_unknown=unknown(bucket.after_unknown, end),
        changes=[
            ChangeView(change=change, workers=count(number, change.value)) for change, number in bucket.changes.items()
        ],
    )
