"""Announcements: counted, made, looked at, cancelled. Only the city's office speaks to many owners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from services.notifications.api.asking import Database, Office, Out, decode_place, encode_place
from services.notifications.commands import Audience, CancelAnnouncement, MakeAnnouncement, Text, Topic
from services.notifications.domain.announcements import (
    AnnouncementState,
    EmptyAudienceError,
    NothingToCancelError,
    UnclearAudienceError,
    UnknownAnnouncementError,
    UnknownPlaceError,
)
from services.notifications.domain.messages import State
from services.notifications.domain.text import SUBJECT_LENGTH, lines, one_line
from services.notifications.handlers import announcing
from services.notifications.handlers.announcing import Progress
from shared.contracts.registry import BusinessClass
from shared.database import Connection
from shared.idempotency import Answer, OnlyOnce
from shared.identifiers import new_id
from shared.problems import Problem
from shared.web.app import RequestModel

MOST_PLACES = 40
LONGEST_BODY = 5_000

router = APIRouter(tags=["pengumuman"])

EXAMPLE: dict[str, Any] = {
    "topic": "pelatihan",
    "texts": {
        "id": {
            "subject": "Pelatihan kemasan angkatan 3 dibuka",
            "body": "Pendaftaran dibuka sampai 30 November.\n\nDaftar di kantor kelurahan dengan membawa KTP.",
        },
        "en": {"subject": "Packaging training, third batch", "body": "Register at your kelurahan until 30 November."},
    },
    "audience": {"kecamatan": ["64.71.01"], "classes": ["mikro"], "sectors": ["kuliner"]},
}


def _subject(text: str) -> str:
    cleaned = one_line(text)
    if len(cleaned) < 3:
        raise ValueError("paling sedikit 3 karakter yang terbaca")
    return cleaned


def _body(text: str) -> str:
    cleaned = lines(text)
    if len(cleaned) < 10:
        raise ValueError("paling sedikit 10 karakter yang terbaca")
    return cleaned


class TextForm(RequestModel):
    """Isi pengumuman dalam satu bahasa, teks biasa; baris kosong memisahkan alinea."""

    subject: Annotated[str, Field(min_length=3, max_length=SUBJECT_LENGTH), AfterValidator(_subject)]
    body: Annotated[str, Field(min_length=10, max_length=LONGEST_BODY), AfterValidator(_body)]


class TextsForm(RequestModel):
    """Isi dalam bahasa Indonesia, dan bila perlu dalam bahasa Inggris untuk pemilik yang memilihnya."""

    id: TextForm
    en: TextForm | None = None


Kecamatan = Annotated[str, Field(pattern=r"^64\.71\.\d{2}$", examples=["64.71.01"])]
Kelurahan = Annotated[str, Field(pattern=r"^(64\.71\.\d{2}\.\d{4}|TIDAK_DIKETAHUI)$", examples=["64.71.01.1001"])]
Sector = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", examples=["kuliner"])]
Everyone = Annotated[bool, Field(description="Semua pemilik yang dikenal; tidak bersama penyaring lain.")]
Districts = Annotated[list[Kecamatan], Field(max_length=MOST_PLACES, description="Semua kelurahan di kecamatan ini.")]
Villages = Annotated[
    list[Kelurahan], Field(max_length=MOST_PLACES, description="Kelurahan ini, selain kecamatan tadi.")
]
Classes = Annotated[list[BusinessClass], Field(max_length=10, description="Kelas usaha.")]
Sectors = Annotated[list[Sector], Field(max_length=40, description="Sektor usaha.")]


class AudienceForm(RequestModel):
    """Sasaran: semua pemilik, atau pemilik yang salah satu usahanya cocok dengan setiap penyaring yang diisi."""

    everyone: Everyone = False
    kecamatan: Districts = []
    kelurahan: Villages = []
    classes: Classes = []
    sectors: Sectors = []

    def to_audience(self) -> Audience:
        """Return the audience."""
        classes = tuple(kelas.value for kelas in self.classes)
        return Audience(self.everyone, tuple(self.kecamatan), tuple(self.kelurahan), classes, tuple(self.sectors))


class CountQuery(AudienceForm):
    """The same as a query, with the topic that owners may have stopped."""

    topic: Topic


class AnnouncementForm(RequestModel):
    """Pengumuman baru."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}

    topic: Topic = Field(description="Pemilik dapat menghentikan setiap topik sendiri-sendiri.")
    texts: TextsForm
    audience: AudienceForm


class CancelForm(RequestModel):
    """Mengapa pengumuman dibatalkan."""

    reason: Annotated[str, Field(min_length=3, max_length=200, examples=["Tanggalnya salah"])]


class AudienceOut(Out):
    """Banyaknya pemilik dalam sasaran saat ini."""

    total: int = Field(examples=[2_812])
    told: dict[str, int] = Field(
        description="Saluran ke banyaknya pemilik yang akan dikirimi.", examples=[{"email": 1}]
    )
    suppressed: dict[str, int] = Field(
        description="Sebab tidak dikirimi ke banyaknya pemilik.", examples=[{"no_consent": 2_400, "opted_out": 3}]
    )


class ProgressOut(Out):
    """Kemajuan: dari semua pemilik dalam sasaran, berapa yang pesannya sudah dibuat, dan bagaimana pesan itu."""

    total: int = Field(examples=[90_000])
    done: int = Field(description="Pesan yang sudah dibuat.", examples=[35_000])
    messages: dict[State, int] = Field(description="Keadaan ke banyaknya pesan.", examples=[{"queued": 30, "sent": 4}])
    suppressed: dict[str, int] = Field(description="Sebab tidak dikirim.", examples=[{"no_consent": 3, "opted_out": 1}])


class AnnouncementOut(Out):
    """Satu pengumuman dan kemajuannya."""

    id: UUID
    topic: Topic
    texts: TextsForm
    audience: AudienceForm
    state: AnnouncementState
    progress: ProgressOut
    created_by: str
    created_at: datetime
    finished_at: datetime | None = Field(
        description="Saat pesan terakhir dibuat; pengirimannya dapat berlangsung sesudahnya."
    )
    cancelled_by: str | None
    cancelled_at: datetime | None
    cancel_reason: str | None


class AnnouncementPage(Out):
    """Pengumuman, yang terbaru dulu."""

    items: list[AnnouncementOut]
    next: str | None = Field(description="Penunjuk halaman berikutnya; kosong bila sudah habis.")


def _shown(row: Mapping[str, Any], progress: Progress) -> AnnouncementOut:
    counted = ProgressOut(
        total=row["total"], done=row["done"], messages=progress.states, suppressed=progress.suppressed
    )
    return AnnouncementOut(**row, progress=counted)


def _texts(form: TextsForm) -> dict[str, Text]:
    texts = {"id": form.id, "en": form.en}
    return {language: Text(text.subject, text.body) for language, text in texts.items() if text is not None}


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the rules refuse into problems."""
    try:
        yield
    except UnclearAudienceError:
        detail = "Pilih everyone, atau isi sedikitnya satu penyaring; tidak keduanya dan tidak kosong."
        raise Problem(422, "sasaran-tidak-jelas", "Sasaran tidak jelas", detail) from None
    except UnknownPlaceError as error:
        detail = "Ada kode kecamatan atau kelurahan yang tidak dikenal."
        raise Problem(422, "tempat-tidak-dikenal", "Tempat tidak dikenal", detail, codes=error.codes) from None
    except EmptyAudienceError:
        detail = "Tidak ada satu pun pemilik yang cocok dengan sasaran ini."
        raise Problem(422, "sasaran-kosong", "Sasaran kosong", detail) from None
    except UnknownAnnouncementError:
        detail = "Tidak ada pengumuman dengan nomor ini."
        raise Problem(404, "pengumuman-tidak-dikenal", "Pengumuman tidak dikenal", detail) from None
    except NothingToCancelError:
        detail = "Semua pesan pengumuman ini sudah keluar; tidak ada lagi yang dapat dibatalkan."
        raise Problem(409, "pengumuman-sudah-keluar", "Pengumuman sudah keluar", detail) from None


@router.get("/announcements/audience", summary="Hitung sasaran sebelum mengumumkan")
async def count_audience(
    request: Request, pool: Database, _: Office, query: Annotated[CountQuery, Query()]
) -> AudienceOut:
    """Count how many owners an announcement would reach now, and why some would not be told. Nothing is sent."""
    state = request.app.state
    with _refusals():
        count = await announcing.count_audience(pool, query.to_audience(), query.topic, state.places, state.routes)
    return AudienceOut(total=count.total, told=dict(count.told), suppressed=dict(count.suppressed))


@router.post(
    "/announcements",
    summary="Umumkan kepada banyak pemilik",
    status_code=201,
    response_model=AnnouncementOut,
)
async def make_announcement(
    request: Request, pool: Database, officer: Office, once: OnlyOnce, body: AnnouncementForm
) -> Response:
    """Announce. A worker makes the messages in chunks; consent, channel, topics and quiet hours count as for every message."""
    state = request.app.state

    async def work(connection: Connection) -> Answer:
        command = MakeAnnouncement(new_id(), body.topic, _texts(body.texts), body.audience.to_audience(), officer.sub)
        with _refusals():
            await announcing.make_announcement(connection, command, state.places, state.routes)
            made = _shown(*await announcing.show_announcement(connection, command.id))
        return Answer(201, made.model_dump(mode="json"), {"Location": f"announcements/{command.id}"})

    return await once.run(pool, work)


@router.get("/announcements", summary="Daftar pengumuman, yang terbaru dulu")
async def list_announcements(
    pool: Database,
    _: Office,
    after: Annotated[str | None, Query(max_length=200, description="Penunjuk dari halaman sebelumnya.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AnnouncementPage:
    """List announcements with keyset pages, each with its progress."""
    page = await announcing.list_announcements(pool, decode_place(after), limit)
    return AnnouncementPage(items=[_shown(*item) for item in page.items], next=encode_place(page.next_place))


@router.get("/announcements/{announcement_id}", summary="Satu pengumuman dengan kemajuannya")
async def show_announcement(pool: Database, _: Office, announcement_id: UUID) -> AnnouncementOut:
    """Show one announcement and how its messages stand."""
    with _refusals():
        return _shown(*await announcing.show_announcement(pool, announcement_id))


@router.post(
    "/announcements/{announcement_id}/cancel",
    summary="Batalkan pengumuman",
    status_code=202,
    response_model=AnnouncementOut,
)
async def cancel_announcement(
    pool: Database, officer: Office, once: OnlyOnce, announcement_id: UUID, body: CancelForm
) -> Response:
    """Let nothing more go out. What the mail server has by now is not called back; the rest is suppressed in chunks."""

    async def work(connection: Connection) -> Answer:
        command = CancelAnnouncement(announcement_id, body.reason, officer.sub)
        with _refusals():
            await announcing.cancel_announcement(connection, command)
            shown = _shown(*await announcing.show_announcement(connection, announcement_id))
        return Answer(202, shown.model_dump(mode="json"))

    return await once.run(pool, work)
