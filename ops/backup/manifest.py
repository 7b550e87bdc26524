"""What is written beside the dumps: what they are of, whether they are whole, and what is needed to read them. No input or output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from ops.stack.databases import SERVICES
from shared.topology import PRINCIPALS, Principal

NAME = "manifest.json"
FORMAT = 1
NOT_IN_IT = (
    "KEY_ENCRYPTION_KEY, WEBHOOK_KEY and the other secrets are not in this backup: without the keys of these fingerprints nobody reads a "
    "name in it, and nothing is posted to agencies."
)


class ManifestError(Exception):
    """What is there is no backup; one sentence."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """The dump of one database, and what it held in the same snapshot."""

    service: str
    file: str
    bytes: int
    sha256: str
    migrations: dict[str, str]
    """``component/name.sql`` → SHA-256, as the ledger has it."""
    aggregates: int = 0
    """That the service owns."""
    events: int = 0
    """Facts of these aggregates: the sum of their versions."""
    retained: int = 0
    """Of them, those that the outbox still keeps: Kafka can be refilled with these."""
    keys: dict[str, int] = field(default_factory=dict)
    """Fingerprint of a key that is not in the backup → what is wrapped under it."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup."""

    made_at: str
    """UTC, ISO 8601."""
    release: str
    postgresql: str
    """Version of the server, such as ``18.1``."""
    cluster: str
    """PostgreSQL's own identifier of the cluster that was backed up."""
    kafka: str | None
    """Id of the Kafka cluster beside it; ``None``: it did not answer."""
    databases: tuple[Dumped, ...]
    """In the order in which they were dumped."""
    format: int = FORMAT
    secrets: str = NOT_IN_IT

    @property
    def major(self) -> int:
        """The major version of PostgreSQL."""
        return int(self.postgresql.split(".")[0])

    @property
    def key_ids(self) -> dict[str, int]:
        """The key-encryption keys that are needed, by fingerprint, with the number of owners whose keys they wrap."""
        return self._keys_of("registry")

    @property
    def webhook_key_ids(self) -> dict[str, int]:
        """The webhook keys that are needed, by fingerprint, with the number of secrets that they wrap."""
        return self._keys_of("partners")

    def _keys_of(self, service: str) -> dict[str, int]:
        return next((dumped.keys for dumped in self.databases if dumped.service == service), {})

    @property
    def events(self) -> int:
        """Facts of all services."""
        return sum(dumped.events for dumped in self.databases)

    @property
    def retained(self) -> int:
        """Facts that the outboxes still keep."""
        return sum(dumped.retained for dumped in self.databases)

    def text(self) -> str:
        """Return it as it is written."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_manifest(text: str) -> Manifest:
    """Return what was written. Raises ``ManifestError``."""
    try:
        told: dict[str, Any] = json.loads(text)
        if told["format"] != FORMAT:
            raise ManifestError(f"The backup has the form {told['format']}; this release reads the form {FORMAT}.")
        return Manifest(**{**told, "databases": tuple(Dumped(**item) for item in told["databases"])})
    except (ValueError, KeyError, TypeError):
        raise ManifestError(f"{NAME} is not that of a backup, or was cut off: take another backup.") from None


def backup_order(services: Sequence[str] = SERVICES, principals: Iterable[Principal] = PRINCIPALS) -> tuple[str, ...]:
    """Return the services, each before those whose facts it reads.

    A reader that is older than its source catches up; one that is newer would take the source's next facts for such as it has
    applied already, and pass over them.
    """
    writers = {topic: item.name for item in principals for topic in item.writes}
    readers: Mapping[str, list[str]] = {
        source: sorted(
            item.name for item in principals if item.name in services and item.name != source and source in _sources(item, writers)
        )
        for source in services
    }  # fmt: skip
    return tuple(TopologicalSorter(readers).static_order())


def _sources(principal: Principal, writers: Mapping[str, str]) -> set[str]:
    return {writers[topic] for topic in principal.reads if topic in writers}
