"""What is judged of processes, disk, tokens and certificates. No input or output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ops.doctor.finding import Finding, fault, fine, warning
from ops.doctor.local import Disk, Ending, ProcessSeen

DISK_FAIL_MB, DISK_WARN_SHARE = 1_024, 0.1
"""Below the first nothing is started any more (``NEEDED_MB`` of the stack)."""
TOKEN_WARN = timedelta(days=1)
CERTIFICATE_WARN = timedelta(days=30)
_STATES = {
    "dead": ("It does nothing.", "Its log says why; `naikkelas up` starts it again."),
    "not ready": ("It takes no work as long as that lasts.", "Mend what it names; it goes on by itself."),
}


def judge_processes(seen: Sequence[ProcessSeen]) -> list[Finding]:
    """Return what is found of the processes; those that are well in one finding."""
    found = []
    for process in seen:
        if process.state in _STATES:
            why, do = _STATES[process.state]
            told = f" ({process.cause})" if process.cause else ""
            found.append(fault("processes", f"{process.name} is {process.state}{told}.", why, do))
        elif process.restarts:
            what = f"{process.name} died {process.restarts} times and was started again."
            found.append(warning("processes", what, "What it died of may come again.", "Look into its log."))
    if absent := [process.name for process in seen if process.state == "not started"]:
        what = f"Not started here: {', '.join(absent)}."
        found.append(
            warning("processes", what, "Their work is not done, unless it is elsewhere.", "`naikkelas up` starts all.")
        )
    ready = sum(process.state == "ready" for process in seen)
    return [*found, fine("processes", f"{ready} of {len(seen)} processes are ready.")]


def judge_disk(disk: Disk) -> Finding:
    """Return what is found of the disk."""
    what = f"{disk.free:,} of {disk.size:,} MB are free where {disk.path} stands."
    if disk.free >= max(DISK_FAIL_MB, DISK_WARN_SHARE * disk.size):
        return fine("disk", what)
    why, do = (
        "A full disk stops Kafka and PostgreSQL in the middle of a write.",
        "Free some space, or take a larger disk.",
    )
    return (fault if disk.free < DISK_FAIL_MB else warning)("disk", what, why, do)


def judge_issuer(cause: str | None) -> Finding:
    """Return what is found of the keys of who signs tokens."""
    if cause is None:
        return fine("keys", "The public keys of who signs tokens are at hand.")
    why, do = "Nobody can log in; every request is answered with 503.", "See what JWKS names, and that it is reached."
    return fault("keys", f"The public keys of who signs tokens cannot be had: {cause}.", why, do)


def judge_endings(endings: Iterable[Ending], now: datetime, before: timedelta, why: str, do: str) -> list[Finding]:
    """Return what is found of tokens or certificates, each; ``before``: from when on somebody should know."""
    return [_ending(ending, now, before, why, do) for ending in endings]


def _ending(ending: Ending, now: datetime, before: timedelta, why: str, do: str) -> Finding:
    if ending.ends is None:
        return fault("keys", f"{ending.name} cannot be read.", why, do)
    left = ending.ends - now
    told = f"{ending.ends:%Y-%m-%d %H:%M %Z}"
    if left <= timedelta(0):
        return fault("keys", f"{ending.name} ended at {told}.", why, do)
    if left <= before:
        return warning("keys", f"{ending.name} ends at {told}.", why, do)
    return fine("keys", f"{ending.name} counts until {told}.")
