"""Make the broker match the declarations, told by the environment alone: what a deployment runs before its services.

Reads ``KAFKA_BOOTSTRAP``, ``KAFKA_USERNAME`` (``operator``), ``KAFKA_PASSWORD``, ``KAFKA_SECURITY_PROTOCOL``,
``KAFKA_CA_FILE``, and ``KAFKA_<PRINCIPAL>_PASSWORD`` for each declared principal; each X also as ``X_FILE``.
Can be repeated without harm; passwords are set anew each time, so that a changed secret counts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.kafka_admin.client import operator_client
from ops.kafka_admin.plan import KafkaException, TopologyError, apply_plan, make_plan
from shared.broker import KafkaSettings
from shared.topology import DECLARED_TOPICS, PRINCIPALS


class MissingSettingError(Exception):
    """A variable that is not set; the text names it."""


def read_variable(environment: Mapping[str, str], name: str, default: str | None = None) -> str:
    """Return the variable ``name``, or what the file named by ``<name>_FILE`` holds. Raises ``MissingSettingError``."""
    if path := environment.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    value = environment.get(name) or default
    if value is None:
        raise MissingSettingError(f"{name} is not set, nor is {name}_FILE")
    return value


def operator_settings(environment: Mapping[str, str]) -> KafkaSettings:
    """Return how the operator reaches the broker."""
    return KafkaSettings(
        bootstrap=read_variable(environment, "KAFKA_BOOTSTRAP"),
        username=read_variable(environment, "KAFKA_USERNAME", "operator"),
        password=read_variable(environment, "KAFKA_PASSWORD"),
        security_protocol=read_variable(environment, "KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ca_file=environment.get("KAFKA_CA_FILE") or None,
    )


def apply(environment: Mapping[str, str]) -> list[str]:
    """Apply topics, users and rights, and return what was done, a line each."""
    settings = operator_settings(environment)
    principals = [principal for principal in PRINCIPALS if principal.name != settings.username]
    passwords = {p.name: read_variable(environment, f"KAFKA_{p.name.upper()}_PASSWORD") for p in principals}
    admin = operator_client(settings)
    plan = make_plan(admin, DECLARED_TOPICS, principals, passwords=True)
    apply_plan(admin, plan, passwords.__getitem__)
    return plan.lines()


def main() -> int:
    """Apply and tell; 1 with one sentence if it could not be done."""
    try:
        lines = apply(os.environ)
    except (KafkaException, TopologyError, MissingSettingError, OSError) as error:
        sys.stderr.write(f"topics, users and rights were not applied: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
