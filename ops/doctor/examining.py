"""The whole examination: everything is asked side by side, so that one server that is away does not hold up the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from ops.doctor import local
from ops.doctor.broker_rules import judge_kafka
from ops.doctor.database_rules import WRAPPING, judge_database, judge_server
from ops.doctor.finding import Finding
from ops.doctor.kafka import look_at_kafka
from ops.doctor.local_rules import (
    CERTIFICATE_WARN,
    TOKEN_WARN,
    judge_disk,
    judge_endings,
    judge_issuer,
    judge_processes,
)
from ops.doctor.postgresql import look_at_databases, look_at_server
from ops.doctor.settings import given_key, ring_of
from ops.ledger import declared_ledger
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.home import SECRETS
from shared.sealing import KeyRing


def examine(stack: Stack, environment: Mapping[str, str], urls: Sequence[str]) -> list[Finding]:
    """Look at everything and return what is found. ``urls``: processes elsewhere, asked for their health.

    Who does not answer is told of as such; nothing is raised for it. ``environment`` must have been judged before.
    """
    with ThreadPoolExecutor(3) as hands:
        databases = hands.submit(_databases, stack, environment)
        brokers = hands.submit(lambda: judge_kafka(look_at_kafka(stack.credentials("operator"))))
        around = hands.submit(_around, stack, environment, urls)
        return [*databases.result(), *brokers.result(), *around.result()]


def _databases(stack: Stack, environment: Mapping[str, str]) -> list[Finding]:
    dsn = stack.servers.superuser_dsn()
    found = judge_server(asyncio.run(look_at_server(dsn, SERVICES[0])))
    for service, seen in asyncio.run(look_at_databases(dsn, SERVICES)).items():
        found += judge_database(service, seen, declared_ledger(service), _key(stack, environment, service))
    return found


def _key(stack: Stack, environment: Mapping[str, str], service: str) -> KeyRing | None:
    """Return the keys under which a service keeps something; ``None`` if it keeps nothing, or none is known."""
    if (kept := WRAPPING.get(service)) is None:
        return None
    known = stack.home.known_secret(SECRETS[kept.setting])
    key = (known if stack.servers.embedded else None) or given_key(environment, kept.setting) or known
    return None if key is None else ring_of(key, kept.setting)


def _around(stack: Stack, environment: Mapping[str, str], urls: Sequence[str]) -> list[Finding]:
    found: list[Finding] = []
    processes = local.look_at_addresses(urls)
    if stack.servers.embedded or stack.record().processes:
        processes = [*local.look_at_processes(stack), *processes]
        found.append(judge_disk(local.look_at_disk(stack.home.path)))
    if processes:
        found += judge_processes(processes)
    place = environment.get("JWKS") or (str(stack.home.jwks) if stack.home.jwks.exists() else None)
    if place is not None:
        found.append(judge_issuer(local.look_at_issuer(place)))
    return [*found, *_endings(stack, environment)]


def _endings(stack: Stack, environment: Mapping[str, str]) -> list[Finding]:
    now = datetime.now(UTC)
    tokens = local.look_at_tokens(stack.home.run)
    why = "By it a service asks the registry for keys: without, nobody is told anything that holds a name."
    found = judge_endings(tokens, now, TOKEN_WARN, why, "`naikkelas down`, then `naikkelas up`, writes new ones.")
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL", "")
    if not protocol.endswith("SSL"):
        return found
    if ca_file := environment.get("KAFKA_CA_FILE"):
        why, do = (
            "Afterwards no client believes the brokers.",
            "Have it renewed, and give the new one to every service.",
        )
        found += judge_endings(local.look_at_certificates(Path(ca_file)), now, CERTIFICATE_WARN, why, do)
    why, do = "Afterwards no client believes it.", "Have it renewed, and start the broker anew with it."
    shown = local.look_at_broker_certificates(stack.credentials("operator").bootstrap)
    return [*found, *judge_endings(shown, now, CERTIFICATE_WARN, why, do)]
