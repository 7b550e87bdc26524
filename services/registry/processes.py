"""The processes of the registry, by name. What each runs is loaded when it starts: none holds what only another one needs."""

from __future__ import annotations

from functools import partial

from services.registry.settings import NAME, RegistrySettings
from shared.service import Service, run_relay

SERVICE = Service(
    NAME,
    RegistrySettings,
    "store:migrations",
    {
        "api": "app:run_api",
        "worker": "working:run_worker",
        "relay": partial(run_relay, NAME),
        "all": "all_in_one:run_all",
    },
)
