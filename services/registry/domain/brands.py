"""Rules of brands (*merek*): filed at the register of trade marks (DJKI), protected for ten years.

Source: UU 20/2016 art. 35: a registered mark is protected for ten years from the day on which it was filed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.commands.licensing import FileBrand
from services.registry.domain.businesses import KNOWN
from services.registry.domain.expiry import RanOut, Span, due_on, notice, years_after
from services.registry.domain.licensing_refusals import BrandRanOutError, BrandStatusError, DayOrderError
from services.registry.domain.models import Business, Changed, Draft
from services.registry.domain.organisations import Organisation, check_works
from services.registry.domain.public_text import check_public
from services.registry.domain.refusals import TransitionRefusedError
from shared.contracts.fact import Fact
from shared.contracts.organisations import (
    BrandCause,
    BrandExpired,
    BrandExpiring,
    BrandFiled,
    BrandRegistered,
    BrandRejected,
    BrandRevoked,
    BrandStatus,
)
from shared.refusals import check_version

S = BrandStatus
YEARS = 10


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of a business or of an organisation: exactly one of the two ids is set."""

    id: UUID
    version: int
    mark: str
    business_id: UUID | None
    organisation_id: UUID | None
    status: BrandStatus
    cause: BrandCause | None
    filed_on: date
    registered_on: date | None
    expires_on: date | None
    """The last day of protection (WITA)."""
    revoked_on: date | None
    told: Span | None
    filed_by: str

    @property
    def due_on(self) -> date | None:
        """The day from which the daily pass has something to tell of it."""
        return due_on(self.expires_on, self.told) if self.status is S.TERDAFTAR else None


BrandChange = Changed[Brand]


def _fields(brand: Brand, **more: Any) -> dict[str, Any]:
    whose = {"business_id": brand.business_id, "organisation_id": brand.organisation_id}
    return {"brand_id": brand.id, "mark": brand.mark, **whose, **more}


def _step(brand: Brand, fact: type[Fact], more: dict[str, Any], **changes: Any) -> BrandChange:
    after = replace(brand, version=brand.version + 1, **changes)
    return Changed(after, (Draft(fact, _fields(brand, **more)),))


def _require(brand: Brand, expected_version: int, deed: str, allowed: BrandStatus) -> None:
    check_version(brand.version, expected_version)
    if brand.status is not allowed:
        raise BrandStatusError(deed, brand.status, allowed)


def file(command: FileBrand, whose: Business | Organisation, actor: str) -> BrandChange:
    """Return a brand that waits for the register of trade marks, version 1. ``whose`` is the owner that it names."""
    if isinstance(whose, Organisation):
        check_works(whose)
    elif whose.status not in KNOWN:
        raise TransitionRefusedError("diberi merek", whose.status, KNOWN)
    check_public("Merek", command.mark)
    brand = Brand(
        id=command.brand_id,
        version=1,
        mark=command.mark,
        business_id=command.whose_id if command.whose == "business" else None,
        organisation_id=command.whose_id if command.whose == "organisation" else None,
        status=S.DIAJUKAN,
        cause=None,
        filed_on=command.filed_on,
        registered_on=None,
        expires_on=None,
        revoked_on=None,
        told=None,
        filed_by=actor,
    )
    return Changed(brand, (Draft(BrandFiled, _fields(brand, filed_on=brand.filed_on)),))


def register(brand: Brand, expected_version: int, registered_on: date) -> BrandChange:
    """Record the protection: ten years from the day of filing. Raises ``BrandRanOutError`` if they are over by then."""
    _require(brand, expected_version, "didaftarkan", S.DIAJUKAN)
    if registered_on < brand.filed_on:
        raise DayOrderError("pendaftaran", registered_on, "pengajuan", brand.filed_on)
    expires_on = years_after(brand.filed_on, YEARS)
    if expires_on < registered_on:
        raise BrandRanOutError(expires_on)
    days = {"registered_on": registered_on, "expires_on": expires_on}
    return _step(brand, BrandRegistered, days, status=S.TERDAFTAR, **days)


def reject(brand: Brand, expected_version: int, cause: BrandCause) -> BrandChange:
    """Record that the register turned it down, or that it was withdrawn."""
    _require(brand, expected_version, "ditolak", S.DIAJUKAN)
    return _step(brand, BrandRejected, {"cause": cause}, status=S.DITOLAK, cause=cause)


def revoke(brand: Brand, expected_version: int, cause: BrandCause, revoked_on: date) -> BrandChange:
    """Record that the protection ended before its time."""
    _require(brand, expected_version, "dicabut", S.TERDAFTAR)
    if brand.registered_on is not None and revoked_on < brand.registered_on:
        raise DayOrderError("pencabutan", revoked_on, "pendaftaran", brand.registered_on)
    more = {"cause": cause, "revoked_on": revoked_on}
    return _step(brand, BrandRevoked, more, status=S.DICABUT, cause=cause, revoked_on=revoked_on)


def look(brand: Brand, day: date) -> BrandChange:
    """Return what the pass of a day brings: a span that was entered, or the end; no draft if there is nothing to tell."""
    told = notice(brand.expires_on, brand.told, day) if brand.due_on is not None else None
    if told is None:
        return Changed(brand)
    if isinstance(told, RanOut):
        return _step(brand, BrandExpired, {"expires_on": brand.expires_on}, status=S.KEDALUWARSA)
    more = {"expires_on": brand.expires_on, "span": told.span, "days_left": told.days_left}
    return _step(brand, BrandExpiring, more, told=told.span)
