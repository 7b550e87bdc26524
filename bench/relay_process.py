"""A relay in a process of its own, as it runs in operation: told by the environment, ended by SIGTERM."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from shared.broker import KafkaSettings
from shared.process import run_process
from shared.relay import Relay

VARIABLE = "BENCH_RELAY"


def environment(dsn: str, kafka: KafkaSettings) -> dict[str, str]:
    """Return what the process has to be told."""
    return os.environ | {VARIABLE: json.dumps({"dsn": dsn, "kafka": asdict(kafka)})}


def main() -> int:
    """Relay until a signal comes."""
    told = json.loads(os.environ[VARIABLE])
    return run_process(Relay(told["dsn"], KafkaSettings(**told["kafka"]), "bench").run)


if __name__ == "__main__":
    sys.exit(main())
