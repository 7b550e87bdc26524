"""Asking what stands around the servers: the processes and their health, the disk, tokens, certificates, the issuer's keys."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import loads
from pathlib import Path

import httpx2
from cryptography import x509

from ops.stack import Stack
from ops.stack.services import MAILBOX, PROCESSES, is_ready, is_service, present
from shared.auth.keys import key_source
from shared.metrics.glancing import causes_of
from shared.trust import trust_for

HEALTH_SECONDS = 5.0
CERTIFICATE_SECONDS = 5.0
SHOWN_CHARACTERS = 300
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process and what it says of itself."""

    name: str
    """As ``status`` has it, or the address that was asked."""
    state: str
    """``ready``, ``not ready``, ``dead`` or ``not started``."""
    cause: str = ""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends by itself: a token, a certificate."""

    name: str
    ends: datetime | None
    """``None``: it cannot be read."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk under the stack's folder; megabytes."""

    path: str
    free: int
    size: int


def look_at_processes(stack: Stack) -> list[ProcessSeen]:
    """Ask every declared process of a stack on this machine, and further copies that were started."""
    record = stack.record()
    names = dict.fromkeys([process.name for process in present(PROCESSES)])
    names |= dict.fromkeys(name for name in record.processes if is_service(name) and name != MAILBOX)
    found = []
    for name in names:
        started, restarts = record.processes.get(name), record.restarts.get(name, 0)
        if started is None:
            found.append(ProcessSeen(name, "not started", restarts=restarts))
        elif not started.alive:
            found.append(ProcessSeen(name, "dead", f"its log is {stack.home.logs / name}.log", restarts))
        else:
            ready, said = is_ready(started.port or 0)
            found.append(ProcessSeen(name, "ready" if ready else "not ready", _why(said), restarts))
    return found


def look_at_addresses(urls: Sequence[str]) -> list[ProcessSeen]:
    """Ask processes by their addresses, side by side."""
    with ThreadPoolExecutor(max(1, len(urls))) as hands:
        return list(hands.map(_ask, urls))


def _ask(url: str) -> ProcessSeen:
    address = f"{url.rstrip('/')}/health/ready"
    try:
        answer = httpx2.get(address, timeout=HEALTH_SECONDS, verify=trust_for(url), follow_redirects=False)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return ProcessSeen(url, "dead", type(error).__name__)
    return ProcessSeen(url, "ready" if answer.status_code == 200 else "not ready", _why(answer.text))


def _why(said: str) -> str:
    """Return the causes in what a process says of its readiness; what is no such report, as it is, cut off."""
    causes = causes_of(said)
    return said[:SHOWN_CHARACTERS] if causes is None else causes


def look_at_disk(folder: Path) -> Disk:
    """Return how much is free where a folder stands, or would stand."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return Disk(str(there), usage.free // MEGABYTE, usage.total // MEGABYTE)


def look_at_tokens(folder: Path) -> list[Ending]:
    """Return when the tokens end that services of this stack show one another."""
    return [Ending(path.name, _token_ends(path)) for path in sorted(folder.glob("*.token"))]


def _token_ends(path: Path) -> datetime | None:
    try:
        body = path.read_text(encoding="ascii").split(".")[1]
        return datetime.fromtimestamp(loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"], UTC)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def look_at_certificates(path: Path) -> list[Ending]:
    """Return when the certificates of a file end."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return [Ending(path.name, None)]
    return [Ending(f"{path.name} ({it.subject.rfc4514_string()})", it.not_valid_after_utc) for it in found]


def look_at_broker_certificates(bootstrap: str) -> list[Ending]:
    """Return when the certificates end that brokers show; whose is not to be reached is told of elsewhere.

    They are not judged here: one that has ended is to be told of too.
    """
    found = []
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with suppress(OSError, ValueError):
            shown = ssl.get_server_certificate((host.strip("[]"), int(port)), timeout=CERTIFICATE_SECONDS)
            ends = x509.load_pem_x509_certificate(shown.encode()).not_valid_after_utc
            found.append(Ending(f"The certificate of the broker at {address.strip()}", ends))
    return found


def look_at_issuer(place: str) -> str | None:
    """Return why the public keys of who signs tokens cannot be had; ``None`` if they can."""
    return asyncio.run(key_source(place).problem())
