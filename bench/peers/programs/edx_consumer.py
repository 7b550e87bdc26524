"""The event bus of Open edX: the management command ``consume_events``, and a receiver that writes the effect."""

from __future__ import annotations

from typing import Any

import edx_site
from told import TOLD, address, trouble

edx_site.start()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402


def handle(thing: edx_site.ThingData, **_: Any) -> None:
    """Write the effect."""
    trouble(thing.mark)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO felt (thing, sequence) VALUES (%s, %s)", address(thing.mark))


edx_site.THING_CHANGED.connect(handle)
call_command("consume_events", topic=[TOLD["topic"]], group_id=[TOLD["group"]])
