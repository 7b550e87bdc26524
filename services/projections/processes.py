"""The processes of the projections, by name. What each runs is loaded when it starts: none holds what only another one needs."""

from __future__ import annotations

from services.projections.settings import NAME, ProjectionsSettings
from shared.service import Service

SERVICE = Service(
    NAME,
    ProjectionsSettings,
    "store.batches:migrations",
    {"api": "app:run_api", "worker": "working:run_worker", "all": "all_in_one:run_all"},
    further=("rebuild PROJECTION…",),
)
