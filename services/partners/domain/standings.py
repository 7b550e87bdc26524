"""How a stream stands on its way to an agency, in one word: what an endpoint, a topic and the feed come to. Pure."""

from __future__ import annotations

from enum import StrEnum

from services.partners.domain.lanes import LaneState
from services.partners.domain.webhooks import WebhookState


class Standing(StrEnum):
    """How a stream stands."""

    TERKINI = "terkini"
    """Nothing of it waits."""
    BERJALAN = "berjalan"
    """Something waits, and nothing stands in its way."""
    MENUNGGU = "menunggu"
    """Something failed, and is tried again at its time."""
    DIJEDA = "dijeda"
    DIMATIKAN = "dimatikan"
    DIHAPUS = "dihapus"
    BERHENTI = "berhenti"
    """Something is missing: it goes on only when told."""
    DITUTUP = "ditutup"
    """The agreement grants nothing by this way now."""
    TERBUKA = "terbuka"
    """Of the feed: it is there for who asks."""


_OF_ENDPOINT = {WebhookState.DIMATIKAN: Standing.DIMATIKAN, WebhookState.DIJEDA: Standing.DIJEDA}


def of_endpoint(state: WebhookState, *, granted: bool, tries: int, behind: bool) -> Standing:
    """Return how a stream stands on its way to an endpoint; ``tries`` failed in a row. Without a grant no other reason counts."""
    if state is WebhookState.DIHAPUS:
        return Standing.DIHAPUS
    if not granted:
        return Standing.DITUTUP
    if state in _OF_ENDPOINT:
        return _OF_ENDPOINT[state]
    if tries:
        return Standing.MENUNGGU
    return Standing.BERJALAN if behind else Standing.TERKINI


def of_topic(state: LaneState | None, *, granted: bool, behind: bool) -> Standing:
    """Return how a stream stands on its way into a topic; ``None``: nothing of it was written yet."""
    if not granted:
        return Standing.DITUTUP
    if state is LaneState.BERHENTI:
        return Standing.BERHENTI
    return Standing.BERJALAN if behind else Standing.TERKINI
