"""What owners are told of their applications to exhibitions. Each fact says for itself what for, where and in which zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.notifications.domain.notice_forms import Notice, RecipientKind, to_owner
from shared.contracts.exhibitions import (
    ApplicationCause,
    ApplicationMoved,
    ApplicationPassed,
    ApplicationPlaced,
    ApplicationPromoted,
    ApplicationRejected,
    ApplicationReserved,
    ApplicationWithdrawn,
)
from shared.contracts.fact import Fact

_LEFT: Mapping[ApplicationCause, str] = {
    ApplicationCause.TIDAK_KONFIRMASI: "application_lapsed",
    ApplicationCause.PAMERAN_DIBATALKAN: "exhibition_cancelled",
}


def _told(fact: Any) -> dict[str, Any]:
    return {"title": fact.title, "place": fact.place, "zone": fact.zone}


def place_params(fact: ApplicationPlaced | ApplicationMoved) -> dict[str, Any]:
    """Return what a place says: exhibition, booth, wave, when it begins, and until when it is to be confirmed."""
    return {
        **_told(fact),
        "booth": fact.booth,
        "wave": fact.wave,
        "starts_at": fact.starts_at.isoformat(),
        "confirm_by": fact.confirm_by.isoformat(),
    }


def _rejected(fact: ApplicationRejected) -> dict[str, Any]:
    return {**_told(fact), "cause": fact.cause.value}


def _left_template(fact: ApplicationWithdrawn) -> str:
    return _LEFT.get(fact.cause, "application_withdrawn")


EXHIBITION_NOTICES: dict[type[Fact], Notice] = {
    ApplicationPassed: to_owner("application_passed", _told),
    ApplicationReserved: to_owner("application_reserved", _told),
    ApplicationPromoted: to_owner("application_promoted", _told),
    ApplicationRejected: to_owner("application_rejected", _rejected),
    ApplicationPlaced: to_owner("application_placed", place_params),
    ApplicationMoved: to_owner("application_moved", place_params),
    ApplicationWithdrawn: Notice(RecipientKind.OWNER, _left_template, _told),
}
"""Not in it: handed in, confirmed, reported, which the owner did; scores, which are the curators' own work; who came or
did not, which the owner knows."""

EXHIBITION_TEMPLATES = frozenset(
    {
        "application_lapsed",
        "application_moved",
        "application_passed",
        "application_placed",
        "application_promoted",
        "application_rejected",
        "application_reserved",
        "application_withdrawn",
        "exhibition_cancelled",
    }
)
