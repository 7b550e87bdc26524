"""What owners are told of their licences, and of brands that run out. The number of a licence stays sealed where it is."""

from __future__ import annotations

from typing import Any

from services.notifications.domain.notice_forms import Notice, to_owner
from shared.contracts.fact import Fact
from shared.contracts.licensing import (
    LicenceExpired,
    LicenceExpiring,
    LicenceRejected,
    LicenceRevoked,
    LicenceVerified,
)
from shared.contracts.organisations import BrandExpired, BrandExpiring

OFFICE = "dinas"
"""The officer who is told of a brand that an organisation holds: a partner has no address here, the office speaks with it."""


def _kind(fact: Any) -> dict[str, Any]:
    return {"kind": fact.kind.value}


def _verified(fact: LicenceVerified) -> dict[str, Any]:
    return {**_kind(fact), "expires_on": fact.expires_on.isoformat() if fact.expires_on else None}


def _caused(fact: LicenceRejected | LicenceRevoked) -> dict[str, Any]:
    return {**_kind(fact), "cause": fact.cause.value}


def _expiring(fact: LicenceExpiring) -> dict[str, Any]:
    return {**_kind(fact), "expires_on": fact.expires_on.isoformat(), "days_left": fact.days_left}


def _expired(fact: LicenceExpired) -> dict[str, Any]:
    return {**_kind(fact), "expires_on": fact.expires_on.isoformat()}


def _brand(fact: BrandExpiring | BrandExpired) -> dict[str, Any]:
    left = {"days_left": fact.days_left} if isinstance(fact, BrandExpiring) else {}
    return {"mark": fact.mark, "expires_on": fact.expires_on.isoformat(), **left}


LICENCE_NOTICES: dict[type[Fact], Notice] = {
    LicenceVerified: to_owner("licence_verified", _verified),
    LicenceRejected: to_owner("licence_rejected", _caused),
    LicenceRevoked: to_owner("licence_revoked", _caused),
    LicenceExpiring: to_owner("licence_expiring", _expiring),
    LicenceExpired: to_owner("licence_expired", _expired),
    BrandExpiring: to_owner("brand_expiring", _brand),
    BrandExpired: to_owner("brand_expired", _brand),
}
"""Not in it: a licence handed in, which the owner did; a brand filed, registered or turned down, of which the register
of trade marks writes itself."""

LICENCE_TEMPLATES = frozenset(
    {
        "brand_expired",
        "brand_expiring",
        "licence_expired",
        "licence_expiring",
        "licence_rejected",
        "licence_revoked",
        "licence_verified",
    }
)
