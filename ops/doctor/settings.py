"""The variables that the operator's commands go by, judged all at once: nothing is asked over the network for it.

No finding repeats a value: it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ops.doctor.finding import Finding, fault, fine
from ops.stack.servers import SECRET, with_secrets
from shared.sealing import KeyRing

AREA = "settings"
KEY, WEBHOOK = "KEY_ENCRYPTION_KEY", "WEBHOOK_KEY"
RUNNING_WITH = {KEY: "the registry", WEBHOOK: "the partner service"}
"""The keys that wrap something, and who runs with each."""
PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")
IN_FILES = (*SECRET, *RUNNING_WITH)
"""Variables that may also be given as a file, named by ``<variable>_FILE``."""
BELONGING = ("KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_PASSWORD_FILE", "KAFKA_SECURITY_PROTOCOL", "KAFKA_CA_FILE")
_WHY = "No command can reach what it is to look at."


def judge_settings(environment: Mapping[str, str]) -> list[Finding]:
    """Return every fault of the variables; one finding that all is well if there is none."""
    faults = [fault(AREA, what, _WHY, do) for what, do in _faults(environment)]
    return faults or [fine(AREA, "The settings can be read and fit together.")]


def given_key(environment: Mapping[str, str], name: str = KEY) -> str | None:
    """Return the key that the environment names, as it is or in a file. Raises ``StackError``."""
    return with_secrets(environment, [name]).get(name) or None


def ring_of(keys: str, name: str) -> KeyRing:
    """Return the keys of a setting. Raises ``ValueError``, with the setting's name, for what are none."""
    try:
        return KeyRing(keys)
    except ValueError as error:
        raise ValueError(str(error).replace(KEY, name)) from None


def _faults(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give what is wrong, and what to do."""
    yield from _files(environment)
    yield from _kafka(environment)
    yield from _postgresql(environment)
    for name, who in RUNNING_WITH.items():
        yield from _key(environment, name, who)


def _files(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in IN_FILES:
        path = environment.get(f"{name}_FILE")
        if path and environment.get(name):
            yield f"{name} and {name}_FILE are both set.", f"Keep one of {name} and {name}_FILE."
        if path and (why := _unreadable(path)):
            yield f"{name}_FILE cannot be read ({path}: {why}).", f"Mend the file, or name another one in {name}_FILE."


def _unreadable(path: str) -> str | None:
    """Return why a file cannot be read as text; ``None`` if it can."""
    try:
        Path(path).read_text(encoding="utf-8")
    except OSError as error:
        return error.strerror
    except UnicodeDecodeError:
        return "not UTF-8 text"
    return None


def _kafka(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    bootstrap = environment.get("KAFKA_BOOTSTRAP")
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL") or "SASL_PLAINTEXT"
    if not bootstrap:
        if alone := [name for name in BELONGING if environment.get(name)]:
            yield f"{', '.join(alone)}: set without KAFKA_BOOTSTRAP.", "Set KAFKA_BOOTSTRAP too, or unset them."
        return
    if not all(_is_address(word) for word in bootstrap.split(",")):
        yield "KAFKA_BOOTSTRAP is no list of host:port.", "Write host:port, several separated by commas."
    if protocol not in PROTOCOLS:
        yield f"KAFKA_SECURITY_PROTOCOL is none of {', '.join(PROTOCOLS)}.", "Set it to the protocol of the listener."
    elif protocol.startswith("SASL_") and not (
        environment.get("KAFKA_PASSWORD") or environment.get("KAFKA_PASSWORD_FILE")
    ):
        yield "KAFKA_PASSWORD is not set, nor is KAFKA_PASSWORD_FILE.", "Give the operator's password in one of them."
    ca_file = environment.get("KAFKA_CA_FILE")
    if ca_file and (why := _unreadable(ca_file)):
        yield f"KAFKA_CA_FILE cannot be read ({ca_file}: {why}).", "Name the file with the authority's certificate."


def _is_address(word: str) -> bool:
    host, _, port = word.strip().rpartition(":")
    return bool(host) and port.isdigit() and 0 < int(port) < 65_536


def _postgresql(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    dsn = environment.get("POSTGRES_DSN")
    if path := environment.get("POSTGRES_DSN_FILE"):
        dsn = None if _unreadable(path) else Path(path).read_text(encoding="utf-8").strip()
    if dsn and not _is_dsn(dsn):
        yield "POSTGRES_DSN is no address of PostgreSQL.", "Write postgresql://login:password@host:port/postgres."


def _is_dsn(dsn: str) -> bool:
    try:
        parts = urlsplit(dsn)
        return parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _key(environment: Mapping[str, str], name: str, who: str) -> Iterator[tuple[str, str]]:
    path = environment.get(f"{name}_FILE")
    if path and _unreadable(path):
        return  # told of already
    if key := given_key(environment, name):
        try:
            ring_of(key, name)
        except ValueError as error:
            yield f"{error}.", f"Give the key that {who} runs with in {name} or {name}_FILE."
