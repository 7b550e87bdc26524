"""The processes of the notifications, by name. What each runs is loaded when it starts: none holds what only another one needs."""

from __future__ import annotations

from services.notifications.settings import NAME, NotificationsSettings
from shared.service import Service

SERVICE = Service(
    NAME,
    NotificationsSettings,
    "store.facts:migrations",
    {"api": "app:run_api", "worker": "working:run_worker", "all": "all_in_one:run_all"},
)
