"""Parked events for operators: listing them, looking into one with nothing personal shown, redriving, discarding.

Every deed happens once, whoever asks twice or side by side, and stands in the trail (decision 48). The rows are those of
``shared.consumer``, which this package does not load: APIs and commands need no client of Kafka for it.
"""

from shared.parked.deeds import Order, discard_one, redrive_all, redrive_one
from shared.parked.queue import discard, request_redrive
from shared.parked.reading import ParkedRow, find_parked, list_parked, open_parked
from shared.parked.refusals import (
    STATUSES,
    AlreadyAskedError,
    AlreadyDiscardedError,
    AlreadyRedrivenError,
    NothingToRedriveError,
    PersonalReasonError,
    WaitsForAnotherError,
)
from shared.parked.showing import Shown, shown

__all__ = [
    "STATUSES",
    "AlreadyAskedError",
    "AlreadyDiscardedError",
    "AlreadyRedrivenError",
    "NothingToRedriveError",
    "Order",
    "ParkedRow",
    "PersonalReasonError",
    "Shown",
    "WaitsForAnotherError",
    "discard",
    "discard_one",
    "find_parked",
    "list_parked",
    "open_parked",
    "redrive_all",
    "redrive_one",
    "request_redrive",
    "shown",
]
