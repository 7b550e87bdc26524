"""Until when a message is of use, where it asks its recipient for an answer by a certain time. Pure: the time comes in as argument.

Quiet hours, a rate, a later try or an outage may hold a message back for longer than that. Then it would keep for its recipient what
has gone to the next one already.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.notifications.domain.messages import Claimed

_ANSWERED_BY: Mapping[str, str] = {
    "application_moved": "confirm_by",
    "application_placed": "confirm_by",
    "enrolment_offered": "until",
}
"""Template to the parameter that says until when. Reminders are not in it: what they remind of is kept, and may move."""


def of_use_until(template: str, params: Mapping[str, Any]) -> datetime | None:
    """Return until when a message may go out; ``None``: at any time.

    What had begun already when it was recorded asks for nothing. Nor does what has begun since, whatever time was given for an answer.
    """
    told_by = _ANSWERED_BY.get(template)
    if told_by is None or "begun" in params:
        return None
    return min(datetime.fromisoformat(params[name]) for name in (told_by, "starts_at"))


def is_late(message: Claimed, now: datetime) -> bool:
    """Tell whether the time is over in which a message is of use."""
    until = of_use_until(message.template, message.params)
    return until is not None and until <= now
