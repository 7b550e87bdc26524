"""What was sent, sending again, officers' addresses, how an owner wants to be told. Nothing personal of an owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from services.notifications.api.asking import Database, Office, Out, decode_place, encode_place
from services.notifications.commands import ChooseDigest, Digest, ResendMessage, SetOfficer, Topic
from services.notifications.domain.messages import NotResendableError, State, UnknownMessageError
from services.notifications.handlers import digesting, operating
from shared.auth import Principal, Role, allow
from shared.database import Connection
from shared.idempotency import Answer, OnlyOnce
from shared.problems import Problem, standard
from shared.web.app import RequestModel

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]
AnyOfficer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS, Role.OPERATOR))]
Sub = Annotated[str, Path(min_length=1, max_length=200, description="Subjek (sub) pada token petugas.")]

router = APIRouter()


class RecipientRef(Out):
    """Whom a message is for: an owner by id, an officer by ``sub``, or the owner of a business that is not known yet."""

    kind: Literal["owner", "officer", "business"]
    id: str


class MessageOut(Out):
    """A message, without its text."""

    id: UUID
    event_id: UUID
    event_type: str = Field(examples=["id.go.balikpapan.umkm.business.verified.v1"])
    occurred_at: datetime
    template: str = Field(examples=["business_verified"])
    language: str | None
    channel: str | None
    recipient: RecipientRef
    business_id: UUID | None
    state: State
    reason: str | None = Field(examples=["smtp_550_5.1.1"])
    attempts: int
    next_attempt_at: datetime
    handed_over_at: datetime | None
    created_at: datetime
    updated_at: datetime


class StepOut(Out):
    """Something that happened to a message."""

    at: datetime
    state: State
    reason: str | None
    attempt: int
    actor: str


class MessageDetail(MessageOut):
    """A message with all that happened to it."""

    steps: list[StepOut]


class MessagePage(Out):
    """Messages, newest first."""

    items: list[MessageOut]
    next: str | None = Field(description="Penunjuk halaman berikutnya; kosong bila sudah habis.")


class MessageCounts(Out):
    """Messages by state."""

    counts: dict[State, int]


class ResendRequest(RequestModel):
    """Why a message is sent again."""

    reason: Annotated[str, Field(min_length=3, max_length=200, examples=["Kotak surat sudah diperbaiki"])]


class OfficerBody(RequestModel):
    """Where an officer's digests go."""

    address: Annotated[
        str, Field(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    ] = Field(examples=["petugas@balikpapan.example"])
    language: Literal["id", "en"] = "id"


class OfficerOut(Out):
    """An officer in the address book."""

    sub: str
    address: str
    language: str


class DigestBody(RequestModel):
    """Seberapa sering seorang pemilik ingin menerima kabar yang dapat menunggu."""

    every: Digest


class RecipientOut(Out):
    """How an owner wants to be told. Changed in the registry; topics of announcements by the links in them."""

    owner_id: UUID
    language: str
    channel: str | None
    consent: bool
    erased: bool
    opted_out: list[Topic] = Field(description="Topik pengumuman yang dihentikan pemilik.")
    digest: Digest = Field(description="Kabar yang dapat menunggu: langsung, atau bersama sehari atau seminggu sekali.")


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "recipient": _recipient(row)}


def _recipient(row: Mapping[str, Any]) -> RecipientRef:
    if row["owner_id"] is not None:
        return RecipientRef(kind="owner", id=str(row["owner_id"]))
    if row["officer_sub"] is not None:
        return RecipientRef(kind="officer", id=row["officer_sub"])
    return RecipientRef(kind="business", id=str(row["business_id"]))


@router.get("/messages", summary="Daftar pesan, yang terbaru dulu", tags=["pesan"])
async def list_messages(
    pool: Database,
    _: Office,
    state: Annotated[State | None, Query(description="Hanya pesan dalam keadaan ini.")] = None,
    after: Annotated[str | None, Query(max_length=200, description="Penunjuk dari halaman sebelumnya.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessagePage:
    """List messages with keyset pages; every one that a fact asked for has its row, also those that nobody gets."""
    page = await operating.list_messages(pool, state, decode_place(after), limit)
    return MessagePage(items=[MessageOut(**_fields(row)) for row in page.rows], next=encode_place(page.next_place))


@router.get("/messages/counts", summary="Jumlah pesan menurut keadaan", tags=["pesan"])
async def count_messages(pool: Database, _: Office) -> MessageCounts:
    """Count messages by state."""
    counts = await operating.count_messages(pool)
    return MessageCounts(counts={state: counts.get(state.value, 0) for state in State})


def _unknown() -> Problem:
    return Problem(404, "pesan-tidak-dikenal", "Pesan tidak dikenal", "Tidak ada pesan dengan nomor ini.")


@router.get("/messages/{message_id}", summary="Satu pesan dengan riwayatnya", tags=["pesan"])
async def show_message(pool: Database, _: Office, message_id: UUID) -> MessageDetail:
    """Show one message and what happened to it."""
    try:
        row, steps = await operating.show_message(pool, message_id)
    except UnknownMessageError:
        raise _unknown() from None
    return MessageDetail(**_fields(row), steps=[StepOut(**step) for step in steps])


@router.post(
    "/messages/{message_id}/resend",
    summary="Kirim ulang pesan yang gagal atau tidak diketahui hasilnya",
    tags=["pesan"],
    status_code=202,
)
async def resend_message(
    pool: Database, operator: Operator, once: OnlyOnce, message_id: UUID, body: ResendRequest
) -> Response:
    """Queue a message again. The recipient may get it twice if it had arrived: that is the operator's decision."""

    async def work(connection: Connection) -> Answer:
        command = ResendMessage(message_id, body.reason, operator.sub)
        try:
            await operating.resend_message(connection, command)
        except UnknownMessageError:
            raise _unknown() from None
        except NotResendableError as error:
            raise Problem(
                409,
                "pesan-tidak-dapat-dikirim-ulang",
                "Pesan tidak dapat dikirim ulang",
                "Hanya pesan yang gagal, atau yang tidak diketahui hasilnya, dapat dikirim ulang.",
                state=error.state,
            ) from error
        return Answer(202, {"id": str(message_id), "state": State.QUEUED.value})

    return await once.run(pool, work)


def _own_or_office(principal: Principal, sub: str) -> None:
    if principal.confined and principal.sub != sub:
        raise standard(403, "Petugas kelurahan hanya dapat mengatur alamatnya sendiri.")


@router.put("/officers/{sub}", summary="Catat alamat ringkasan impor seorang petugas", tags=["petugas"])
async def set_officer(pool: Database, principal: AnyOfficer, sub: Sub, body: OfficerBody) -> OfficerOut:
    """Note where an officer's digests go, and in which language."""
    _own_or_office(principal, sub)
    await operating.set_officer(pool, SetOfficer(sub, body.address, body.language, principal.sub))
    return OfficerOut(sub=sub, address=body.address, language=body.language)


@router.get("/officers/{sub}", summary="Alamat ringkasan impor seorang petugas", tags=["petugas"])
async def show_officer(pool: Database, principal: AnyOfficer, sub: Sub) -> OfficerOut:
    """Show an officer's address and language."""
    _own_or_office(principal, sub)
    row = await operating.show_officer(pool, sub)
    if row is None:
        raise Problem(404, "petugas-tidak-dikenal", "Petugas tidak dikenal", "Petugas ini belum mencatat alamatnya.")
    return OfficerOut(**row)


@router.get("/recipients/{owner_id}", summary="Cara seorang pemilik ingin diberi tahu", tags=["penerima"])
async def show_recipient(pool: Database, _: Office, owner_id: UUID) -> RecipientOut:
    """Show an owner's language, channel and consent, as the registry's facts tell them."""
    row = await operating.show_recipient(pool, owner_id)
    if row is None:
        raise Problem(404, "pemilik-tidak-dikenal", "Pemilik tidak dikenal", "Belum ada peristiwa tentang pemilik ini.")
    values = {name: value for name, value in row.items() if name != "personal"}
    return RecipientOut(**{**values, "digest": row["digest"] or Digest.LANGSUNG})


@router.put("/recipients/{owner_id}/digest", summary="Ringkasan untuk seorang pemilik", tags=["penerima"])
async def choose_digest(pool: Database, officer: Office, owner_id: UUID, body: DigestBody) -> RecipientOut:
    """Note that an owner wants what can wait once a day or once a week. What has a deadline goes out at once all the same."""
    await show_recipient(pool, officer, owner_id)
    await digesting.choose_digest(pool, ChooseDigest(owner_id, body.every, officer.sub))
    return await show_recipient(pool, officer, owner_id)
