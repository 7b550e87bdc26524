"""The frame of a service's API: who calls, and what its health watches."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI

from shared.auth import Verifier, key_source
from shared.database import Pool
from shared.health import keys_check
from shared.metrics.looking import outbox_look
from shared.service import database_health
from shared.settings import ServiceSettings
from shared.web.app import create_http_app
from shared.web.contracts import contracts_router
from shared.web.edge import Limits


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
) -> FastAPI:
    """Return the app of a service: callers are known by the issuer's tokens, health watches database and token keys.

    ``publishes``: the database has an outbox. Its backlog is told here, where facts come in, also while no relay runs.
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
        routers=[*routers, contracts_router()],
        limits=limits,
        description=description,
    )
