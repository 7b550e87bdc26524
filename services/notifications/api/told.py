"""What providers post, read into receipts: tolerant of what is new in their forms, and nothing personal is taken over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.notifications.domain.receipts import AttemptState, Receipt, key_of
from shared.web.fields import Moment

ProviderId = Annotated[str, Field(min_length=1, max_length=512)]
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WHATSAPP = {
    "sent": AttemptState.SENT,
    "delivered": AttemptState.DELIVERED,
    "read": AttemptState.READ,
    "failed": AttemptState.FAILED,
}
_SMS = {
    "accepted": AttemptState.ACCEPTED,
    "sent": AttemptState.SENT,
    "delivered": AttemptState.DELIVERED,
    "undeliverable": AttemptState.FAILED,
    "expired": AttemptState.FAILED,
    "rejected": AttemptState.FAILED,
    "failed": AttemptState.FAILED,
}


class UnreadableError(ValueError):
    """A body that has not the form of its provider."""


@dataclass(frozen=True, slots=True)
class Told:
    """The receipts of one body, and how many things in it are no receipts of ours."""

    receipts: list[Receipt] = field(default_factory=list)
    ignored: int = 0


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Error(_Form):
    code: int


class _Status(_Form):
    id: ProviderId
    status: str
    timestamp: Annotated[int, Field(ge=0, le=32_503_680_000)]
    biz_opaque_callback_data: str | None = None
    errors: list[_Error] = []

    def receipt(self) -> Receipt | None:
        state = _WHATSAPP.get(self.status)
        if state is None:
            return None
        reason = f"whatsapp_{self.errors[0].code}" if self.errors else None
        told_at = datetime.fromtimestamp(self.timestamp, UTC)
        key, reference = key_of("whatsapp", self.id), _reference(self.biz_opaque_callback_data)
        return Receipt("whatsapp", key, reference, state, reason, told_at)


class _Metadata(_Form):
    phone_number_id: str


class _Value(_Form):
    metadata: _Metadata
    statuses: list[Any] = []


class _Change(_Form):
    field: str
    value: Mapping[str, Any] = {}


class _Entry(_Form):
    changes: list[_Change]


class _Callback(_Form):
    entry: list[_Entry]


class _Report(_Form):
    id: ProviderId
    status: str
    at: Moment
    reference: str | None = None
    code: str | None = None

    def receipt(self) -> Receipt | None:
        state = _SMS.get(self.status)
        if state is None:
            return None
        code = self.code if self.code and _CODE.fullmatch(self.code) else self.status
        reason = f"sms_{code}" if state is AttemptState.FAILED else None
        return Receipt("sms", key_of("sms", self.id), _reference(self.reference), state, reason, self.at)


class _Reports(_Form):
    reports: list[Any]


FormT = TypeVar("FormT", _Status, _Report)


def read_whatsapp(body: bytes, number: str | None) -> Told:
    """Return what Meta's callback tells of messages from ``number`` (Meta's id of it). Raises ``UnreadableError``."""
    try:
        callback = _Callback.model_validate_json(body)
        values = [
            _Value.model_validate(change.value)
            for entry in callback.entry
            for change in entry.changes
            if change.field == "messages"
        ]
    except ValidationError:
        raise UnreadableError from None
    ours = [status for value in values if value.metadata.phone_number_id == number for status in value.statuses]
    others = sum(len(value.statuses) for value in values) - len(ours)
    return _read(ours, _Status.model_validate, others)


def read_sms(body: bytes) -> Told:
    """Return what the gateway reports. Raises ``UnreadableError``."""
    try:
        reports = _Reports.model_validate_json(body).reports
    except ValidationError:
        raise UnreadableError from None
    return _read(reports, _Report.model_validate, 0)


def _read(items: Iterable[Any], parse: Callable[[Any], FormT], ignored: int) -> Told:
    found = [_one(item, parse) for item in items]
    return Told([receipt for receipt in found if receipt is not None], ignored + found.count(None))


def _one(item: Any, parse: Callable[[Any], FormT]) -> Receipt | None:
    """Return one receipt; a thing that we cannot read must not keep the others from us."""
    try:
        return parse(item).receipt()
    except ValidationError:
        return None


def _reference(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
