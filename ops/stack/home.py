"""The stack's folder: paths, secrets, and the record of what runs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ops.stack.errors import StackError
from ops.stack.processes import Started

KEY_ENCRYPTION_KEY = "registry.key_encryption_key"
WEBHOOK_KEY = "partners.webhook_key"
SECRETS = {"KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY, "WEBHOOK_KEY": WEBHOOK_KEY}
"""The settings with keys that wrap what is stored, and the name of each among the secrets."""
NEEDED_MB = 1_024
"""Free space below which nothing is started: a full disk stops Kafka and PostgreSQL in the middle of a write."""


@dataclass(slots=True)
class Record:
    """What runs, as ``stack.json`` holds it: processes by name, ports by purpose, restarts by name, brokers."""

    processes: dict[str, Started] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    brokers: int = 1
    """Nodes of the stack's own Kafka."""


class Home:
    """The folder of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.mail = self.path / "mail"
        self.telephones = self.path / "telephones"
        self.uploads = self.path / "uploads"
        self.kafka = self.path / "kafka"
        self.postgres = self.path / "postgres"
        self.jwks = self.path / "jwks.json"
        self._record = self.path / "stack.json"
        self._secrets = self.path / "secrets.json"

    def prepare(self, needed_mb: int = NEEDED_MB) -> None:
        """Make the folders. Raises ``StackError`` if that is not possible or the disk is nearly full."""
        try:
            for folder in (self.path, self.logs, self.run, self.mail, self.telephones, self.uploads):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.logs, self.run, self.mail, self.telephones, self.uploads):
                folder.chmod(0o700)
            free = shutil.disk_usage(self.path).free // (1024 * 1024)
        except OSError as error:
            raise StackError(
                f"{self.path} cannot be used ({error.strerror}): name another folder in NAIKKELAS_HOME."
            ) from error
        if free < needed_mb:
            raise StackError(
                f"Only {free} MB are free where {self.path} stands and {needed_mb} MB are needed: "
                "free some space, or name a folder on another disk in NAIKKELAS_HOME."
            )

    def exists(self) -> bool:
        """Tell whether a stack was ever started here."""
        return self._record.exists() or self._secrets.exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the stack's lock, so that two commands do not start or stop it at once. Raises ``StackError``."""
        with (self.path / ".lock").open("w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"Another command is starting or stopping the stack in {self.path}: wait until it has ended."
                ) from None
            yield

    def _open(self, name: str) -> IO[str]:
        """Open a file to be locked; who closes it lets go. Raises ``StackError``.

        It is locked inside of the caller's own ``with``: an interrupt would leave a lock of a context manager of ours held.
        """
        try:
            return (self.path / name).open("w", encoding="ascii")
        except FileNotFoundError:
            raise StackError(f"No stack was ever started in {self.path}: start it with `naikkelas up`.") from None

    def read(self) -> Record:
        """Return the record; an empty one if there is none or it cannot be read."""
        try:
            stored = json.loads(self._record.read_text(encoding="utf-8"))
            processes = {name: Started(**item) for name, item in stored["processes"].items()}
            return Record(processes, stored["ports"], stored["restarts"], stored.get("brokers", 1))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Record()

    def change(self, change: Callable[[Record], None]) -> Record:
        """Change the record, one process at a time, and return it. Raises ``StackError``: no stack yet, or the disk is full."""
        with self._open(".record-lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            record = self.read()
            change(record)
            write_private(self._record, json.dumps(asdict(record), indent=2))
        return record

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """Return the secret of this name; it is made at its first use and stays. Raises ``StackError``: no stack yet."""
        with self._open(".secrets-lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            stored: dict[str, str] = {}
            if self._secrets.exists():
                stored = json.loads(self._secrets.read_text(encoding="utf-8"))
            if name not in stored:
                stored[name] = make()
                write_private(self._secrets, json.dumps(stored, indent=2))
            return stored[name]

    def known_secret(self, name: str) -> str | None:
        """Return the secret of this name if it was made already; none is made for it."""
        try:
            stored: dict[str, str] = json.loads(self._secrets.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return stored.get(name)

    def key_encryption_key(self) -> str:
        """Return the registry's key-encryption key: 32 bytes, base64."""
        return self.secret(KEY_ENCRYPTION_KEY, lambda: b64encode(os.urandom(32)).decode())

    def webhook_key(self) -> str:
        """Return the key that wraps the secrets of webhooks: 32 bytes, base64."""
        return self.secret(WEBHOOK_KEY, lambda: b64encode(os.urandom(32)).decode())

    def signing_key(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the private key (JWK) that signs tokens of this stack."""
        key: dict[str, Any] = json.loads(self.secret("jwt.signing_key", lambda: json.dumps(make())))
        return key

    def wipe(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.path.exists():
            raise StackError(f"{self.path} could not be removed completely: remove it by hand.")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises ``StackError``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StackError(f"{path} cannot be written ({error.strerror}): free some space or mend its folder.") from error
