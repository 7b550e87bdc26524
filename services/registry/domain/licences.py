"""Rules of licences: how numbers are written, who verifies, what takes the place of what, and what a passing day brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.commands.licensing import SubmitLicence
from services.registry.domain.businesses import KNOWN
from services.registry.domain.expiry import RanOut, Span, due_on, notice, years_after
from services.registry.domain.licensing_refusals import (
    DayOrderError,
    LicenceDatesError,
    LicenceNumberError,
    LicenceRanOutError,
    LicenceReplacedError,
    LicenceStatusError,
    LicenceVerifierError,
    RenewalError,
)
from services.registry.domain.models import Business, Changed, Draft
from services.registry.domain.refusals import TransitionRefusedError
from services.registry.reference.licences import LICENCE_FORMS
from shared.contracts.fact import Fact
from shared.contracts.licensing import (
    LicenceCause,
    LicenceExpired,
    LicenceExpiring,
    LicenceKind,
    LicencePersonal,
    LicenceRejected,
    LicenceRevoked,
    LicenceStatus,
    LicenceSubmitted,
    LicenceVerified,
)
from shared.refusals import check_version
from shared.wita import write_day

S = LicenceStatus


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence; ``number`` is ``None`` only after the erasure of the owner whose it is."""

    id: UUID
    version: int
    business_id: UUID
    owner_id: UUID
    """The principal owner when it was handed in."""
    kind: LicenceKind
    number: str | None
    product: str | None
    status: LicenceStatus
    cause: LicenceCause | None
    valid_from: date | None
    expires_on: date | None
    """The last valid day (WITA)."""
    renews: UUID | None
    replaced_by: UUID | None
    revoked_on: date | None
    told: Span | None
    submitted_by: str
    verified_by: str | None

    @property
    def due_on(self) -> date | None:
        """The day from which the daily pass has something to tell of it."""
        valid = self.status is S.BERLAKU and self.replaced_by is None
        return due_on(self.expires_on, self.told) if valid else None


LicenceChange = Changed[Licence]


def write_number(kind: LicenceKind, typed: str) -> str:
    """Return a number in the one form in which it is kept. Raises ``LicenceNumberError``."""
    form = LICENCE_FORMS[kind]
    number = ("" if not form.spaced else " ").join(typed.upper().split())
    if form.pattern.fullmatch(number) is None:
        raise LicenceNumberError(form)
    return number


def _check_dates(command: SubmitLicence, on: date) -> None:
    form, begin, end = LICENCE_FORMS[command.kind], command.valid_from, command.expires_on
    if end is None:
        if form.runs_out is True:
            raise LicenceDatesError(f"Izin {form.title} harus menyebut tanggal berakhirnya.", begin, end)
        return
    if form.runs_out is False:
        raise LicenceDatesError(
            f"Izin {form.title} berlaku selama usaha berjalan; kosongkan tanggal berakhir.", begin, end
        )
    if begin is not None and end < begin:
        raise LicenceDatesError(
            f"Izin berakhir {write_day(end)}, sebelum mulai berlaku {write_day(begin)}.", begin, end
        )
    # Without a first day it has begun by today at the latest.
    if form.most_years is not None and end > years_after(begin or on, form.most_years):
        raise LicenceDatesError(f"Izin {form.title} berlaku paling lama {form.most_years} tahun.", begin, end)
    if end < on:
        raise LicenceRanOutError(end, on)


def _check_renewal(command: SubmitLicence, renewed: Licence | None) -> None:
    if command.renews is None:
        return
    same = renewed is not None and (renewed.business_id, renewed.kind) == (command.business_id, command.kind)
    if renewed is None or not same or renewed.status not in {S.BERLAKU, S.KEDALUWARSA}:
        raise RenewalError(command.renews)
    _check_not_replaced(renewed)


def _check_not_replaced(licence: Licence) -> None:
    if licence.replaced_by is not None:
        raise LicenceReplacedError(licence.id, licence.replaced_by)


def _fields(licence: Licence, **more: Any) -> dict[str, Any]:
    same = {"licence_id": licence.id, "business_id": licence.business_id, "owner_id": licence.owner_id}
    return {**same, "kind": licence.kind, **more}


def _step(licence: Licence, fact: type[Fact], more: dict[str, Any], **changes: Any) -> LicenceChange:
    after = replace(licence, version=licence.version + 1, **changes)
    return Changed(after, (Draft(fact, _fields(licence, **more)),))


def submit(command: SubmitLicence, business: Business, renewed: Licence | None, actor: str, on: date) -> LicenceChange:
    """Return a licence that waits for somebody else to verify it, version 1. ``renewed``: the one it is to replace."""
    if business.status not in KNOWN:
        raise TransitionRefusedError("diberi izin", business.status, KNOWN)
    number = write_number(command.kind, command.number)
    _check_dates(command, on)
    _check_renewal(command, renewed)
    licence = Licence(
        id=command.licence_id,
        version=1,
        business_id=business.id,
        owner_id=business.profile.owner_ids[0],
        kind=command.kind,
        number=number,
        product=command.product,
        status=S.DIAJUKAN,
        cause=None,
        valid_from=command.valid_from,
        expires_on=command.expires_on,
        renews=command.renews,
        replaced_by=None,
        revoked_on=None,
        told=None,
        submitted_by=actor,
        verified_by=None,
    )
    more = _fields(licence, valid_from=licence.valid_from, expires_on=licence.expires_on, renews=licence.renews)
    personal = LicencePersonal(number=number, product=licence.product)
    return Changed(licence, (Draft(LicenceSubmitted, more, personal),))


def _require(licence: Licence, expected_version: int, deed: str, allowed: LicenceStatus) -> None:
    check_version(licence.version, expected_version)
    if licence.status is not allowed:
        raise LicenceStatusError(deed, licence.status, allowed)


def verify(licence: Licence, expected_version: int, renewed: Licence | None, actor: str, on: date) -> LicenceChange:
    """Confirm; not by who handed it in, and only while it is valid. ``renewed`` gives its place up (``give_place``)."""
    _require(licence, expected_version, "diverifikasi", S.DIAJUKAN)
    if actor == licence.submitted_by:
        raise LicenceVerifierError
    if licence.expires_on is not None and licence.expires_on < on:
        raise LicenceRanOutError(licence.expires_on, on)
    if renewed is not None:
        _check_not_replaced(renewed)
    more = {"valid_from": licence.valid_from, "expires_on": licence.expires_on, "renews": licence.renews}
    return _step(licence, LicenceVerified, more, status=S.BERLAKU, verified_by=actor)


def give_place(renewed: Licence, to: UUID) -> Licence:
    """Return the older licence, whose place another has taken. No fact of its own: that one's ``renews`` tells it."""
    return renewed if renewed.status is S.DICABUT else replace(renewed, replaced_by=to)


def reject(licence: Licence, expected_version: int, cause: LicenceCause) -> LicenceChange:
    """Turn down."""
    _require(licence, expected_version, "ditolak", S.DIAJUKAN)
    return _reject(licence, cause)


def revoke(licence: Licence, expected_version: int, cause: LicenceCause, revoked_on: date) -> LicenceChange:
    """Take back before its time."""
    _require(licence, expected_version, "dicabut", S.BERLAKU)
    _check_not_replaced(licence)
    if licence.valid_from is not None and revoked_on < licence.valid_from:
        raise DayOrderError("pencabutan", revoked_on, "mulai berlaku", licence.valid_from)
    return _revoke(licence, cause, revoked_on)


def _reject(licence: Licence, cause: LicenceCause) -> LicenceChange:
    return _step(licence, LicenceRejected, {"cause": cause}, status=S.DITOLAK, cause=cause)


def _revoke(licence: Licence, cause: LicenceCause, revoked_on: date) -> LicenceChange:
    more = {"cause": cause, "revoked_on": revoked_on}
    return _step(licence, LicenceRevoked, more, status=S.DICABUT, cause=cause, revoked_on=revoked_on)


def end(licence: Licence, cause: LicenceCause, on: date) -> LicenceChange:
    """End with what it belongs to: what waits is turned down, what is valid is taken back, what is over stays so."""
    if licence.status is S.DIAJUKAN:
        return _reject(licence, cause)
    if licence.status is S.BERLAKU and licence.replaced_by is None:
        return _revoke(licence, cause, on)
    return Changed(licence)


def forget(change: LicenceChange) -> LicenceChange:
    """Return the change with number and product emptied: the owner whose they are was erased."""
    return replace(change, after=replace(change.after, number=None, product=None))


def look(licence: Licence, day: date) -> LicenceChange:
    """Return what the pass of a day brings: a span that was entered, or the end; no draft if there is nothing to tell."""
    told = notice(licence.expires_on, licence.told, day) if licence.due_on is not None else None
    if told is None:
        return Changed(licence)
    if isinstance(told, RanOut):
        return _step(licence, LicenceExpired, {"expires_on": licence.expires_on}, status=S.KEDALUWARSA)
    more = {"expires_on": licence.expires_on, "span": told.span, "days_left": told.days_left}
    return _step(licence, LicenceExpiring, more, told=told.span)
