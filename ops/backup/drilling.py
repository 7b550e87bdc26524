"""The restore drill: a backup is restored into a stack of its own beside the live one, Kafka is refilled, and all of it is audited.

Nothing leaves that stack: mails and messages go into its own folder, which is removed at the end, and no endpoint of an agency is posted to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from ops.audit import Report, audit
from ops.audit.audit import wait_until_quiet
from ops.backup.brokers import records_taken
from ops.backup.fitting import LOST, obstacles
from ops.backup.making import Tell
from ops.backup.manifest import Manifest
from ops.backup.restoring import look_at_target, restore_databases
from ops.backup.scratch import scratch
from ops.doctor.settings import KEY, WEBHOOK
from ops.stack import Stack
from ops.stack.databases import SERVICES, in_database, wait_for
from ops.stack.errors import StackError
from ops.stack.services import PROCESSES
from shared.database import connected
from shared.sealing import KeyRing, UnreadableError
from shared.topology import AGENCY_PREFIX, CONSUMING

PUBLISHING = tuple(process.service for process in PROCESSES if process.role == "relay")
REFILL_SECONDS = 3_600.0
QUIET_SECONDS = 600.0
LOOK_SECONDS = 0.1
_SILENCE = """
UPDATE webhook SET url = 'https://drill.invalid/', state = CASE state WHEN 'aktif' THEN 'dijeda' ELSE state END
"""
_OPENED = (
    ("registry", KEY, "owners' keys",
     "SELECT DISTINCT ON (kek_id) owner_id, wrapped FROM owner_key WHERE wrapped IS NOT NULL"),
    ("partners", WEBHOOK, "secrets of webhooks",
     "SELECT DISTINCT ON (kek_id) id, wrapped FROM webhook_secret"),
)  # fmt: skip
"""What is opened by a key: the database, the setting, what it is, and one of each key's."""


@dataclass(slots=True)
class Drill:
    """What came of a drill."""

    seconds: dict[str, float] = field(default_factory=dict)
    """By step."""
    refilled: int = 0
    """Records that Kafka got out of the outboxes."""
    older: int = 0
    """Events that the outboxes did not keep: of these Kafka's own copy was the only one."""
    report: Report = field(default_factory=Report)

    @property
    def ok(self) -> bool:
        """Whether all is there again that a backup can bring back: not what the outboxes did not keep, nor the topics of agencies."""
        missing = set(self.report.total_findings) - {"topic"} <= {"lost", "gap"} and self.report.lost <= self.older
        topics = [
            finding
            for finding in self.report.findings
            if finding.kind == "topic" and finding.where.startswith(AGENCY_PREFIX)
        ]
        return self.report.ok or (missing and len(topics) == self.report.total_findings["topic"])

    @property
    def refill_rate(self) -> float:
        """Records a second into an empty Kafka."""
        return self.refilled / max(self.seconds.get("refill", 0.0), 0.001)


def drill(folder: Path, manifest: Manifest, keys: Mapping[str, str], tell: Tell, *, quick: bool = False) -> Drill:
    """Restore a backup beside the live platform and audit it; ``quick``: consumers start only if they are behind.

    ``keys``: what opens the backup, by setting. Raises ``StackError`` if it cannot be done, the errors of the servers.
    """
    outcome = Drill(older=max(0, manifest.events - manifest.retained))
    with scratch(keys) as stack:
        with _timed(outcome, "servers", tell):
            stack.start_servers(owned=True)
        if found := obstacles(manifest, look_at_target(stack)):
            raise StackError(" ".join(found))
        with _timed(outcome, "restore", tell):
            restore_databases(stack.servers.superuser_dsn(), folder, manifest.databases, _quietly)
        with _timed(outcome, "migrate", tell):
            for service in SERVICES:
                stack.migrate(service)
        wait_for(_prepare(stack, keys))
        with _timed(outcome, "refill", tell):
            stack.start(*(f"{service}-relay" for service in _relaying(manifest, quick=quick)))
            outcome.refilled = _refilled(stack, manifest.retained, tell)
        with _timed(outcome, "consumers", tell):
            _catch_up(stack, quick=quick)
        with _timed(outcome, "audit", tell):
            outcome.report = asyncio.run(
                audit(_databases(stack), stack.credentials("operator"), QUIET_SECONDS, _quietly)
            )
    return outcome


def _quietly(_stage: str, _done: int, _total: int) -> None:
    """Tell nothing: the step that this is part of is told of."""


@contextmanager
def _timed(outcome: Drill, step: str, tell: Tell) -> Iterator[None]:
    began = monotonic()
    yield
    outcome.seconds[step] = round(monotonic() - began, 2)
    whole = round(outcome.seconds[step])
    tell(f"{step}, seconds", whole, whole)


def _databases(stack: Stack) -> dict[str, str]:
    return {service: stack.dsn(service, "audit") for service in SERVICES}


async def _prepare(stack: Stack, keys: Mapping[str, str]) -> None:
    """Silence what would reach agencies, and open a key of an owner and a secret of a webhook. Raises ``StackError``."""
    server = stack.servers.superuser_dsn()
    async with connected(in_database(server, "partners")) as partners:
        await partners.execute(_SILENCE)
    for service, setting, what, statement in _OPENED:
        async with connected(in_database(server, service)) as connection:
            stored = await connection.fetch(statement)
        try:
            for bound_to, wrapped in stored:
                KeyRing(keys.get(setting, "")).unwrap(bound_to, wrapped)
        except (UnreadableError, ValueError) as error:
            raise StackError(f"{setting} does not open the {what} of this backup: {LOST[setting]}.") from error


def _relaying(manifest: Manifest, *, quick: bool) -> list[str]:
    retained = {dumped.service for dumped in manifest.databases if dumped.retained}
    return [service for service in PUBLISHING if not quick or service in retained]


def _refilled(stack: Stack, retained: int, tell: Tell) -> int:
    """Wait until Kafka holds what the outboxes kept, and return how many records it took. Raises ``StackError``."""
    deadline, operator = monotonic() + REFILL_SECONDS, stack.credentials("operator")
    while (taken := records_taken(operator)) < retained:
        if monotonic() > deadline:
            raise StackError(
                f"Kafka has {taken} of {retained} events after {REFILL_SECONDS:.0f} s: the relays do not go on."
            )
        tell("refill Kafka", taken, retained)
        sleep(LOOK_SECONDS)
    return taken


def _catch_up(stack: Stack, *, quick: bool) -> None:
    """Start who follows, and who gives them keys. Raises ``StackError``."""
    if quick and asyncio.run(wait_until_quiet(_databases(stack), 1.0)):
        return
    stack.start_mailbox()
    stack.start("registry-api", *(f"{service}-worker" for service in CONSUMING))
