"""HTTP of the notifications: messages, receipts, announcements, and the public page that stops a topic."""

from __future__ import annotations

from fastapi import APIRouter

from services.notifications.api import announcements, messages, receipts
from services.notifications.api.unsubscribing import unsubscribe_router

__all__ = ["routers"]


def routers() -> list[APIRouter]:
    """Return the routes of this service."""
    return [messages.router, receipts.router, announcements.router, unsubscribe_router()]
