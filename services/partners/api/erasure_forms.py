"""What requests and answers of notices of erasure look like: ids, codes and times, nothing personal."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.partners.domain.erasures import Notice, NoticeState, Obstacle, Outcome
from shared.web.app import RequestModel
from shared.web.fields import one_line

_LONG_NUMBER = re.compile(r"\d{9}")


def _not_personal(text: str) -> str:
    """Refuse what a number of a person or an address of mail may stand in. Raises ``ValueError``."""
    if "@" in text or _LONG_NUMBER.search(text):
        raise ValueError("tidak boleh memuat nomor panjang atau alamat surel")
    return text


Reference = Annotated[
    str,
    Field(min_length=3, max_length=120, examples=["Surat 119/DPMPTSP/2026"]),
    AfterValidator(one_line),
    AfterValidator(_not_personal),
]
"""A letter or a regulation, as it is cited."""


class AnswerForm(RequestModel):
    """Apa yang dilakukan instansi. `wajib_disimpan` menyebut peraturannya; petugas menyebut surat instansi."""

    outcome: Outcome
    reference: Reference | None = None


class LetterForm(RequestModel):
    """Surat yang dengannya petugas memberi tahu instansi."""

    letter: Reference


class SubjectOut(BaseModel):
    """Satu agregat seperti dikenal instansi."""

    model_config = ConfigDict(frozen=True)

    stream: str
    id: UUID


class NoticeOut(BaseModel):
    """Satu pemberitahuan penghapusan kepada satu instansi."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    agency: str
    owner_id: UUID
    subjects: tuple[SubjectOut, ...]
    state: NoticeState
    made_at: datetime
    due: datetime
    overdue: bool
    by_hand: bool
    obstacle: Obstacle | None
    tells: int
    told_at: datetime | None
    told_ways: tuple[str, ...]
    letter: str | None
    letter_by: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    outcome: Outcome | None
    reference: str | None

    @classmethod
    def of(cls, notice: Notice, now: datetime) -> NoticeOut:
        """Return the answer for a notice."""
        own = {"subjects", "due", "overdue"}
        told = {name: getattr(notice, name) for name in cls.model_fields if name not in own}
        subjects = tuple(SubjectOut(stream=item.stream, id=item.id) for item in notice.subjects)
        return cls(**told, subjects=subjects, due=notice.due_at, overdue=notice.is_overdue(now))


class NoticePage(BaseModel):
    """Satu halaman pemberitahuan."""

    model_config = ConfigDict(frozen=True)

    items: list[NoticeOut]
    next: UUID | None
