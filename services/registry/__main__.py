"""``python -m services.registry api | worker | relay | all | migrate``."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import structlog

from services.registry.app import SERVICE, run_all, run_api, run_migrations, run_relay, run_worker
from services.registry.settings import RegistrySettings
from shared.logs import configure_logs
from shared.process import run_process
from shared.settings import SettingsError, load_settings

PROCESSES = {"api": run_api, "worker": run_worker, "relay": run_relay, "all": run_all}
USAGE = "usage: python -m services.registry api | worker | relay | all | migrate\n"


def main(arguments: list[str]) -> int:
    """Run one process and return its exit code."""
    if len(arguments) != 1 or arguments[0] not in {*PROCESSES, "migrate"}:
        sys.stderr.write(USAGE)
        return 2
    settings = load_settings(RegistrySettings)
    configure_logs(SERVICE, settings.log_level, instance=settings.instance)
    if arguments[0] == "migrate":
        return _migrate(settings)
    return run_process(partial(PROCESSES[arguments[0]], settings))


def _migrate(settings: RegistrySettings) -> int:
    try:
        ran = asyncio.run(run_migrations(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    structlog.get_logger(__name__).info("migrated", ran=ran)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
