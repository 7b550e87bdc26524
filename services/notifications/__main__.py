"""``python -m services.notifications api | worker | all | migrate``."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import structlog

from services.notifications.app import SERVICE, run_all, run_api, run_migrations, run_worker
from services.notifications.settings import NotificationsSettings
from shared.logs import configure_logs
from shared.process import run_process
from shared.settings import SettingsError, load_settings

PROCESSES = {"api": run_api, "worker": run_worker, "all": run_all}
USAGE = "usage: python -m services.notifications api | worker | all | migrate\n"


def main(arguments: list[str]) -> int:
    """Run one process and return its exit code."""
    if len(arguments) != 1 or arguments[0] not in {*PROCESSES, "migrate"}:
        sys.stderr.write(USAGE)
        return 2
    settings = load_settings(NotificationsSettings)
    configure_logs(SERVICE, settings.log_level, instance=settings.instance)
    if arguments[0] == "migrate":
        return _migrate(settings)
    return run_process(partial(PROCESSES[arguments[0]], settings))


def _migrate(settings: NotificationsSettings) -> int:
    try:
        ran = asyncio.run(run_migrations(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    structlog.get_logger(__name__).info("migrated", ran=ran)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
