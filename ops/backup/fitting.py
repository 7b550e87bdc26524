"""Why a backup does not fit where it is to be restored. No input or output, but for the digests of the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.backup.making import digest_of
from ops.backup.manifest import NAME, Dumped, Manifest, ManifestError, read_manifest
from ops.doctor.settings import KEY, WEBHOOK
from ops.ledger import Ledger, compare_ledgers
from shared.sealing import KeyRing

SHOWN = 3
LOST = {KEY: "nobody reads a name in it", WEBHOOK: "nothing is posted to agencies any more"}
"""What it means for a backup if a key does not open it, by setting."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database that is to be restored into."""

    relations: int
    """Tables and other things that somebody made in it; a fresh one has none."""
    connections: int
    """Of others, now."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backup is to be restored, as it was found."""

    version: str
    cluster: str
    superuser: bool
    places: Mapping[str, Place | None] = field(default_factory=dict)
    """By service; ``None``: there is no such database."""
    logins: frozenset[str] = frozenset()
    running: tuple[str, ...] = ()
    """Processes of services that this stack runs."""
    records: int | None = 0
    """That Kafka's topics took so far; ``None``: it does not answer."""

    @property
    def major(self) -> int:
        """The major version of PostgreSQL."""
        return int(self.version.split(".")[0])


def open_backup(folder: Path) -> Manifest:
    """Return the manifest of a backup, once every file has the digest that it names. Raises ``ManifestError``."""
    try:
        manifest = read_manifest((folder / NAME).read_text(encoding="utf-8"))
        for dumped in manifest.databases:
            _check_file(folder / dumped.file, dumped)
    except OSError as error:
        raise ManifestError(
            f"{folder} holds no whole backup: {error.filename} cannot be read ({error.strerror})."
        ) from error
    return manifest


def _check_file(path: Path, dumped: Dumped) -> None:
    if path.stat().st_size != dumped.bytes or digest_of(path) != dumped.sha256:
        raise ManifestError(f"{path} is not what was backed up (its digest is another): take another backup.")


@dataclass(frozen=True, slots=True)
class Rings:
    """The keys with which a backup is to be read; ``None``: not given."""

    owners: KeyRing | None = None
    """``KEY_ENCRYPTION_KEY``"""
    webhooks: KeyRing | None = None
    """``WEBHOOK_KEY``"""


def misfits(manifest: Manifest, declared: Mapping[str, Ledger], rings: Rings) -> list[str]:
    """Return why this code and these keys cannot take the backup, wherever it is restored; a sentence each.

    ``declared``: the ledger that this code leaves, by service.
    """
    return [
        *_schema(manifest, declared),
        *_key(KEY, manifest.key_ids, rings.owners),
        *_key(WEBHOOK, manifest.webhook_key_ids, rings.webhooks),
    ]


def _schema(manifest: Manifest, declared: Mapping[str, Ledger]) -> Iterator[str]:
    for dumped in manifest.databases:
        if dumped.service not in declared:
            yield f"The backup holds {dumped.service}, which this release does not know."
            continue
        differing = compare_ledgers(declared[dumped.service], dumped.migrations)
        if unknown := (*differing.foreign, *differing.changed):
            more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
            yield f"{dumped.service} was backed up by another release ({', '.join(unknown[:SHOWN])}{more}): restore with that one."
    if left := declared.keys() - {dumped.service for dumped in manifest.databases}:
        yield f"The backup does not hold {', '.join(sorted(left))}: take another backup."


def _key(setting: str, needed: Mapping[str, int], key: KeyRing | None) -> Iterator[str]:
    if needed and key is None:
        yield f"{setting} is not given: the backup needs the one with the fingerprint {', '.join(sorted(needed))}."
    elif key is not None and (others := needed.keys() - set(key.kek_ids)):
        yield (
            f"{setting} is the wrong one (fingerprint {key.kek_id}): the backup needs {', '.join(sorted(others))}, "
            f"or {LOST[setting]}."
        )


def obstacles(manifest: Manifest, target: Target) -> list[str]:
    """Return why the backup cannot be restored there; a sentence each."""
    found = list(_server(manifest, target))
    if target.running:
        found.append(
            f"Services are running ({', '.join(target.running)}): `naikkelas down`, then start the servers alone."
        )
    for dumped in manifest.databases:
        found += _place(dumped.service, target.places.get(dumped.service))
    if target.records is None:
        found.append("Kafka does not answer: whether it holds events of before cannot be seen.")
    elif target.records:
        found.append(
            f"Kafka took {target.records:,} records before: what the backup does not know of would be taken for its next facts, "
            "so restore beside brokers with empty topics."
        )
    return found


def _server(manifest: Manifest, target: Target) -> Iterator[str]:
    if target.major != manifest.major:
        yield (
            f"The backup is of PostgreSQL {manifest.postgresql}, and the server is {target.version}: restore into the same major "
            "version."
        )
    if not target.superuser:
        yield "POSTGRES_DSN names no superuser: only one may restore what belongs to others."
    needed = {name for dumped in manifest.databases for name in (dumped.service, f"{dumped.service}_migrate")} | {
        "audit"
    }
    if target.logins and (absent := needed - target.logins):
        yield f"Logins are missing ({', '.join(sorted(absent))}): `naikkelas up --servers-only` makes them."


def _place(service: str, place: Place | None) -> Iterator[str]:
    if place is None:
        yield f"There is no database {service}: `naikkelas up --servers-only` makes it."
    elif place.relations:
        yield f"The database {service} is not empty ({place.relations} relations): a restore overwrites nothing."
    elif place.connections:
        yield f"Somebody is connected to the database {service} ({place.connections} connections): stop the services first."
