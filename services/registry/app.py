"""The wiring of the registry: API, worker of imports, relay, from settings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from time import monotonic
from urllib.parse import unquote, urlsplit

from fastapi import FastAPI

from services.registry.api import businesses, keys, owners
from services.registry.importing import api as imports
from services.registry.importing.worker import run_import_worker
from services.registry.settings import RegistrySettings
from services.registry.store import migrations
from shared.auth import Verifier, key_source
from shared.database import SERVER_ERRORS, Pool, create_pool, is_infrastructure_error, migrate
from shared.health import Health, database_check, keys_check
from shared.idempotency import purge
from shared.outbox import Hint
from shared.process import Part, together
from shared.relay import Relay
from shared.sealing import KeyRing
from shared.settings import SettingsError
from shared.web import Limits, create_http_app, run_health, run_http

SERVICE = "registry"
AUDIT_ROLE = "audit"
PURGE_SECONDS = 3_600.0
STUCK_SECONDS = 120.0


async def run_migrations(settings: RegistrySettings) -> list[str]:
    """Bring the database up to date and return the names of the files that ran. Raises ``SettingsError``."""
    if settings.migration_dsn is None:
        raise SettingsError("Cannot migrate: MIGRATION_DSN is not set.")
    running_login = unquote(urlsplit(settings.database_dsn.get_secret_value()).username or SERVICE)
    roles = {"app_role": running_login, "audit_role": AUDIT_ROLE}
    return await migrate(settings.migration_dsn.get_secret_value(), migrations(), roles)


async def open_pool(settings: RegistrySettings) -> Pool:
    """Return a pool of the running login. It connects when it is used, so a database that is away stops no start."""
    return await create_pool(settings.database_dsn.get_secret_value(), min_size=0, max_size=settings.pool_size)


def create_app(settings: RegistrySettings, pool: Pool) -> FastAPI:
    """Return the API."""
    verifier = Verifier(key_source(settings.jwks), settings.jwt_issuer, settings.jwt_audience)
    health = Health(SERVICE, settings.instance)
    health.add("database", database_check(pool))
    health.add("token_keys", keys_check(verifier.keys))
    app = create_http_app(
        "Registri Naik Kelas",
        SERVICE,
        health=health,
        verifier=verifier,
        routers=[owners.router, businesses.router, businesses.proposals, imports.router, keys.router],
        limits=Limits(uploads=imports.UPLOAD_LIMITS),
        description="Pemilik dan usaha (UMKM) Balikpapan: pendaftaran, verifikasi, kelas, impor.",
    )
    app.state.pool = pool
    app.state.ring = KeyRing(settings.key_encryption_key.get_secret_value())
    app.state.hint = Hint(pool)
    return app


def make_relay(settings: RegistrySettings, health: Health) -> Relay:
    """Return the relay of this database's outbox, watched by ``health``."""
    relay = Relay(settings.database_dsn.get_secret_value(), settings.kafka(), settings.instance)

    async def cause() -> str | None:
        return None if relay.problem is None else f"{relay.problem} away"

    async def stuck() -> str | None:
        silent = monotonic() - relay.alive_at
        return None if silent < STUCK_SECONDS else f"the relay has been silent for {silent:.0f} s"

    health.add("relay", cause)
    health.add("relay_loop", stuck, live=True)
    return relay


async def run_api(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(_purge_keys, pool))


async def run_worker(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Apply imports until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings) as pool:
        health = Health(SERVICE, settings.instance)
        health.add("database", database_check(pool))
        await together(stop, partial(run_import_worker, pool, settings), partial(run_health, health, settings))


async def run_relay(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Publish the outbox until ``stop`` is set; on HTTP_PORT nothing but health."""
    health = Health(SERVICE, settings.instance)
    relay = make_relay(settings, health)
    await together(stop, relay.run, partial(run_health, health, settings))


async def run_all(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Everything in one process, with one health."""
    async with await open_pool(settings) as pool:
        app = create_app(settings, pool)
        relay = make_relay(settings, app.state.health)
        parts: list[Part] = [
            partial(run_http, app, settings),
            partial(_purge_keys, pool),
            partial(run_import_worker, pool, settings),
            relay.run,
        ]
        await together(stop, *parts)


async def _purge_keys(pool: Pool, stop: asyncio.Event) -> None:
    """Forget idempotency keys that are over a day old, once an hour."""
    while not stop.is_set():
        try:
            while await purge(pool) and not stop.is_set():
                pass
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PURGE_SECONDS)
