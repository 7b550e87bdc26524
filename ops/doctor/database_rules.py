"""What is judged of PostgreSQL and of each service's database. No input or output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.doctor.finding import Finding, fault, fine, named, warning
from ops.doctor.postgresql import DatabaseSeen, ServerSeen, Unreachable, WrappedKey
from ops.doctor.settings import KEY, RUNNING_WITH, WEBHOOK
from ops.ledger import Ledger, compare_ledgers
from shared.sealing import KeyRing, UnreadableError

AREA = "postgresql"


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What a service keeps wrapped under a key of its settings."""

    setting: str
    key: str
    """What the key is called."""
    what: str
    table: str
    lost: str
    """What it means that the key does not open it."""
    found: str
    """Who notices a wrong key that nobody tried."""


WRAPPING = {
    "registry": Wrapping(
        KEY, "key-encryption key", "owners' keys", "owner_key",
        "Names and numbers of these owners cannot be read by anybody.", "A wrong one is found by owners.",
    ),
    "partners": Wrapping(
        WEBHOOK, "webhook key", "secrets of webhooks", "webhook_secret",
        "Nothing is posted to these endpoints, since nobody can sign it.", "A wrong one is found by agencies.",
    ),
}  # fmt: skip
"""By the service that keeps it."""
OLDEST = 17
"""The first that knows ``transaction_timeout`` (decision 45): the pools of the services are refused by an older one."""
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 2.0, 60.0
FULL_SHARE = 0.8
WRAP_WARN, WRAP_FAIL = 500_000_000, 1_500_000_000
"""Transactions; PostgreSQL takes no more commands at some 2,000 million."""
OUTBOX_WARN_SECONDS, OUTBOX_FAIL_SECONDS = 60.0, 900.0
_SWITCHES = {
    "autovacuum": ("Dead rows stay, tables grow, and at last no command is taken any more.", fault),
    "fsync": ("A power cut may take what was acknowledged, and spoil the rest.", fault),
    "full_page_writes": ("A power cut may leave pages that are half old and half new.", fault),
    "synchronous_commit": ("A power cut may take the last commands that were acknowledged.", warning),
}


def judge_server(seen: ServerSeen | Unreachable) -> list[Finding]:
    """Return what is found of the server."""
    if isinstance(seen, Unreachable):
        why, do = (
            "Every command is refused with 503 until it is back.",
            "See that it runs, and what POSTGRES_DSN names.",
        )
        return [fault(AREA, f"PostgreSQL cannot be asked: {seen.cause}.", why, do)]
    return [_version(seen), _clock(seen), *_writing(seen), _connections(seen), *_transactions(seen)]


def _version(seen: ServerSeen) -> Finding:
    if seen.version_num // 10_000 < OLDEST:
        return fault(
            AREA, f"PostgreSQL is {seen.version}, older than {OLDEST}.",
            "It does not know transaction_timeout, so that no service gets a connection.",
            f"Upgrade the server to {OLDEST} or newer; 18 is what the platform is tested with.",
        )  # fmt: skip
    return fine(AREA, f"PostgreSQL {seen.version} answers.")


def _clock(seen: ServerSeen) -> Finding:
    off = max(0.0, abs(seen.ahead_seconds) - seen.unsure_seconds)
    what = f"The clock of PostgreSQL is {off:.1f} s {'before' if seen.ahead_seconds > 0 else 'behind'} the one here."
    if off < CLOCK_WARN_SECONDS:
        return fine(AREA, f"The clocks of PostgreSQL and of this machine agree to {off + seen.unsure_seconds:.3f} s.")
    why = "What is due goes by the clock of the database, and tokens by that of each service."
    make = fault if off >= CLOCK_FAIL_SECONDS else warning
    return make(AREA, what, why, "Let both machines take their time from the same NTP server.")


def _writing(seen: ServerSeen) -> Iterator[Finding]:
    if seen.in_recovery:
        yield fault(AREA, "The server is a replica.", "It takes no command.", "Name the primary, or promote this one.")
    for name, (why, make) in _SWITCHES.items():
        if seen.switches.get(name) == "off":
            yield make(AREA, f"{name} is off.", why, f"ALTER SYSTEM SET {name} = on, then SELECT pg_reload_conf().")


def _connections(seen: ServerSeen) -> Finding:
    what = f"{seen.connections} of {seen.most_connections} connections are taken"
    if seen.connections < FULL_SHARE * seen.most_connections:
        return fine(AREA, f"{what}.")
    why, do = "Who comes when none is left gets 503.", "Raise max_connections, lower POOL_SIZE, or run fewer copies."
    return warning(AREA, f"{what}.", why, do)


def _transactions(seen: ServerSeen) -> Iterator[Finding]:
    if not seen.sees_all:
        do = "Ask with a login that has pg_read_all_stats."
        yield warning(AREA, "This login does not see the transactions of others.", "A forgotten one is not found.", do)
    for one in seen.long:
        yield warning(
            AREA, f"A transaction of {one.login} in {one.database} is open for {one.seconds:.0f} s ({one.state}, process {one.pid}).",
            "Migrations wait for it, dead rows stay, and days of the outbox are not taken away.",
            f"See what it is; SELECT pg_terminate_backend({one.pid}) ends it.",
        )  # fmt: skip
    if seen.prepared:
        yield warning(
            AREA, f"{seen.prepared} prepared transactions were never ended.", "They hold their locks also over a restart.",
            "SELECT * FROM pg_prepared_xacts names them; nothing of this platform prepares any: ROLLBACK PREPARED.",
        )  # fmt: skip


def judge_database(
    service: str, seen: DatabaseSeen | Unreachable, declared: Ledger, key: KeyRing | None = None
) -> list[Finding]:
    """Return what is found of a service's database. ``declared``: the ledger that this code leaves."""
    if isinstance(seen, Unreachable):
        why, do = f"Every process of {service} waits for it.", "See that the database is there and the login may enter."
        return [fault(service, f"The database cannot be asked: {seen.cause}.", why, do)]
    found = [_migrations(seen, declared), *_growth(seen)]
    if seen.parked is not None:
        found.append(_parked(seen.service, seen.parked))
    if seen.backlog is not None:
        found.append(_outbox(seen.service, *seen.backlog))
    if (kept := WRAPPING.get(service)) is None:
        return found
    if seen.keys:
        found += judge_keys(kept, seen.keys, key)
    elif seen.keys is None and seen.ledger:
        why, do = f"Whether the {kept.key} opens them is not known.", f"Ask with a login that may read {kept.table}."
        found.append(warning("keys", f"This login may not see how {kept.what} are wrapped.", why, do))
    return found


def _migrations(seen: DatabaseSeen, declared: Ledger) -> Finding:
    service = seen.service
    if seen.ledger is None:
        do = f"Run `python -m services.{service} migrate` of this release once, or ask as a superuser."
        return warning(service, "This login may not read which migrations ran.", "A foreign schema is not found.", do)
    differing = compare_ledgers(declared, seen.ledger)
    if differing.foreign:
        return fault(
            service, f"A foreign schema version: {named(differing.foreign)} ran, and this release does not know it.",
            "Code that is older than its schema may write what the newer one cannot read.",
            "Use the release that migrated it, or one that is newer.",
        )  # fmt: skip
    if differing.changed:
        why = "Nobody knows what the tables look like."
        return fault(service, f"{named(differing.changed)} ran with another text.", why, "Use an unchanged release.")
    if differing.missing:
        return fault(
            service, f"{len(differing.missing)} migrations did not run: {named(differing.missing)}.",
            "The code asks for tables and columns that are not there.", f"Run `python -m services.{service} migrate`.",
        )  # fmt: skip
    return fine(service, f"All {len(declared)} migrations ran; the database has {seen.bytes / 1e6:,.0f} MB.")


def _growth(seen: DatabaseSeen) -> Iterator[Finding]:
    if seen.dead:
        yield warning(
            seen.service, f"More rows are dead than alive in {named(seen.dead)}.", "Reading it takes longer and longer.",
            "See what holds autovacuum up (a long transaction?), then VACUUM these tables.",
        )  # fmt: skip
    if seen.transactions >= WRAP_WARN:
        make = fault if seen.transactions >= WRAP_FAIL else warning
        why = "At 2,000 million PostgreSQL takes no more commands."
        what = f"The oldest row was not frozen for {seen.transactions / 1e6:,.0f} million transactions."
        yield make(seen.service, what, why, "VACUUM FREEZE the database, and see what holds autovacuum up.")


def _parked(service: str, parked: Mapping[str, int]) -> Finding:
    count = sum(parked.values())
    if not count:
        return fine(service, "No event is parked.")
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(parked.items()))
    why = "They and what comes after them of the same aggregates is not applied."
    do = f"`naikkelas parked list` tells why; mend that, then `naikkelas parked redrive {service} --reason WHY`."
    make = fault if {"poison", "unreadable"} & parked.keys() else warning
    return make(service, f"{count} events are parked ({told}).", why, do)


def _outbox(service: str, depth: int, seconds: float) -> Finding:
    if not depth or seconds < OUTBOX_WARN_SECONDS:
        return fine(service, f"The outbox holds {depth:,} events that are not published yet.")
    make = fault if seconds >= OUTBOX_FAIL_SECONDS else warning
    return make(
        service, f"The outbox holds {depth:,} events that are not published, the oldest for {seconds:,.0f} s.",
        "Nobody else hears of them; nothing is lost, and commands go on.",
        f"See that Kafka answers and a relay of {service} runs; its log names what it waits for.",
    )  # fmt: skip


def judge_keys(kept: Wrapping, stored: tuple[WrappedKey, ...], key: KeyRing | None) -> list[Finding]:
    """Return whether the key of a service opens what is stored."""
    who = RUNNING_WITH[kept.setting]
    if key is None:
        do = f"Give {kept.setting} or {kept.setting}_FILE as {who} has it."
        return [warning("keys", f"No {kept.key} was given to try.", kept.found, do)]
    closed = [found for found in stored if not _opens(key, found)]
    if not closed:
        count = sum(found.count for found in stored)
        return [fine("keys", f"The {kept.key} {key.kek_id} is the one of all {count:,} {kept.what}.")]
    told = ", ".join(f"{found.count:,} under {found.kek_id}" for found in closed)
    return [
        fault(
            "keys",
            f"The {kept.key} {key.kek_id} does not open all {kept.what}: {told}.",
            kept.lost,
            f"Give {who} the key that wrapped them; its id is the one named here.",
        )
    ]


def _opens(key: KeyRing, found: WrappedKey) -> bool:
    try:
        key.unwrap(found.bound_to, found.wrapped)
    except UnreadableError:
        return False
    return found.kek_id in key.kek_ids
