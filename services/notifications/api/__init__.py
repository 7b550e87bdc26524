"""HTTP of the notifications: messages, receipts, announcements, the operator's page, and the public page that stops a topic."""

from __future__ import annotations

from fastapi import APIRouter

from services.notifications.api import announcements, messages, receipts
from services.notifications.api.page import operator_router
from services.notifications.api.unsubscribing import unsubscribe_router

__all__ = ["routers"]


def routers() -> list[APIRouter]:
    """Return the routes of this service."""
    return [messages.router, receipts.router, announcements.router, operator_router(), unsubscribe_router()]
