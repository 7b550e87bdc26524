"""What every service does alike: its commands and migrations, its pool, the frame of its API, its relay, forgetting old keys.

A service declares its processes in its module ``processes``, and its ``__main__`` calls ``SERVICE.main``::

    SERVICE = Service("registry", RegistrySettings, "store:migrations", {"api": "app:run_api", "worker": "working:run_worker"})
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog

from shared.database import (
    MigrationBlockedError,
    MigrationChangedError,
    Migrations,
    Pool,
    create_pool,
    migrate,
)
from shared.health import Health, database_check
from shared.logs import configure_logs
from shared.metrics import catalogue
from shared.metrics.holding import Figure
from shared.metrics.looking import pool_look
from shared.process import Part, run_process, together
from shared.relay import Relay
from shared.settings import (
    WRONG_SETTINGS,
    DatabaseSettings,
    PooledSettings,
    ServiceSettings,
    SettingsError,
    SettingsT,
    load_settings,
)
from shared.tracing.running import traced
from shared.web.health import run_health

MIGRATE = "migrate"
AUDIT_ROLE = "audit"
STUCK_SECONDS = 120.0
"""A relay that was silent for so long hangs."""

OwnSettings = TypeVar("OwnSettings", bound=ServiceSettings)
Pooled = TypeVar("Pooled", bound=PooledSettings)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Service(Generic[OwnSettings]):
    """A service as its command line sees it: ``python -m services.<name> <process> | migrate``."""

    name: str
    settings_class: type[OwnSettings]
    migrations: str | Callable[[], Sequence[Migrations]]
    processes: Mapping[str, str | Callable[[OwnSettings, asyncio.Event], Coroutine[Any, Any, None]]]
    """What each process runs, or the place of it in the service, ``module:function``.

    Of a place no more is loaded than the process that is started needs: a relay has no use for routes and forms.
    """
    further: tuple[str, ...] = ()
    """Commands that its own ``__main__`` runs, as the usage shows them."""

    def main(self, arguments: Sequence[str]) -> int:
        """Run one process, or the migrations, and return the exit code: 2 for a wrong command or wrong settings."""
        if len(arguments) != 1 or arguments[0] not in {*self.processes, MIGRATE}:
            sys.stderr.write(self.usage())
            return 2
        if arguments[0] == MIGRATE:
            return self._migrate()
        run, settings = self.loaded(self.processes[arguments[0]]), self.load()
        with traced(settings.traces(), self.name, arguments[0], settings.instance):
            return run_process(partial(run, settings))

    def loaded(self, what: str | Callable[..., Any]) -> Callable[..., Any]:
        """Return what stands at a place of this service; what is no place, as it is."""
        if callable(what):
            return what
        module, _, name = what.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"services.{self.name}.{module}"), name)
        return found

    def usage(self) -> str:
        """Return the line that names all commands."""
        return f"usage: python -m services.{self.name} {' | '.join([*self.processes, MIGRATE, *self.further])}\n"

    def load(self) -> OwnSettings:
        """Return the settings of this process, with its logs set up; ends the process if settings are wrong."""
        return self._begin(self.settings_class)

    def _begin(self, settings_class: type[SettingsT]) -> SettingsT:
        settings = load_settings(settings_class)
        configure_logs(self.name, settings.log_level, instance=settings.instance)
        return settings

    def _migrate(self) -> int:
        settings = self._begin(DatabaseSettings)
        try:
            ran = asyncio.run(run_migrations(self.name, self.loaded(self.migrations)(), settings))
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            return WRONG_SETTINGS
        except (MigrationBlockedError, MigrationChangedError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        log.info("migrated", ran=ran)
        return 0


async def run_migrations(name: str, migrations: Sequence[Migrations], settings: DatabaseSettings) -> list[str]:
    """Bring the database up to date and return the names of the files that ran. Raises ``SettingsError``."""
    roles = {"app_role": settings.running_login() or name, "audit_role": AUDIT_ROLE}
    return await migrate(settings.owner_dsn("migrate"), migrations, roles)


async def open_pool(settings: ServiceSettings, size: int) -> Pool:
    """Return a pool of the running login. It connects when it is used, so a database that is away stops no start."""
    return await create_pool(settings.database_dsn.get_secret_value(), min_size=0, max_size=size)


def database_health(name: str, settings: ServiceSettings, pool: Pool) -> Health:
    """Return the health of a process, with the database as its first check, and its metrics with the look at the pool."""
    health = Health(name, settings.instance)
    health.add("database", database_check(pool))
    health.metrics.look("pool", pool_look(pool))
    return health


def make_relay(settings: ServiceSettings, health: Health, broker_check: str = "broker") -> Relay:
    """Return the relay of this database's outbox, watched by ``health``; a consumer beside it has a check ``broker`` too."""
    dsn = settings.database_dsn.get_secret_value()
    relay = Relay(dsn, settings.kafka(), settings.instance, schemas=settings.schemas_url, metrics=health.metrics)

    async def cause() -> str | None:
        return None if relay.problem is None else f"{relay.problem} away"

    async def stuck() -> str | None:
        silent = monotonic() - relay.alive_at
        return None if silent < STUCK_SECONDS else f"the relay has been silent for {silent:.0f} s"

    async def look() -> list[Figure]:
        return [(catalogue.RELAY_SHARDS, (), relay.shards)]

    health.metrics.look("relay", look)
    health.add("relay", cause)
    health.add(broker_check, relay.broker_cause)
    health.add("relay_loop", stuck, live=True)
    return relay


async def run_parts(
    name: str, parts: Callable[[Pooled, Pool, Health], list[Part]], settings: Pooled, stop: asyncio.Event
) -> None:
    """Run the parts of a worker until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(name, settings, pool)
        working = parts(settings, pool, health)
        await together(stop, *working, partial(run_health, health, settings))


async def run_relay(name: str, settings: ServiceSettings, stop: asyncio.Event) -> None:
    """Publish the outbox until ``stop`` is set; on HTTP_PORT nothing but health."""
    health = Health(name, settings.instance)
    relay = make_relay(settings, health)
    await together(stop, relay.run, partial(run_health, health, settings))
