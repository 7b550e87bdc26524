"""The frame of a service's API: who calls, and what its health watches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from fastapi import APIRouter, FastAPI

from shared.auth import Verifier, key_source
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.health import keys_check
from shared.idempotency import purge
from shared.metrics.looking import outbox_look
from shared.service import database_health
from shared.settings import ServiceSettings
from shared.web.app import create_http_app
from shared.web.contracts import contracts_router
from shared.web.edge import Limits
from shared.web.parked import parked_router, trail_router

PURGE_SECONDS = 3_600.0


def create_api(
    name: str,
    settings: ServiceSettings,
    pool: Pool,
    *,
    title: str,
    description: str,
    routers: Iterable[APIRouter],
    limits: Limits | None = None,
    publishes: bool = False,
    consumes: bool = False,
) -> FastAPI:
    """Return the app of a service: callers are known by the issuer's tokens, health watches database and token keys.

    ``publishes``: the database has an outbox. Its backlog is told here, where facts come in, also while no relay runs.
    ``consumes``: there is a consumer named as the service, whose parked events operators see and settle here.
    """
    verifier = Verifier(key_source(settings.jwks), settings.jwt_issuer, settings.jwt_audience)
    health = database_health(name, settings, pool)
    health.add("token_keys", keys_check(verifier.keys))
    if publishes:
        health.metrics.look("outbox", outbox_look(pool))
    return create_http_app(
        title,
        name,
        health=health,
        verifier=verifier,
        routers=[*routers, *_for_operators(name if consumes else None), contracts_router()],
        limits=limits,
        requests_per_second=settings.requests_per_second,
        description=description,
    )


def _for_operators(consumer: str | None) -> list[APIRouter]:
    return [] if consumer is None else [parked_router(consumer), trail_router()]


async def purge_keys(pool: Pool, stop: asyncio.Event) -> None:
    """Forget idempotency keys that are over a day old, once an hour, until ``stop`` is set."""
    while not stop.is_set():
        try:
            while await purge(pool) and not stop.is_set():
                pass
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
        with suppress(TimeoutError):
            async with asyncio.timeout(PURGE_SECONDS):
                await stop.wait()
