"""The processes of the exhibitions, by name. What each runs is loaded when it starts: none holds what only another one needs."""

from __future__ import annotations

from functools import partial

from services.events.settings import NAME, EventsSettings
from shared.service import Service, run_relay

SERVICE = Service(
    NAME,
    EventsSettings,
    "store:migrations",
    {
        "api": "app:run_api",
        "worker": "working:run_worker",
        "relay": partial(run_relay, NAME),
        "all": "all_in_one:run_all",
    },
)
