"""The status that a business has after a fact, for every service that keeps a copy of businesses."""

from __future__ import annotations

from typing import Any

from shared.contracts.registry import (
    BusinessClosed,
    BusinessDeactivated,
    BusinessMerged,
    BusinessMergeUndone,
    BusinessReactivated,
    BusinessRegistered,
    BusinessRejected,
    BusinessReturned,
    BusinessStatus,
    BusinessSubmitted,
    BusinessVerified,
)

_BY_NAME = {
    BusinessSubmitted.NAME: BusinessStatus.DIAJUKAN,
    BusinessVerified.NAME: BusinessStatus.TERVERIFIKASI,
    BusinessReturned.NAME: BusinessStatus.PERLU_PERBAIKAN,
    BusinessRejected.NAME: BusinessStatus.DITOLAK,
    BusinessDeactivated.NAME: BusinessStatus.NONAKTIF,
    BusinessClosed.NAME: BusinessStatus.TUTUP,
    BusinessMerged.NAME: BusinessStatus.DIGABUNG,
}
_CARRIED = frozenset({BusinessRegistered.NAME, BusinessReactivated.NAME, BusinessMergeUndone.NAME})
STATUS_NAMES = _BY_NAME.keys() | _CARRIED
"""The names of the facts that say something of it."""


def status_told(fact: Any) -> BusinessStatus | None:
    """Return the status that ``fact``, or what looks like one, leads to; ``None`` if it says nothing of it."""
    if fact.NAME in _CARRIED:
        status: BusinessStatus = fact.status
        return status
    return _BY_NAME.get(fact.NAME)
